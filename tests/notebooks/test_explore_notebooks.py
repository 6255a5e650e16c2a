"""The notebooks for people, with their defaults: top to bottom, and what they show is what is in the lake."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.lived_lake import Opener

NAMES = "season championship driver circuit learned compare weekend".split()


@pytest.fixture(scope="module")
def scored(lake: Path) -> pd.DataFrame:
    """The results of races and sprints."""
    frames = [pd.read_parquet(path) for path in sorted((lake / "silver/sessions/results").glob("season=*/*.parquet"))]
    rows = pd.concat(frames, ignore_index=True)
    return rows[rows["session"].isin(["R", "S"]) & rows["is_entrant"]]


@pytest.fixture(scope="module")
def results(scored: pd.DataFrame) -> pd.DataFrame:
    return scored[scored["session"] == "R"]


def _cell(book: Any, name: str) -> dict[str, Any]:
    found = next(c for c in book.cells if c["id"] == name)
    return dict(found["outputs"][-1]["data"])


def test_there_is_a_notebook_for_each_question() -> None:
    folder = Path(__file__).resolve().parents[2] / "notebooks" / "explore"
    assert {path.stem for path in folder.glob("*.ipynb")} == set(NAMES)


def test_a_season_shows_every_race_and_the_points_of_its_drivers(
    opened: Opener, results: pd.DataFrame, scored: pd.DataFrame
) -> None:
    own = results[results["event_year"] == 2025]
    with opened("explore/season") as book:
        assert book.ref("year") == 2025
        svg = _cell(book, "grid")["image/svg+xml"]
        columns = "[explore.standings(scored, opened.as_of)[c].tolist() for c in ('driver_id', 'points')]"
        table = dict(book.ref(f"dict(zip(*{columns}))"))
        credits = _cell(book, "credits")["text/plain"]
    assert all(f">{letters}</text>" in svg for letters in own["abbreviation"].unique())
    assert table == scored[scored["event_year"] == 2025].groupby("driver_id")["points"].sum().to_dict()
    assert credits.startswith("SIMULATED DATA")


def test_the_championship_shows_both_titles_as_they_were_issued(opened: Opener, results: pd.DataFrame) -> None:
    own = results[results["event_year"] == 2025]
    with opened("explore/championship") as book:
        columns = "[table[c].tolist() for c in ('contender', 'points_now')]"
        points = dict(book.ref(f"dict(zip(*{columns}))"))
        rounds = book.ref("sorted(set(issues['after_round'].tolist()))")
        pictures = [_cell(book, name)["image/svg+xml"] for name in ("chances", "points", "teams")]
    assert set(own["driver_id"]) < set(points)
    assert rounds[0] < rounds[-1] == own["event_number"].max()
    assert all(svg.count("<svg") == 1 for svg in pictures)


def test_a_driver_is_the_last_winner_unless_one_is_named(opened: Opener, results: pd.DataFrame) -> None:
    last = results.sort_values(["event_year", "event_number"]).query("finishing_position == 1").iloc[-1]
    with opened("explore/driver") as book:
        assert book.ref("explore.find_driver(results, driver)") == last["driver_id"]
        assert book.ref("rows['finishing_position'].tolist()[-1]") == 1
        assert _cell(book, "form")["image/svg+xml"].count("<svg") == 1


def test_a_circuit_names_every_winner_there(opened: Opener, lake: Path, results: pd.DataFrame) -> None:
    with opened("explore/circuit") as book:
        circuit, table = book.ref("chosen"), _cell(book, "years")["text/html"]
    events = pd.concat([pd.read_parquet(p) for p in (lake / "silver/sessions/events").glob("season=*/*.parquet")])
    held = events.loc[events["circuit_id"] == circuit, "event_partition_key"]
    winners = results[results["event_partition_key"].isin(held) & (results["finishing_position"] == 1)]["full_name"]
    assert len(winners) >= 1
    assert all(name in table for name in winners)


def test_what_the_model_has_learned_weighs_every_group_it_reads(opened: Opener) -> None:
    with opened("explore/learned") as book:
        weights = dict(book.ref("dict(zip(weights['group'], weights['features']))"))
        reads = list(
            book.ref("__import__('f1lib.model.registry', fromlist=['r']).metadata(opened.store, run)['features']")
        )
        assert _cell(book, "dependence")["image/svg+xml"].startswith("<svg")
    assert sum(weights.values()) == len(reads)


def test_two_models_are_compared_on_the_races_both_were_validated_on(opened: Opener) -> None:
    with opened("explore/compare") as book:
        races = set(book.ref("pairs.groupby('metric').size().tolist()"))
        metrics = list(book.ref("sorted(pairs['metric'].unique().tolist())"))
        runs = list(book.ref("runs"))
        shown = _cell(book, "runs")["text/html"]
    assert len(races) == 1
    assert {"mae", "rps", "win_log_loss"} <= set(metrics)
    assert len(set(runs)) == 2
    assert all(run in shown for run in runs)


def test_a_weekend_is_told_from_its_first_session_to_the_result(opened: Opener, results: pd.DataFrame) -> None:
    with opened("explore/weekend") as book:
        chosen, sessions = book.ref("chosen"), _cell(book, "sessions")["text/plain"]
        horizons = book.ref("issues['horizon'].drop_duplicates().tolist()")
        outcome, told = _cell(book, "outcome")["image/svg+xml"], _cell(book, "told")["text/plain"]
    assert chosen == "2025_Chinese_Grand_Prix"
    assert all(name in sessions for name in ("Practice 1", "Sprint Qualifying", "Sprint", "Qualifying", "Race"))
    assert horizons == ["pre_weekend", "post_practice", "post_qualifying", "pre_race"]
    winner = results[(results["event_partition_key"] == chosen) & (results["finishing_position"] == 1)]["full_name"]
    assert outcome.startswith("<svg")
    assert str(winner.iloc[0]).split(" ", 1)[1] in told
    assert re.search(r"won \(given [<>]?\d+ %\), [0-3] of 3 on the podium", told)


def test_a_weekend_before_its_race_ends_with_the_forecast(opened: Opener) -> None:
    with opened("explore/weekend", as_of="2025-03-29T12:00:00Z") as book:
        assert book.ref("chosen") == "2025_Chinese_Grand_Prix"
        assert _cell(book, "outcome")["text/plain"] == "The race has no result yet."
        assert "wins with a chance of" in _cell(book, "told")["text/plain"]


@pytest.mark.parametrize(("name", "given"), [("driver", {"driver": "nobody"}), ("circuit", {"circuit": "nowhere"})])
def test_a_name_nobody_bears_is_refused_with_what_there_is(opened: Opener, name: str, given: dict[str, str]) -> None:
    with pytest.raises(Exception, match="BadParameters"), opened(f"explore/{name}", **given):
        pass
