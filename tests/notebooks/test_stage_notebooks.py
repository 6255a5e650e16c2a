"""Each stage notebook, executed by hand on a lake that has run: what it shows and what it hands back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.lakes import AFTER
from tests.support.lived_lake import Opener

RESULT = "application/vnd.f1lib.result+json"


def _result(book: Any) -> dict[str, Any]:
    return dict(book.cells[-1]["outputs"][0]["data"][RESULT])


def _shown(book: Any, cell: str) -> dict[str, Any]:
    found = next(c for c in book.cells if c["id"] == cell)
    return dict(found["outputs"][-1]["data"])


def test_the_schedule_lists_the_events_of_every_season(opened: Opener) -> None:
    with opened("00_schedule") as book:
        assert _result(book)["events"] == book.ref("len(events)") > 20
        assert "event_name" in _shown(book, "schedule")["text/html"]


def test_ingest_has_nothing_left_to_fetch(opened: Opener) -> None:
    with opened("01_ingest") as book:
        assert _result(book)["sessions"] == 0


def test_weather_fetches_a_forecast_for_the_event_it_is_given(opened: Opener, lake: Path) -> None:
    race = json.loads((lake / "reports/next_races.json").read_text("utf-8"))["races"][0]["event_partition_key"]
    with opened("02_weather", events=[race]) as book:
        assert book.ref("set(forecasts['event_partition_key']) == set(events)")
        assert _result(book)["forecasts"] >= 1


def test_silver_says_how_many_rows_each_table_has(opened: Opener, lake: Path) -> None:
    with opened("03_silver", seasons=[2024]) as book:
        results = int(book.ref("int(tables.loc[tables['table'] == 'results', 'rows'].sum())"))
    assert results == len(pd.read_parquet(lake / "silver/sessions/results/season=2024/results.parquet"))


def test_gold_shows_every_feature_with_its_meaning(opened: Opener) -> None:
    from f1lib.lake.features import features

    with opened("04_gold") as book:
        page = _shown(book, "training")["text/html"]
        assert [f.name for f in features() if f.name not in page] == []
        assert _result(book)["training_rows"] == book.ref("len(training)") > 0


def test_train_keeps_a_run_and_says_what_the_gate_decided(opened: Opener, lake: Path) -> None:
    with opened("05_train", model="grid_only_v1", horizon="pre_race") as book:
        (run,) = _result(book)["run_ids"]
        assert run in _shown(book, "gate")["text/plain"]
    assert (lake / "models" / f"run_id={run}" / "_SUCCESS").exists()


def test_predict_shows_the_order_the_matrix_and_why(opened: Opener, lake: Path) -> None:
    with opened("06_predict") as book:
        result = _result(book)
        for cell in ("order", "matrix"):
            assert _shown(book, cell)["image/svg+xml"].startswith("<svg")
        table = _shown(book, "predict")["text/html"]
        why = _shown(book, "why")["text/plain"]
        names = list(book.ref("prediction['full_name'].tolist()"))
    assert result["rows"] == len(names)
    assert all(name in table and name in why for name in names)
    stored = list((lake / "predictions").glob(f"{result['event'][:4]}/history/{result['event'][5:]}/*.parquet"))
    assert any(result["horizon"] in path.name for path in stored)


def test_score_gives_ours_beside_the_baselines(opened: Opener) -> None:
    with opened("07_score") as book:
        systems = set(book.ref("scores['system'].unique().tolist()"))
        assert {"model", "grid_slot_table"} <= systems
        assert "grid_slot_table" in _shown(book, "means")["text/plain"]


def test_the_report_leaves_a_dashboard_that_says_simulated(opened: Opener, lake: Path) -> None:
    with opened("08_report") as book:
        assert _result(book)["training_runs"] > 0
    assert "SIMULATED DATA" in (lake / "reports/run_summary.html").read_text("utf-8")
    assert json.loads((lake / "reports/run_summary.json").read_text("utf-8"))["as_of_utc"] == AFTER


@pytest.mark.parametrize("name", ["04_gold", "06_predict"])
def test_a_notebook_that_cannot_go_on_says_why_in_one_line(opened: Opener, name: str, tmp_path: Path) -> None:
    said = r"(?s)RunError.*lake file:.*run 0\d_"
    with pytest.raises(Exception, match=said), opened(name, lake=str(tmp_path / "empty")):
        pass
