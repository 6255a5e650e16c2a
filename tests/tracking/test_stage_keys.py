"""Sort keys of the tracking table: built, taken apart, and told from those of sessions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.domain.weekend import HORIZONS
from f1lib.tracking.stage_keys import GRID_ROWS, SESSIONS, STAGES, WEATHER_ROW, Stage, StageKey, short_name, suffix_of

NAMES = st.text(min_size=1).filter(lambda text: "#" not in text)


@given(NAMES, st.text())
def test_a_key_that_was_built_is_read_back(name: str, suffix: str) -> None:
    assert StageKey.parse(StageKey(name, suffix).sort_key) == StageKey(name, suffix)


@given(NAMES, st.text(), NAMES, st.text())
def test_two_keys_never_meet(name: str, suffix: str, other: str, other_suffix: str) -> None:
    one, two = StageKey(name, suffix), StageKey(other, other_suffix)
    assert (one.sort_key == two.sort_key) == (one == two)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (StageKey(Stage.SCHEDULE), "STAGE#00_schedule"),
        (StageKey(Stage.SCHEDULE, "2025"), "STAGE#00_schedule#2025"),
        (StageKey(Stage.PREDICT, "pre_race_sprint"), "STAGE#06_predict#pre_race_sprint"),
    ],
)
def test_the_keys_of_lakes_that_exist_stay_as_they_are(key: StageKey, text: str) -> None:
    assert (key.sort_key, WEATHER_ROW) == (text, "STAGE#02_weather")
    assert GRID_ROWS == {"R": "STAGE#starting_grid", "S": "STAGE#sprint_grid"}


@pytest.mark.parametrize("session", sorted(SESSIONS))
def test_a_session_is_no_stage(session: str) -> None:
    assert StageKey.parse(session) is None
    assert [suffix_of(stage, session) for stage in Stage] == [None] * len(Stage)
    assert short_name(session) == session


@pytest.mark.parametrize("suffix", ["", *HORIZONS])
def test_a_row_belongs_to_one_stage_and_keeps_its_suffix(suffix: str) -> None:
    found = {stage: suffix_of(stage, StageKey(Stage.PREDICT, suffix).sort_key) for stage in Stage}
    assert {stage: known for stage, known in found.items() if known is not None} == {Stage.PREDICT: suffix}


def test_people_read_a_key_without_its_prefix() -> None:
    assert short_name(StageKey(Stage.TRAIN).sort_key) == "05_train"
    assert short_name(GRID_ROWS["R"]) == "starting_grid"


def test_every_stage_is_a_notebook(root: Path) -> None:
    assert [path.stem for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))] == list(STAGES)
