"""`f1lib.open`: what is in a lake, as it was known at a moment; a folder or a bucket to read is all it needs."""

from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import f1lib
from f1lib.api.lake import Lake
from f1lib.errors import BadParameters, RunError, StorageError
from f1lib.lake.store import LocalStore, open_store
from f1lib.predictions import archive
from tests.support.lakes import AFTER, EVENT
from tests.support.standins import Server, make_bucket

# Between qualifying and the race of `EVENT`.
SATURDAY = "2025-03-29T12:00:00Z"


@pytest.fixture(scope="module")
def folder(replayed_lake: Path) -> Path:
    return replayed_lake / "lake"


@pytest.fixture(scope="module")
def lake(folder: Path) -> Lake:
    return f1lib.open(str(folder), as_of=AFTER)


@pytest.fixture(scope="module")
def saturday(folder: Path) -> Lake:
    return f1lib.open(str(folder), as_of=SATURDAY)


def test_results_of_each_session_are_frames_in_the_order_of_the_result(lake: Lake) -> None:
    races = lake.results(2024)
    assert set(races["event_year"]) == {2024}
    assert set(races["session"]) == {"R"}
    winners = races.groupby("event_partition_key", sort=False).head(1)
    assert (winners["finishing_position"] == 1).all()
    assert set(lake.qualifying(2024)["session"]) == {"Q"}
    assert set(lake.results(2025, session="S")["event_partition_key"]) == {EVENT}
    laps = lake.laps(2025)
    assert set(laps["session"]) <= {"R"}
    assert {"lap_number", "lap_time_seconds", "compound"} <= set(laps.columns)


def test_nothing_is_known_that_came_after_the_moment(lake: Lake, saturday: Lake) -> None:
    for session, known in (("Q", True), ("S", True), ("R", False)):
        assert (EVENT in set(saturday.results(session=session)["event_partition_key"])) == known
        assert EVENT in set(lake.results(session=session)["event_partition_key"])
    assert EVENT in set(lake.features()["event_partition_key"])
    assert EVENT not in set(saturday.features()["event_partition_key"])
    assert EVENT in set(saturday.features(session="S")["event_partition_key"])
    assert set(lake.scores()["event_partition_key"]) == {EVENT}
    assert "R" not in set(saturday.scores().get("session", []))
    assert saturday.predictions("china")["horizon"].unique().tolist() == ["post_qualifying"]
    assert lake.predictions("china")["horizon"].unique().tolist() == ["pre_race"]
    with pytest.raises(StorageError, match=r"no prediction for 2025_Chinese_Grand_Prix R was issued by 2024-"):
        f1lib.open(lake.store.url, as_of="2024-01-01T00:00:00Z").predictions("china 2025")


def test_the_features_of_a_race_to_come_are_those_of_its_prediction(saturday: Lake) -> None:
    rows = saturday.features(event="china")
    assert rows["horizon"].unique().tolist() == ["post_qualifying"]
    assert "finishing_position" not in rows
    assert sorted(rows["driver_id"]) == sorted(saturday.predictions("china")["driver_id"])
    with pytest.raises(RunError, match="no features of 2025_Chinese_Grand_Prix at pre_race"):
        saturday.features("pre_race", event="china")


def test_the_newest_prediction_is_the_one_that_the_archive_has_and_every_one_can_be_had(lake: Lake) -> None:
    newest = archive.read(EVENT, lake=lake.store.url)
    pd.testing.assert_frame_equal(lake.predictions("shanghai"), newest)
    every = lake.predictions("shanghai", every=True)
    assert every["horizon"].drop_duplicates().tolist() == "pre_weekend post_practice post_qualifying pre_race".split()
    assert len(lake.predictions("shanghai", session="S")) == 20


def test_without_an_event_the_next_race_is_meant_and_names_are_the_commands(saturday: Lake) -> None:
    assert saturday.event() == EVENT
    assert saturday.predictions().equals(saturday.predictions("china"))
    assert {saturday.event(text) for text in ("shanghai", "chinese grand prix", "China 2025", EVENT)} == {EVENT}
    with pytest.raises(BadParameters, match="did you mean shanghai"):
        saturday.event("shangai")


