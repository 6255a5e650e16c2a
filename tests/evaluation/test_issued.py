"""What was issued is scored as it was issued, by the protocol, beside the baselines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.evaluation.issued import calibration, joined_with_result, means, score_issued
from f1lib.lake import silver_tables
from f1lib.lake.parquet import write_parquet
from f1lib.lake.paths import silver_key
from f1lib.lake.paths_published import ACCURACY
from f1lib.lake.tables import conform, contract
from f1lib.predictions import issue as predictions_issue
from f1lib.scoring import baselines, metrics
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_predictions import DRIVERS, RACE, prediction_frame, result_frame
from tests.support.workspaces import make_workspace

EVENT = "2025_Abu_Dhabi_Grand_Prix"


def _training(winners_from_slot: int) -> pd.DataFrame:
    """Gold rows of three races at ``pre_race``: ten drivers, the last of them the race in question."""
    rows = []
    for number in (22, 23, 24):
        for slot in range(1, 11):
            key = EVENT if number == 24 else f"2025_Race_{number}_Grand_Prix"
            rows.append(
                {
                    "event_partition_key": key, "session": "R", "horizon": "pre_race", "driver_id": DRIVERS[slot - 1],
                    "event_year": 2025, "event_number": number, "qualifying_position": float(slot),
                    "grid_position": float(slot), "finishing_position": float(1 + (slot - winners_from_slot) % 10),
                    "is_dnf": 0.0, "form_position_10": float(slot),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    opened = make_workspace(tmp_path / "lake", "2025-12-08T10:00:00Z")
    event = {
        **dict.fromkeys(contract("events").names), **RACE, "event_format": "conventional", "circuit_id": "yas-marina",
        "circuit": "Yas Marina", "race_start_utc": "2025-12-07T13:00:00Z", "is_cancelled": False, "source": "f1db",
    }  # fmt: skip
    write_parquet(opened.store, silver_key("events", 2025), conform(pd.DataFrame([event]), "events"))
    sessions = [
        {
            **dict.fromkeys(contract("sessions").names), **RACE, "session": session, "session_name": session,
            "session_start_utc": start, "session_end_utc": end, "available_utc": end,
            "grid_available_utc": "2025-12-07T12:00:00Z" if session == "R" else None, "time_is_estimated": False,
            "source": "f1db",
        }
        for session, start, end in (
            ("Q", "2025-12-06T14:00:00Z", "2025-12-06T15:30:00Z"),
            ("R", "2025-12-07T13:00:00Z", "2025-12-07T15:30:00Z"),
        )
    ]  # fmt: skip
    write_parquet(opened.store, silver_key("sessions", 2025), conform(pd.DataFrame(sessions), "sessions"))
    write_parquet(opened.store, silver_key("results", 2025), result_frame(DRIVERS[::-1], classified=8))
    write_parquet(opened.store, "gold/training_dataset.parquet", _training(1))
    return opened


def _model_entry(ws: Workspace) -> dict[str, object]:
    (entry,) = [e for e in json.loads(ws.store.read(ACCURACY))["predictions"] if e["system"] == "model"]
    return dict(entry)


def test_the_scores_are_those_of_the_metrics_on_the_issued_file(ws: Workspace) -> None:
    predictions_issue.publish(ws.store, ws.tracking, prediction_frame())
    scores = score_issued(ws)
    ours = scores[scores["system"] == "model"].iloc[0]
    matrix = np.array(prediction_frame()["position_probabilities"].tolist())
    outcome = np.arange(10, 0, -1)
    assert ours["mae"] == pytest.approx(metrics.mae(np.arange(1, 11), outcome))
    assert ours["spearman"] == pytest.approx(-1.0)
    assert ours["rps"] == pytest.approx(metrics.rps(matrix, outcome))
    assert ours["win_log_loss"] == pytest.approx(metrics.win_log_loss(matrix[:, 0], outcome))
    assert ours["winner"] == "driver-09"
    assert ours["predicted_winner"] == "Driver Number 0"
    assert ours["p_winner"] == pytest.approx(matrix[9, 0])


def test_a_race_whose_result_is_not_visible_yet_is_not_scored(ws: Workspace) -> None:
    predictions_issue.publish(ws.store, ws.tracking, prediction_frame())
    early = ws.at(pd.Timestamp("2025-12-07T15:00:00Z").to_pydatetime())
    assert score_issued(early).empty
    assert json.loads(ws.store.read(ACCURACY))["predictions"] == []
    assert not score_issued(ws).empty


def test_the_first_issue_after_the_cut_off_counts_and_the_others_are_scored_beside_it(ws: Workspace) -> None:
    for hour, rank in (("16", list(range(10, 0, -1))), ("18", list(range(1, 11)))):
        issue = prediction_frame().assign(as_of_utc=pd.Timestamp(f"2025-12-06T{hour}:00:00Z"), predicted_rank=rank)
        predictions_issue.publish(ws.store, ws.tracking, issue)
    score_issued(ws)
    assert _model_entry(ws)["as_of_utc"] == "2025-12-06T16:00:00Z"
    assert _model_entry(ws)["spearman"] == pytest.approx(1.0)
    (renewed,) = json.loads(ws.store.read(ACCURACY))["others"]
    assert renewed["as_of_utc"] == "2025-12-06T18:00:00Z"
    assert renewed["spearman"] == pytest.approx(-1.0)


def test_of_what_was_issued_before_the_cut_off_the_last_one_counts(ws: Workspace) -> None:
    for moment in ("2025-12-01T10:00:00Z", "2025-12-05T14:00:00Z", "2025-12-06T10:00:00Z"):
        changed: dict[str, Any] = {"as_of_utc": pd.Timestamp(moment), "horizon": "pre_weekend", "forecast_hash": moment}
        issue = prediction_frame().assign(**changed)
        predictions_issue.publish(ws.store, ws.tracking, issue)
    score_issued(ws)
    assert _model_entry(ws)["as_of_utc"] == "2025-12-05T14:00:00Z"  # the first session starts a day later


def test_a_sprint_is_scored_against_its_own_result_and_its_grid_apart_from_the_races(ws: Workspace) -> None:
    start = {"session_start_utc": "2025-12-06T10:00:00Z", "session_end_utc": "2025-12-06T11:00:00Z"}
    sessions = silver_tables.read_table(ws.store, "sessions", [2025])
    sprint = sessions[sessions["session"] == "R"].assign(session="S", **start, available_utc="2025-12-06T11:30:00Z")
    both = pd.concat([part.astype(object) for part in (sessions, sprint)])
    write_parquet(ws.store, silver_key("sessions", 2025), conform(both, "sessions"))
    results = [result_frame(DRIVERS[::-1]), result_frame(DRIVERS, available="2025-12-06T11:30:00Z").assign(session="S")]
    write_parquet(ws.store, silver_key("results", 2025), pd.concat(results, ignore_index=True))
    training = _training(1)
    own = training[training["event_partition_key"] == EVENT].assign(session="S", finishing_position=range(1, 11))
    write_parquet(ws.store, "gold/training_dataset.parquet", pd.concat([training, own], ignore_index=True))
    predictions_issue.publish(ws.store, ws.tracking, prediction_frame())
    moment = pd.Timestamp("2025-12-06T09:30:00Z")
    issue = prediction_frame(horizon="pre_race").assign(session="S", as_of_utc=moment)
    predictions_issue.publish(ws.store, ws.tracking, issue)
    scores = score_issued(ws)
    assert set(scores["session"]) == {"R", "S"}
    document = json.loads(ws.store.read(ACCURACY))
    assert {entry["session"] for entry in document["predictions"]} == {"R"}
    found = {entry["system"]: entry for entry in document["sprints"]["predictions"]}
    assert found["model"]["spearman"] == found["grid_slot_table"]["spearman"] == pytest.approx(1.0)
    assert found["model"]["race_start_utc"] == "2025-12-06T10:00:00Z"
    assert {row["races"] for row in document["sprints"]["means"]} == {1}


def test_what_was_issued_after_the_start_is_never_scored(ws: Workspace) -> None:
    starts = silver_tables.read_table(ws.store, "sessions", [2025]).set_index("session")["session_start_utc"]
    late = prediction_frame(horizon="pre_race").assign(as_of_utc=starts["R"])
    predictions_issue.publish(ws.store, ws.tracking, late)
    assert score_issued(ws).empty
    assert json.loads(ws.store.read(ACCURACY))["others"] == []


def test_a_predicted_driver_who_did_not_start_is_taken_out_and_the_others_close_up(ws: Workspace) -> None:
    order = [*DRIVERS[1:], DRIVERS[0]]  # the favourite does not start; the others come in the predicted order
    write_parquet(ws.store, silver_key("results", 2025), result_frame(order, started=9, classified=9))
    predictions_issue.publish(ws.store, ws.tracking, prediction_frame())
    score_issued(ws)
    assert _model_entry(ws)["mae"] == 0.0
    assert _model_entry(ws)["spearman"] == pytest.approx(1.0)


def test_a_baseline_learns_from_earlier_races_only(ws: Workspace) -> None:
    predictions_issue.publish(ws.store, ws.tracking, prediction_frame())
    training = _training(4)  # in the earlier races the fourth slot won
    late = training["event_partition_key"] == EVENT
    training = training.assign(
        finishing_position=training["finishing_position"].where(~late, training["grid_position"])
    )
    write_parquet(ws.store, "gold/training_dataset.parquet", training)
    scored = score_issued(ws).set_index("system").loc["grid_slot_table"]
    history = baselines.history_of(training[~late], "grid_position")
    said = baselines.predict(training[late], history, "grid_position")
    outcome = training.loc[late, ["finishing_position", "is_dnf"]]
    assert scored["rps"] == pytest.approx(metrics.score_race(said.join(outcome))["rps"], abs=1e-12)
    with_itself = baselines.predict(training[late], baselines.history_of(training, "grid_position"), "grid_position")
    assert metrics.score_race(with_itself.join(outcome))["rps"] != pytest.approx(scored["rps"], abs=1e-6)


def test_a_retirement_is_not_classified_but_has_a_place() -> None:
    joined = joined_with_result(prediction_frame(), result_frame(DRIVERS, classified=8, started=9))
    by_driver = joined.set_index("driver_id")
    assert by_driver.loc[["driver-08"], ["finishing_position", "is_dnf"]].to_numpy().tolist() == [[9.0, 1.0]]
    assert by_driver.loc["driver-00", "is_dnf"] == 0.0
    assert pd.isna(by_driver["finishing_position"]["driver-09"])


def test_means_come_with_their_standard_error_ours_first() -> None:
    rows = [
        {"horizon": h, "system": s, **dict.fromkeys(metrics.METRICS, 0.0), "mae": mae}
        for h in ("pre_race", "pre_weekend") for s, mae in (("grid_slot_table", 4.0), ("model", 2.0), ("model", 4.0))
    ]  # fmt: skip
    found = means(pd.DataFrame(rows))
    assert [(m["horizon"], m["system"]) for m in found] == [
        ("pre_weekend", "model"), ("pre_weekend", "grid_slot_table"),
        ("pre_race", "model"), ("pre_race", "grid_slot_table"),
    ]  # fmt: skip
    assert (found[0]["races"], found[0]["mae"], found[0]["mae_se"]) == (2, 3.0, pytest.approx(1.0))
    assert means(pd.DataFrame()) == []


def test_calibration_puts_what_was_said_beside_what_was_seen() -> None:
    said = pd.DataFrame({"p_win": [0.25] * 4, "p_podium": 0.5, "p_points": 1.0, "p_dnf": 0.05, "is_dnf": 0.0,
                         "finishing_position": [1.0, 2.0, 3.0, 4.0]})  # fmt: skip
    bins = calibration([said, said.assign(finishing_position=np.nan)])
    (win,), (podium,) = bins["p_win"], bins["p_podium"]
    assert (win["predicted"], win["observed"], win["n"]) == (0.25, 0.25, 4)
    assert podium["observed"] == 0.75
    assert win["low"] < 0.25 < win["high"]
    assert bins["p_dnf"][0]["low"] == pytest.approx(0.0, abs=1e-12)
    assert calibration([]) == {}
