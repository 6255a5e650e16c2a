"""A replay lives through time by the production path, goes on where it was, and never looks ahead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from f1lib import observe, predictions
from f1lib.cli import main
from f1lib.replay import replay_moments
from f1lib.terms import EventKey
from f1lib.workspace import open_workspace

SEASON, EVENT = 2025, "2025_Chinese_Grand_Prix"  # a weekend with a sprint
NOW = ["--now", "2025-12-30T00:00:00Z"]


def _new_lake(folder: Path) -> list[str]:
    """The options of a lake begun with two seasons of simulated history."""
    folder.mkdir()
    marker = {"kind": "simulated", "seed": 3, "first_season": 2024}
    (folder / "lake.json").write_text(json.dumps(marker), encoding="utf-8")
    return ["--source", "simulated", "--lake", str(folder)]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A lake in which one weekend has been lived through, beside what was printed."""
    options = _new_lake(tmp_path_factory.mktemp("replay") / "lake")
    argv = ["replay", "--season", str(SEASON), "--event", "chin", *options, *NOW]
    assert main([*argv, "--json", str(Path(options[-1]).parent / "scores.json")]) == 0
    return options


def _summary(options: list[str]) -> dict[str, object]:
    return dict(json.loads((Path(options[-1]).parent / "scores.json").read_text(encoding="utf-8")))


def test_every_horizon_of_the_weekend_is_predicted_and_scored_beside_the_baselines(replayed: list[str]) -> None:
    summary = _summary(replayed)
    assert (summary["season"], summary["races"]) == (SEASON, 1)
    horizons = summary["horizons"]
    assert isinstance(horizons, dict)
    assert list(horizons) == ["pre_weekend", "post_practice", "post_qualifying", "pre_race"]
    for systems in horizons.values():
        assert {"model", "grid_slot_table"} <= set(systems)
        assert 0 < systems["model"]["rps"] < 0.5


def test_what_was_issued_at_a_horizon_was_issued_at_its_moment(replayed: list[str]) -> None:
    ws = open_workspace(source="simulated", lake=replayed[-1], as_of=NOW[1])
    moments = {moment.why.split()[-1]: moment.when for moment in replay_moments(ws, SEASON, EVENT)}
    events = _summary(replayed)["events"]
    assert isinstance(events, list)
    issued = {e["horizon"]: e["as_of_utc"] for e in events if e["system"] == "model"}
    assert issued["post_qualifying"] == f"{moments['Q']:%Y-%m-%dT%H:%M:%SZ}"
    assert issued["pre_race"] == f"{moments['grid']:%Y-%m-%dT%H:%M:%SZ}"
    assert issued["pre_weekend"] <= f"{moments['eve']:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(("session", "horizon"), [("R", "pre_race"), ("S", "post_qualifying")])
def test_race_and_sprint_are_measured_each_by_its_own_rows(replayed: list[str], session: str, horizon: str) -> None:
    ws = open_workspace(source="simulated", lake=replayed[-1], as_of=NOW[1])
    measured = {m.name: m.value for m in observe.of_prediction(ws, EVENT, horizon, session)}
    newest = predictions.read_issues(ws.store, EventKey.parse(EVENT), session)
    (issue,) = [i for i in newest if i["horizon"].iloc[0] == horizon][-1:]
    assert measured["PredictionVariance"] == pytest.approx(issue["predicted_position"].var(ddof=0))
    assert measured["InferenceMilliseconds"] > 0


def test_the_same_replay_again_finds_nothing_to_do_and_answers_the_same(
    replayed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["replay", "--season", str(SEASON), "--event", EVENT, *replayed, *NOW, "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == _summary(replayed)
    ticks = [line for line in printed.err.splitlines() if "Grand_Prix" in line]
    assert ticks
    assert all(line.endswith("nothing due") for line in ticks)


def test_a_lake_that_knows_the_season_is_refused(replayed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--season", str(SEASON), *replayed, *NOW]) == 1
    assert "lake of its own" in capsys.readouterr().err


def test_a_tick_in_the_past_of_a_lake_is_refused(replayed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *replayed, "--now", "2025-03-01T00:00:00Z"]) == 1
    said = capsys.readouterr().err
    assert "2025-03-01T00:00:00Z" in said
    assert "--lake" in said


@pytest.mark.parametrize(
    ("words", "named"),
    [(["--season", "1999"], "1999"), (["--season", "2025", "--event", "Atlantis"], "Chinese_Grand_Prix")],
)
def test_an_unknown_season_or_event_is_named(
    words: list[str], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", *words, *_new_lake(tmp_path / "lake"), *NOW]) == 1
    assert named in capsys.readouterr().err