def test_the_title_chances_are_those_that_stood_at_the_moment(lake: Lake, saturday: Lake) -> None:
    now, then = lake.championship(2025), saturday.championship()
    assert set(now["championship"]) == {"drivers", "teams"}
    assert then["as_of_utc"].max() <= pd.Timestamp(SATURDAY) < now["as_of_utc"].max()
    assert then["points_now"].sum() < now["points_now"].sum()
    with pytest.raises(RunError, match="no calendar and no result of 1949"):
        lake.championship(1949)


def test_a_race_is_predicted_again_with_another_grid(lake: Lake) -> None:
    before = lake.predictions("china")
    first = str(before["abbreviation"].iloc[0])
    after = lake.predict("china", grid={first: 20})
    at_first, at_last = (frame.loc[frame["abbreviation"] == first, "p_win"].iloc[0] for frame in (before, after))
    assert at_last < at_first / 2
    assert after["grid_position"].max() == 20
    pd.testing.assert_frame_equal(lake.predict("china"), before)
    pd.testing.assert_frame_equal(lake.predictions("china"), before)  # nothing was stored
    with pytest.warns(UserWarning, match="rain=1.0 moves nobody: .* has learned nothing of rain"):
        lake.predict("china", rain=1.0)  # two seasons have too few wet races
    assert not lake.predict("china", features={f"{first}.grid_position": 20}).equals(before)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"grid": {"XXX": 1}}, "no driver 'XXX'"),
        ({"grid": {"": 1}}, "whose"),
        ({"weather": "snow"}, "one of dry, mixed, wet"),
        ({"rain": 1.5}, "a chance from 0 to 1"),
        ({"features": {"luck": 1}}, "there is no feature 'luck'"),
    ],
)
def test_what_cannot_be_supposed_is_refused(lake: Lake, given: dict[str, object], said: str) -> None:
    with pytest.raises(BadParameters, match=said):
        lake.predict("china", **given)  # type: ignore[arg-type]


def test_a_wrong_horizon_and_a_folder_without_a_lake_are_refused_and_nothing_is_made(
    lake: Lake, tmp_path: Path
) -> None:
    with pytest.raises(BadParameters, match="there is no horizon 'friday'; they are pre_weekend"):
        lake.features("friday")
    with pytest.raises(StorageError, match="there is no lake at"):
        f1lib.open(str(tmp_path / "none"))
    assert not list(tmp_path.iterdir())


def test_a_lake_in_a_bucket_gives_the_same_frames(folder: Path, moto: Server) -> None:
    url = make_bucket(moto, "lake-of-the-api")
    own, there = LocalStore(folder), open_store(url)
    for prefix in ("lake.json", "silver/sessions/results/", "silver/sessions/events/", "predictions/2025/history/"):
        for key in own.list(prefix):
            there.write(key, own.read(key))
    here, away = f1lib.open(str(folder), as_of=AFTER), f1lib.open(url, as_of=AFTER)
    pd.testing.assert_frame_equal(here.results(2024), away.results(2024))
    pd.testing.assert_frame_equal(here.predictions("china"), away.predictions("china"))


def test_the_help_of_the_package_shows_these_names_and_no_others() -> None:
    text = pydoc.plain(pydoc.render_doc(f1lib))
    for name in ("calendar", "results", "qualifying", "laps", "features", "predictions", "predict", "scores"):
        assert f"{name}(self" in text
    public = {
        name for name, value in inspect.getmembers(f1lib) if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public - {"TYPE_CHECKING", "Any"} == {"Lake", "RaceModel", "open"}
    assert [line.strip() for line in text.partition("CLASSES")[2].splitlines() if line.startswith("    class ")] == [
        "class Lake(builtins.object)",
        "class RaceModel(sklearn.base.BaseEstimator)",
    ]


def test_importing_the_package_loads_nothing_and_opening_a_lake_no_pandas(folder: Path) -> None:
    program = (
        "import sys, f1lib; before = set(sys.modules)\n"
        f"f1lib.open({str(folder)!r})\n"
        "print(sorted(m for m in before if m.startswith('f1lib')), {'pandas', 'numpy'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "['f1lib'] set()\n"
