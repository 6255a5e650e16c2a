"""The report gathers the lake's state, and leaves alone what did not change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1lib.errors import RunError
from f1lib.evaluation.issued import score_issued
from f1lib.lake.paths import silver_key
from f1lib.lake.paths_published import NEXT_RACES, SUMMARY
from f1lib.predictions import issue
from f1lib.predictions.group_effects import in_words
from f1lib.report import build, cells, health, lake_state, prediction_facts, race_page
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_predictions import prediction_frame
from tests.support.workspaces import make_workspace

EVENT = "2025_Abu_Dhabi_Grand_Prix"
ROWS: list[Any] = [
    {"event_partition_key": EVENT, "session_name_abr": "R", "event_year": 2025, "event_number": 24,
     "event_name": "Abu Dhabi Grand Prix", "event_format": "conventional", "circuit": "Yas Marina",
     "session_date_utc": "2025-12-07T13:00:00Z", "available_utc": "2025-12-07T15:30:00Z", "status": "scheduled"},
    {"event_partition_key": EVENT, "session_name_abr": "Q", "event_year": 2025, "status": "gold",
     "session_date_utc": "2025-12-06T14:00:00Z", "available_utc": "2025-12-06T15:30:00Z"},
    {"event_partition_key": "2025_Qatar_Grand_Prix", "session_name_abr": "P1", "event_year": 2025, "status": "failed",
     "session_date_utc": "2025-11-28T13:30:00Z", "last_error": "SourceError: no", "attempts": 3},
    {"event_partition_key": "PIPELINE", "session_name_abr": "STAGE#05_train", "status": "gold",
     "finished_utc": "2025-12-06T16:00:00Z", "run_id": "20251206T160000Z"},
]  # fmt: skip


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    opened = make_workspace(tmp_path / "lake", "2025-12-06T16:00:00Z")
    opened.tracking.put_rows(ROWS)
    return opened


def test_the_summary_names_the_next_race_the_errors_and_the_stages(ws: Workspace) -> None:
    issue.publish(ws, prediction_frame())
    summary = build.build_summary(ws)
    assert [race["event_partition_key"] for race in summary["next_races"]] == [EVENT]
    assert summary["pipeline"]["sessions"] == {"failed": 1, "gold": 1, "scheduled": 1}
    assert [e["last_error"] for e in summary["pipeline"]["errors"]] == ["SourceError: no"]
    assert [(s["stage"], s["href"]) for s in summary["pipeline"]["stages"]] == [("05_train", None)]
    assert summary["source"]["data_until_utc"] == "2025-12-06T15:30:00Z"
    assert summary["source"]["attribution"].startswith("F1DB, https://github.com/f1db/f1db")
    assert json.loads(ws.store.read(SUMMARY)) == summary
    assert json.loads(ws.store.read(NEXT_RACES))["races"] == summary["next_races"]
    assert summary["latest_predictions"][0]["driver_id"] == "driver-00"


UNHELD: Any = {"event_partition_key": "2020_Eifel_Grand_Prix", "session_name_abr": "P1", "status": "unavailable",
          "source": "f1db", "last_error": "no results of it", "updated_at_utc": "2025-12-05T10:00:00Z"}  # fmt: skip


def _no_page(run_id: str, name: str) -> None:
    return None


def test_a_session_never_held_is_no_open_error() -> None:
    found = health.pipeline([*ROWS, UNHELD], _no_page)
    assert [e["session_name_abr"] for e in found["unavailable"]] == ["P1"]
    assert [e["last_error"] for e in found["errors"]] == ["SourceError: no"]


def test_an_error_that_was_overcome_is_no_open_error() -> None:
    overcome: Any = {**ROWS[2], "status": "gold"}
    assert health.pipeline([overcome], _no_page)["errors"] == []


def test_the_rows_of_inputs_and_of_seasons_are_no_stages() -> None:
    grid: Any = {**ROWS[1], "session_name_abr": "STAGE#starting_grid", "source": "f1db"}
    season: Any = {"event_partition_key": "PIPELINE", "session_name_abr": "STAGE#00_schedule#2014", "status": "gold"}
    assert [s["stage"] for s in health.pipeline([*ROWS, grid, season], _no_page)["stages"]] == ["05_train"]


def test_a_stage_leads_to_its_notebook() -> None:
    row: Any = {"event_partition_key": EVENT, "session_name_abr": "STAGE#06_predict#pre_race", "status": "gold",
           "run_id": "20251207T120000Z", "finished_utc": "2025-12-07T12:00:00Z"}  # fmt: skip
    page = {"name": f"06_predict-{EVENT}-pre_race", "href": f"runs/20251207T120000Z/06_predict-{EVENT}-pre_race.html"}
    runs = [{"run_id": "20251207T120000Z", "pages": [page]}]
    (stage,) = health.pipeline([row], lake_state.page_finder(runs))["stages"]
    assert stage["href"] == page["href"]
    (own,) = lake_state.notebooks_of(runs, EVENT)
    assert own == {"name": "06_predict pre_race, run 20251207T120000Z", "href": f"../../{page['href']}"}
    assert lake_state.notebooks_of(runs, "2025_Dhabi_Grand_Prix") == []


def test_a_source_is_told_by_what_it_answered() -> None:
    rows: list[Any] = [
        {**ROWS[1], "source": "f1db", "updated_at_utc": "2025-12-06T16:00:00Z"},
        {**ROWS[0], "source": "f1db", "updated_at_utc": "2025-12-06T17:00:00Z"},
        UNHELD,
        {**ROWS[2], "source": "fastf1", "updated_at_utc": "2025-11-28T15:00:00Z"},
        {
            **ROWS[2],
            "source": "fastf1",
            "status": "blocked",
            "last_error": "403",
            "updated_at_utc": "2025-11-28T16:00:00Z",
        },
    ]
    f1db, fastf1 = health.sources(rows)
    assert (f1db["stored"], f1db["to_come"], f1db["unavailable"], f1db["failed"]) == (1, 1, 1, 0)
    assert (f1db["last_answer_utc"], f1db["last_error"]) == ("2025-12-06T16:00:00Z", None)
    assert (fastf1["failed"], fastf1["blocked"], fastf1["last_error"]) == (1, 1, "403")
    assert fastf1["last_answer_utc"] is None


def test_a_sprint_has_a_page_of_its_own_without_a_race_prediction(ws: Workspace) -> None:
    issue.publish(ws, prediction_frame().assign(session="S"))
    assert list(build.build_summary(ws)["pages"]) == ["races/2025/Abu_Dhabi_Grand_Prix_sprint.html"]
    page = ws.store.read("reports/races/2025/Abu_Dhabi_Grand_Prix_sprint.html").decode()
    assert "<h1>2025 Abu Dhabi Grand Prix, sprint</h1>" in page


def test_a_page_is_written_anew_only_when_its_race_changed(ws: Workspace) -> None:
    issue.publish(ws, prediction_frame())
    (page,) = build.build_summary(ws)["pages"]
    ws.store.write(f"reports/{page}", b"as it was")
    build.build_summary(ws)
    assert ws.store.read(f"reports/{page}") == b"as it was"
    issue.publish(ws, prediction_frame().assign(p_dnf=0.2))
    build.build_summary(ws)
    assert b"Abu Dhabi Grand Prix" in ws.store.read(f"reports/{page}")


def test_a_page_is_written_anew_once_when_the_code_has_changed(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    issue.publish(ws, prediction_frame())
    (page,) = build.build_summary(ws)["pages"]
    monkeypatch.setattr(build, "code_version", lambda: "9.0.0+feedbeef")
    ws.store.write(f"reports/{page}", b"as it was")
    build.build_summary(ws)
    assert b"Abu Dhabi Grand Prix" in ws.store.read(f"reports/{page}")
    ws.store.write(f"reports/{page}", b"as it was")
    build.build_summary(ws)
    assert ws.store.read(f"reports/{page}") == b"as it was"


def test_an_empty_lake_is_told_what_to_run_first(tmp_path: Path) -> None:
    empty = make_workspace(tmp_path / "new", "2025-12-06T16:00:00Z")
    with pytest.raises(RunError, match="run 00_schedule first"):
        build.build_summary(empty)


def test_a_cancelled_race_and_one_under_way_are_not_ahead() -> None:
    race = ROWS[0]
    cancelled: Any = {**race, "event_partition_key": "2025_X_Grand_Prix", "is_cancelled": True}
    assert lake_state.next_races([race, cancelled], "2025-12-06T16:00:00Z")[0]["event_partition_key"] == EVENT
    assert len(lake_state.next_races([race, cancelled], "2025-12-06T16:00:00Z")) == 1
    assert lake_state.next_races([race], "2025-12-07T13:00:00Z") == []


def test_every_executed_notebook_is_linked_newest_run_first(ws: Workspace) -> None:
    for run, name in (
        ("20251201T000000Z", "05_train"),
        ("20251206T160000Z", "06_predict-x"),
        ("20251206T160000Z", "05_train"),
    ):
        ws.store.write(f"reports/runs/{run}/{name}.html", b"x")
        ws.store.write(f"reports/runs/{run}/{name}.ipynb", b"{}")
    runs = lake_state.executed_notebooks(ws.store)
    assert [run["run_id"] for run in runs] == ["20251206T160000Z", "20251201T000000Z"]
    assert [page["href"] for page in runs[0]["pages"]] == [
        "runs/20251206T160000Z/05_train.html",
        "runs/20251206T160000Z/06_predict-x.html",
    ]


def test_the_first_prediction_has_nothing_to_compare_with_and_the_second_says_why(ws: Workspace) -> None:
    first = prediction_frame(horizon="pre_weekend").assign(as_of_utc=pd.Timestamp("2025-12-04T09:00:00Z"))
    issue.publish(ws, first)
    assert "first prediction" in cells.changes(ws, first).text
    issue.publish(ws, prediction_frame())
    assert cells.changes(ws, prediction_frame()).text == "Since pre_weekend: qualifying is known."


def _accuracy(spearman: float, races: int, observed: float) -> dict[str, Any]:
    bins = [{"predicted": 0.5, "observed": observed, "n": 500, "low": 0.0, "high": 1.0}]
    return {
        "means": [{"horizon": "pre_race", "system": "model", "races": races, "spearman": spearman}],
        "calibration": {"p_win": bins},
    }


@pytest.mark.parametrize(
    ("spearman", "races", "raised"), [(0.85, 24, True), (0.85, 3, False), (0.70, 24, False), (0.80, 24, False)]
)
def test_a_season_too_good_to_be_true_raises_the_alarm(spearman: float, races: int, raised: bool) -> None:
    (alarm, _) = prediction_facts.alarms(_accuracy(spearman, races, 0.5), None)
    assert alarm["raised"] is raised
    assert alarm["value"] == spearman


def test_chances_that_do_not_hold_and_a_flat_prediction_raise_the_alarm() -> None:
    flat = prediction_frame().assign(predicted_position=5.5)
    found = {a["name"]: a for a in prediction_facts.alarms(_accuracy(0.6, 24, 0.9), flat)}
    assert found["calibration error, p_win"]["raised"]
    assert found["calibration error, p_win"]["value"] == pytest.approx(0.4)
    assert found["spread of the prediction"]["raised"]
    assert not any(a["raised"] for a in prediction_facts.alarms(_accuracy(0.6, 24, 0.5), prediction_frame()))


def test_reasons_are_put_into_words_strongest_first() -> None:
    effects = pd.Series({"recent_form": -0.2, "qualifying": -2.1, "circuit": 0.4, "weather": 0.05})
    assert in_words(effects) == "Moved forward by qualifying (2.1) and recent form (0.2), back by circuit (0.4)."
    assert in_words(effects * 0.01) == "Nothing sets him apart from the field's average."


def test_a_long_table_shows_its_first_and_last_rows_and_says_so() -> None:
    frame = pd.DataFrame({"n": range(100), "text": ["<b>"] * 100})
    shown = cells.table(frame, rows=4).markup
    assert "4 of 100 rows: first and last" in shown
    assert [n for n in range(100) if f'data-value="{n}"' in shown] == [0, 1, 98, 99]
    assert "<b>" not in shown


def test_the_surprise_is_the_chance_given_to_a_result_as_far_out(ws: Workspace) -> None:
    from f1lib.lake.parquet import write_parquet
    from tests.evaluation.test_issued import DRIVERS, _result

    write_parquet(ws.store, silver_key("results", 2025), _result(DRIVERS[::-1], classified=8))
    rows = prediction_facts.outcome(ws.store, prediction_frame()).set_index("driver_id")
    chances = prediction_frame().set_index("driver_id")["position_probabilities"]["driver-09"]
    assert rows.loc["driver-09", "finishing_position"] == 1
    assert rows["surprise"]["driver-09"] == pytest.approx(chances[0])
    assert rows.loc["driver-00", "status_words"] == "retired"
    assert rows.index[0] == "driver-09"


def test_a_race_without_a_model_in_the_lake_has_a_page_without_reasons(ws: Workspace) -> None:
    issue.publish(ws, prediction_frame())
    (page,) = build.build_summary(ws)["pages"]
    text = ws.store.read(f"reports/{page}").decode()
    assert 'id="why"' not in text
    assert "not in this lake" in text
    assert "Missing weather is missing, not dry" in text


def test_each_drivers_features_are_told_where_they_were_kept() -> None:
    prediction = prediction_frame(2)
    effects = pd.DataFrame({"grid": [-2.0, 1.0]}, index=prediction["driver_id"])
    parts = pd.DataFrame({"driver_id": prediction["driver_id"], "feature": "grid_position", "value": [1.0, 9.0],
                          "part": [-0.8, 0.6]})  # fmt: skip
    told = race_page.reasons(prediction, effects, parts)["rows"]
    assert [row["features"] for row in told] == [
        "Moved forward by grid position 1 (-0.80).",
        "Moved back by grid position 9 (+0.60).",
    ]
    assert {row["features"] for row in race_page.reasons(prediction, effects)["rows"]} == {""}


def test_changes_are_told_newest_first_with_only_those_who_moved() -> None:
    first = prediction_frame(horizon="pre_weekend")
    second = prediction_frame(horizon="post_practice").assign(
        predicted_position=lambda f: f["predicted_position"] + (f["driver_id"] == "driver-02") * 1.0
    )
    third = prediction_frame()
    told = race_page.changes([first, second, third])
    assert ["After qualifying" in told[0]["title"], "After practice" in told[1]["title"]] == [True, True]
    assert [row["full_name"] for row in told[1]["rows"]] == ["Driver Number 2"]


def test_scoring_before_any_race_leaves_a_document_to_report_on(ws: Workspace) -> None:
    issue.publish(ws, prediction_frame())
    assert cells.score_table(score_issued(ws)).empty
    assert build.build_summary(ws)["accuracy"] == {"means": [], "calibration": {}}
