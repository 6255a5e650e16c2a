"""`f1 predictions`: the newest prediction of an event, in each of its forms."""

from __future__ import annotations

import csv
import io
import json

import pytest

from f1lib.cli.main import main
from f1lib.lake.store import open_store


def test_the_table_names_the_event_the_horizon_and_the_model_and_shows_everybody(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predictions", "chin", *weekend_lake]) == 0
    said = capsys.readouterr().out
    assert "SIMULATED DATA - 2025 Chinese Grand Prix, pre_race, as of 2025-03-30" in said
    assert "source: simulated - model run " in said
    assert sum(line.endswith("% │") for line in said.splitlines()) == 20


def test_json_and_csv_hold_the_same_drivers_in_the_predicted_order(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predictions", "2025_Chinese_Grand_Prix", "--json", *weekend_lake]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["predicted_rank"] for row in rows] == list(range(1, 21))
    assert main(["predictions", "2025_Chinese_Grand_Prix", "--csv", *weekend_lake]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [line["driver_id"] for line in lines] == [row["driver_id"] for row in rows]
    assert "position_probabilities" in rows[0]
    assert "position_probabilities" not in lines[0]


def test_the_sprint_has_a_prediction_of_its_own(weekend_lake: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predictions", "chin", "--session", "S", *weekend_lake]) == 0
    assert "2025 Chinese Grand Prix, Sprint, pre_race" in capsys.readouterr().out


def test_a_changed_race_is_predicted_and_not_stored(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(weekend_lake[3])
    before = store.list("predictions/")
    assert main(["predictions", "chin", "--set", "weather=wet", *weekend_lake]) == 0
    assert "What if weather=wet? (not stored)" in capsys.readouterr().out
    assert store.list("predictions/") == before


def test_json_and_csv_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["predictions", "chin", "--json", "--csv"])
    assert stopped.value.code == 2
    assert "not allowed with" in capsys.readouterr().err
