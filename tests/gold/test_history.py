"""The past is kept while it is the same, and never a moment longer."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from f1lib.gold import history as gold_history
from f1lib.gold.ratings import Ratings
from f1lib.lake.cache import Cache
from tests.support import gold_world

WORLD = gold_world.world()
RACED = ("R", "S")


def _without(table: str, is_gone: pd.Series[Any]) -> dict[str, Any]:
    return {**WORLD, table: WORLD[table][~is_gone]}


def _until_the_last_race() -> tuple[dict[str, Any], dict[str, Any]]:
    """The world before the last event's race and sprint: without, and with that weekend's first session."""
    results = WORLD["results"]
    last = results.loc[results["session"] == "R", "available_utc"].max()
    event = results.loc[results["available_utc"] == last, "event_partition_key"].iloc[0]
    own = results["event_partition_key"] == event
    first = own & (results["available_utc"] == results.loc[own, "available_utc"].min())
    return _without("results", own), _without("results", own & ~first)


def test_a_session_of_a_weekend_to_come_leaves_the_history_as_it_is() -> None:
    before, after = _until_the_last_race()
    cache = Cache()
    assert len(after["results"]) > len(before["results"])
    assert gold_history.history(after, cache) is gold_history.history(before, cache)


def test_the_next_result_is_a_new_history() -> None:
    before, _ = _until_the_last_race()
    cache = Cache()
    known, grown = gold_history.history(before, cache), gold_history.history(WORLD, cache)
    assert len(grown.races) > len(known.races)


@pytest.mark.parametrize("session", ["R", "Q"])
def test_one_corrected_cell_of_the_past_is_a_new_history(session: str) -> None:
    results, cache = WORLD["results"], Cache()
    row = results.index[results["session"] == session][0]
    corrected = results.copy()
    corrected.loc[row, "best_lap_seconds"] = corrected.loc[row, "best_lap_seconds"] + 1.5
    known, found = gold_history.history(WORLD, cache), gold_history.history({**WORLD, "results": corrected}, cache)
    assert not found.races.equals(known.races)


def test_a_history_that_was_kept_is_the_one_computed_anew() -> None:
    before, after = _until_the_last_race()
    cache = Cache()
    gold_history.history(before, cache)
    assert gold_history.history(after, Cache()).races.equals(gold_history.history(after, cache).races)


def test_before_any_result_there_is_no_history() -> None:
    raced = WORLD["results"]["session"].isin(RACED)
    assert len(gold_history.history(_without("results", raced), Cache()).races) == 0


def test_ratings_asked_again_or_about_an_earlier_moment_are_those_asked_once() -> None:
    history = _rated()
    moments = sorted(history["available_utc"].unique())
    questions = [_asked(history, moment) for moment in (moments[3], moments[8], moments[8], moments[1], moments[-1])]
    kept = Ratings(history)
    for question in questions:
        pd.testing.assert_frame_equal(kept.of(question), Ratings(history).of(question))


def _rated() -> pd.DataFrame:
    races: pd.DataFrame = gold_history.history(WORLD, Cache()).races.to_pandas()
    return races.assign(session="R")


def _asked(history: pd.DataFrame, moment: Any) -> pd.DataFrame:
    now = history[history["available_utc"] == moment]
    keys = ["event_year", "major_era_year", "driver_id", "team_lineage"]
    asked: pd.DataFrame = now[keys].assign(rating_utc=moment).reset_index(drop=True)
    return asked
