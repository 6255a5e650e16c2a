"""Whoever's data was used is named, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from f1lib.lake import attribution
from f1lib.lake.store import open_store, read_json, write_json
from f1lib.pipeline.notebook import execute_stage
from f1lib.predictions import issue
from f1lib.report import race_page
from f1lib.report.cells import credits
from f1lib.report.lake_state import source_of
from f1lib.workspace.workspace import open_workspace
from tests.support.made_up_predictions import prediction_frame

NOW = "2025-12-06T16:00:00Z"
FORECAST = "bronze/weather/forecast/2025/Abu_Dhabi_Grand_Prix/20251206T150000Z.json"


@pytest.mark.parametrize(("source", "named"), [("f1db", ["F1DB"]), ("live", ["F1DB", "FastF1", "Jolpica"])])
def test_open_meteo_is_named_once_an_answer_of_its_stands_in_the_lake(
    tmp_path: Path, source: str, named: list[str]
) -> None:
    store = open_store(str(tmp_path / "lake"))
    assert all(name in attribution.of_lake(store, source) for name in named)
    assert "Open-Meteo" not in attribution.of_lake(store, source)
    write_json(store, FORECAST, {})
    assert attribution.of_lake(store, source).endswith("forecasts by Open-Meteo, https://open-meteo.com, CC BY 4.0")


def test_simulated_weather_is_nobodys(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "lake"))
    write_json(store, FORECAST, {})
    assert attribution.of_lake(store, "simulated") == "simulated by f1lib; nothing of it happened"


@pytest.mark.parametrize("forecast_hash", [None, "0123456789abcdef"])
def test_a_prediction_names_open_meteo_wherever_it_is_shown_when_it_was_made_from_a_forecast(
    forecast_hash: str | None,
) -> None:
    frame = prediction_frame().assign(source="f1db", forecast_hash=forecast_hash)
    page = race_page.race_page([frame], effects=pd.DataFrame(), weather=[], outcome=pd.DataFrame(), scores=[])
    for said in (attribution.of_predictions(frame), issue.latest_document(frame)["attribution"], page):
        assert "F1DB" in said
        assert ("Open-Meteo" in said) is (forecast_hash is not None)


def test_the_summary_the_credits_and_the_record_of_a_stage_name_open_meteo_where_the_lake_has_forecasts(
    tmp_path: Path, f1db_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("F1_ENGINE", "inprocess")
    ws = open_workspace(lake=str(tmp_path / "lake"), source="f1db", f1db=str(f1db_zip), as_of=NOW, run_id="r")
    assert "Open-Meteo" not in source_of(ws, [])["attribution"]
    write_json(ws.store, FORECAST, {})
    assert "Open-Meteo" in source_of(ws, [])["attribution"]
    assert "Open-Meteo" in credits(ws).markup
    done = execute_stage(ws, "00_schedule", {"seasons": [2025]})
    assert "Open-Meteo" in read_json(ws.store, done.notebook_key)["metadata"]["f1lib"]["attribution"]
    assert "Open-Meteo" in ws.store.read(done.notebook_key.replace(".ipynb", ".html")).decode()
