"""A replay lives through time by the production path, goes on where it was, and never looks ahead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from f1lib.aws import telemetry
from f1lib.cli.main import main
from f1lib.domain.weekend import EventKey
from f1lib.pipeline.replay import replay_moments
from f1lib.predictions import archive
from f1lib.workspace.workspace import open_workspace
from tests.support.lakes import AFTER, EVENT, NOW, SEASON, begin_simulated, copied

WHEN = ["--now", NOW]


@pytest.fixture(scope="module")
def options(replayed_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The options of a copy of the lake in which one weekend has been lived through."""
    return ["--source", "simulated", "--lake", str(copied(replayed_lake / "lake", tmp_path_factory))]


@pytest.fixture(scope="module")
def summary(replayed_lake: Path) -> dict[str, Any]:
    """What was printed at its end."""
    return dict(json.loads((replayed_lake / "scores.json").read_text(encoding="utf-8")))


def test_every_horizon_of_the_weekend_is_predicted_and_scored_beside_the_baselines(summary: dict[str, Any]) -> None:
    assert (summary["season"], summary["races"]) == (SEASON, 1)
    horizons = summary["horizons"]
    assert list(horizons) == ["pre_weekend", "post_practice", "post_qualifying", "pre_race"]
    for systems in horizons.values():
        assert {"model", "grid_slot_table"} <= set(systems)
        assert 0 < systems["model"]["rps"] < 0.5


def test_the_sprint_has_scores_of_its_own(summary: dict[str, Any]) -> None:
    sprints = summary["sprints"]
    assert sprints["races"] == 1
    assert {event["session"] for event in sprints["events"]} == {"S"}
    assert list(sprints["horizons"]) == ["pre_weekend", "post_practice", "post_qualifying", "pre_race"]


def test_what_was_issued_at_a_horizon_was_issued_at_its_moment(options: list[str], summary: dict[str, Any]) -> None:
    ws = open_workspace(source="simulated", lake=options[-1], as_of=NOW)
    moments = {
        moment.why.split()[-1]: moment.when
        for moment in replay_moments(ws.source.schedule(SEASON, ws.as_of).sessions, EVENT)
    }
    issued = {e["horizon"]: e["as_of_utc"] for e in summary["events"] if e["system"] == "model"}
    assert issued["post_qualifying"] == f"{moments['Q']:%Y-%m-%dT%H:%M:%SZ}"
    assert issued["pre_race"] == f"{moments['grid']:%Y-%m-%dT%H:%M:%SZ}"
    assert f"{moments['R']:%Y-%m-%dT%H:%M:%SZ}" == AFTER
    assert issued["pre_weekend"] <= f"{moments['eve']:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(("session", "horizon"), [("R", "pre_race"), ("S", "post_qualifying")])
def test_race_and_sprint_are_measured_each_by_its_own_rows(options: list[str], session: str, horizon: str) -> None:
    ws = open_workspace(source="simulated", lake=options[-1], as_of=NOW)
    result = {"event": EVENT, "horizon": horizon, "session": session, "inference_milliseconds": 1.5}
    measured = {m.name: m.value for m in telemetry.of_prediction(ws.tracking, result)}
    newest = archive.read_issues(ws.store, EventKey.parse(EVENT), session)
    (issue,) = [i for i in newest if i["horizon"].iloc[0] == horizon][-1:]
    assert measured["PredictionVariance"] == pytest.approx(issue["predicted_position"].var(ddof=0))
    assert measured["InferenceMilliseconds"] == 1.5


def test_the_same_replay_again_finds_nothing_to_do_and_answers_the_same(
    options: list[str], summary: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["replay", "--season", str(SEASON), "--event", EVENT, *options, *WHEN, "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == summary
    ticks = [line for line in printed.err.splitlines() if "Grand_Prix" in line]
    assert ticks
    assert all(line.endswith("nothing due") for line in ticks)


def test_a_lake_that_knows_the_season_is_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--season", str(SEASON), *options, *WHEN]) == 2
    assert "lake of its own" in capsys.readouterr().err


def test_a_tick_in_the_past_of_a_lake_is_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *options, "--now", "2025-03-01T00:00:00Z"]) == 2
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
    assert main(["replay", *words, *begin_simulated(tmp_path / "lake", SEASON - 1), *WHEN]) == 2
    assert named in capsys.readouterr().err
