"""Circuits and event names: complete, valid, and the same as FastF1's and F1DB's."""

from __future__ import annotations

import math
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from f1lib.domain.circuits import circuit, circuits, event_name, find_circuit
from tests.support.real_data import f1db_rows, recorded, recorded_calendar


def test_every_circuit_has_a_time_zone_that_exists_and_a_place_on_earth() -> None:
    for known in circuits().values():
        assert ZoneInfo(known.timezone).key == known.timezone
        assert -90 < known.latitude < 90
        assert -180 < known.longitude < 180
        assert all(known.localities)


def test_the_time_zone_lies_where_the_circuit_does() -> None:
    """The sun's time at the circuit and its winter time differ by three hours at most, anywhere on earth."""
    from datetime import datetime

    for known in circuits().values():
        offset = datetime(2025, 1, 15, tzinfo=ZoneInfo(known.timezone)).utcoffset()
        assert offset is not None
        assert abs(offset.total_seconds() / 3600 - known.longitude / 15) < 3, known


def test_madrid_is_there_before_its_first_race() -> None:
    madrid = circuit("madring")
    assert madrid is not None
    assert (madrid.timezone, madrid.is_street) == ("Europe/Madrid", True)
    assert find_circuit("Madrid") == madrid


@pytest.mark.parametrize("name", ["Montréal", "montreal", "MONTREAL", "villeneuve", "Gilles Villeneuve"])
def test_a_circuit_is_found_by_any_name_it_has_had(name: str) -> None:
    assert find_circuit(name) == circuit("montreal")


def test_what_is_not_known_is_none() -> None:
    assert circuit("atlantis") is None
    assert find_circuit("Atlantis") is None
    assert event_name("atlantis", 2025) is None


@pytest.mark.parametrize(
    ("grand_prix", "season", "name"),
    [
        ("mexico", 2020, "Mexican Grand Prix"),
        ("mexico", 2021, "Mexico City Grand Prix"),
        ("brazil", 2019, "Brazilian Grand Prix"),
        ("sao-paulo", 2025, "São Paulo Grand Prix"),
        ("spain", 2025, "Spanish Grand Prix"),
        ("spain", 2026, "Spanish Grand Prix"),
        ("barcelona-catalunya", 2026, "Barcelona Grand Prix"),
        ("europe", 2012, "European Grand Prix"),
    ],
)
def test_an_event_bears_the_name_of_its_year(grand_prix: str, season: int, name: str) -> None:
    assert event_name(grand_prix, season) == name


def test_every_circuit_of_a_race_since_2010_is_in_the_table_where_f1db_puts_it(f1db_zip: Path) -> None:
    used = {row["circuitId"] for row in f1db_rows(f1db_zip, "races")} | {"madring"}
    assert used <= set(circuits())
    for row in f1db_rows(f1db_zip, "circuits"):
        if row["id"] in used:
            known = circuits()[row["id"]]
            assert math.isclose(known.latitude, float(row["latitude"]), abs_tol=1e-4)
            assert math.isclose(known.longitude, float(row["longitude"]), abs_tol=1e-4)
            assert known.is_street == (row["type"] == "STREET")


@pytest.mark.parametrize("season", range(2018, 2026))
def test_names_and_circuits_of_a_season_are_those_of_fastf1s_schedule(
    shared_data: Path, f1db_zip: Path, season: int
) -> None:
    recorded_events = recorded_calendar(shared_data, season)
    races = {int(row["round"]): row for row in f1db_rows(f1db_zip, "races") if int(row["year"]) == season}
    assert len(recorded_events) == len(races)
    for event in recorded_events:
        race = races[event["round_number"]]
        assert event_name(race["grandPrixId"], season) == event["event_name"]
        assert find_circuit(event["location"]) == circuit(race["circuitId"])


def test_every_place_of_the_2026_calendar_is_known(shared_data: Path) -> None:
    places = {event["event_name"]: find_circuit(event["location"]) for event in recorded_calendar(shared_data, 2026)}
    assert None not in places.values()
    assert places["Spanish Grand Prix"] == circuit("madring")
    assert places["Barcelona Grand Prix"] == circuit("catalunya")


def test_every_circuit_of_ergast_since_2018_is_known(shared_data: Path) -> None:
    import json

    bodies = [json.loads(body) for url, body in recorded(shared_data, "ergast/f1/20") if url.endswith("races.json")]
    named = [race["Circuit"]["circuitId"] for body in bodies for race in body["MRData"]["RaceTable"]["Races"]]
    assert len(named) > 100
    assert [name for name in named if find_circuit(name) is None] == []
