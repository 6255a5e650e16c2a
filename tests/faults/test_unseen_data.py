"""Answers that nobody has seen yet: a field of 22, new teams and places, sessions without names, rows or hours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.domain.weekend import EventKey
from f1lib.errors import NotPublishedYet, SourceError
from f1lib.sources.calls import Politeness
from f1lib.sources.fastf1 import jolpica
from f1lib.sources.fastf1 import results as fastf1_results
from f1lib.sources.fastf1.source import FastF1Source
from f1lib.sources.http import session
from f1lib.sources.openmeteo import OpenMeteoSource
from tests.support.replay_server import Answer, ReplayServer, open_meteo
from tests.support.upstreams import LATER, replayed

BAKU = EventKey(2023, "Azerbaijan Grand Prix")
SCHEDULE = "https://raw.githubusercontent.com/theOehrly/f1schedule/master/schedule_2026.json"
Wire = tuple[ReplayServer, FastF1Source]


@pytest.fixture
def wire(shared_data: Path, tmp_path: Path) -> Iterator[Wire]:
    with replayed(shared_data / "recordings", tmp_path / "fastf1") as opened:
        yield opened


def listed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = "DriverNumber DriverId FullName Abbreviation TeamName TeamId Position Q1 Q2 Q3 Time".split()
    return pd.DataFrame(rows).reindex(columns=columns)


def test_a_field_of_22_in_eleven_teams_with_a_newcomer_has_22_identities() -> None:
    rows = [
        {"DriverNumber": str(n), "DriverId": f"rookie_{n}", "FullName": f"Rookie Number{n}", "TeamName": team}
        for n, team in enumerate([t for t in (*"ABCDEFGHI", "Cadillac", "Audi") for _ in range(2)], start=1)
    ]
    who = fastf1_results.people(listed(rows), [], 2026)
    assert len({own["driver_id"] for own in who.values()}) == 22
    assert who["19"]["team_id"] == "cadillac"
    table = fastf1_results.results(listed(rows), None, [], who, "P1")
    assert table["position"].tolist() == list(range(1, 23))


@pytest.mark.parametrize("missing", [None, np.nan, "", pd.NA])
def test_a_driver_without_id_is_found_by_his_name_and_one_without_either_is_nobody(missing: Any) -> None:
    rows = [
        {"DriverNumber": "1", "DriverId": missing, "FullName": "Max Verstappen", "TeamName": "Red Bull Racing"},
        {"DriverNumber": "2", "DriverId": missing, "FullName": missing, "TeamName": missing},
        {"DriverNumber": missing, "DriverId": "hamilton", "FullName": "Lewis Hamilton", "TeamName": "Ferrari"},
        {"DriverNumber": "4", "DriverId": "norris", "FullName": missing, "TeamName": missing, "TeamId": missing},
    ]
    who = fastf1_results.people(listed(rows), [], 2025)
    assert {number: own["driver_id"] for number, own in who.items()} == {"1": "max-verstappen", "4": "lando-norris"}


def test_a_session_without_any_result_row_is_an_empty_table_of_the_contract() -> None:
    for empty in (pd.DataFrame(), listed([])):
        table = fastf1_results.results(empty, None, [], fastf1_results.people(empty, [], 2026), "Q")
        assert (len(table), "driver_id" in table) == (0, True)


def test_jolpica_without_the_drivers_who_set_no_time_loses_nobody(wire: Wire) -> None:
    """Qualifying comes without those at its end; timing has them, behind the official ones."""
    server, source = wire
    url = next(url for url in server.index if url.split("?")[0].endswith("/2023/4/qualifying.json"))
    document = json.loads(server.answer(url).body)
    rows = document["MRData"]["RaceTable"]["Races"][0]["QualifyingResults"]
    gone = {row["Driver"]["driverId"] for row in rows[-2:]}
    del rows[-2:]
    server.routes[url.split("?")[0]] = lambda _url: Answer(200, json.dumps(document).encode())
    results = source.session(BAKU, "Q", LATER).frames["results"]
    assert len(results) == 20
    assert results["position"].tolist() == list(range(1, 21))
    assert len(gone) == 2


@pytest.mark.parametrize(
    "rows",
    [
        [{"position": "1"}],
        [{"position": None, "Driver": {}, "Constructor": {}}],
        [{"Driver": {"driverId": "x", "givenName": "A", "familyName": "B"}, "Constructor": {"constructorId": "y"}}],
        "not a list",
    ],
)
def test_rows_of_jolpica_that_cannot_be_read_are_one_clear_error(rows: Any) -> None:
    body = json.dumps({"MRData": {"RaceTable": {"Races": [{"QualifyingResults": rows}]}}}).encode()
    with pytest.raises(SourceError, match="qualifying of 2026"):
        jolpica.official(body, 2026, "Q")


def schedule_2026(server: ReplayServer, change: Any) -> None:
    url = next(url for url in server.index if "schedule_2026.json" in url)
    document = json.loads(server.answer(url).body)
    change(document)
    server.routes[url] = lambda _url: Answer(200, json.dumps(document).encode())


def test_the_2026_season_has_madrid_and_each_event_its_coordinates(wire: Wire) -> None:
    found = wire[1].schedule(2026, datetime(2026, 1, 10, tzinfo=UTC))
    events = found.events.set_index("event_name")
    assert events["latitude"].notna().all()
    madrid = events.loc["Spanish Grand Prix"]
    assert (madrid["circuit_id"], madrid["timezone"]) == ("madring", "Europe/Madrid")
    barcelona = events[events["circuit_id"] == "catalunya"]
    assert len(barcelona) == 1
    assert barcelona.index[0] != "Spanish Grand Prix"


def test_an_event_at_a_place_nobody_knows_is_in_the_calendar_without_coordinates_and_said(wire: Wire) -> None:
    server, source = wire

    def moved(document: dict[str, Any]) -> None:
        last = list(document["round_number"])[-1]
        document["event_name"][last], document["location"][last] = "Rwandan Grand Prix", "Kigali"

    schedule_2026(server, moved)
    found = source.schedule(2026, datetime(2026, 1, 10, tzinfo=UTC))
    row = found.events.set_index("event_name").loc["Rwandan Grand Prix"]
    assert pd.isna(row["latitude"])
    assert any("no circuit is known at 'Kigali'" in odd for odd in found.provenance["warnings"])


def test_an_event_that_leaves_the_calendar_and_one_that_joins_it_are_followed(wire: Wire) -> None:
    server, source = wire
    before = set(source.schedule(2026, datetime(2026, 1, 10, tzinfo=UTC)).events["event_name"])
    gone: list[str] = []

    def cancelled(document: dict[str, Any]) -> None:
        last = list(document["round_number"])[-1]
        gone.append(document["event_name"][last])
        for values in document.values():
            del values[last]

    schedule_2026(server, cancelled)
    assert before - set(source.schedule(2026, datetime(2026, 1, 11, tzinfo=UTC)).events["event_name"]) == set(gone)


@pytest.mark.parametrize("change", ["format", "name", "empty"])
def test_a_calendar_of_an_unknown_kind_is_an_error_that_names_what_is_odd(wire: Wire, change: str) -> None:
    server, source = wire

    def odd(document: dict[str, Any]) -> None:
        last = list(document["round_number"])[-1]
        if change == "format":
            document["event_format"][last] = "double_header"
        elif change == "name":
            document["session1"][last] = "Practice 9"
        else:
            for values in document.values():
                values.clear()

    schedule_2026(server, odd)
    with pytest.raises(SourceError, match=r"schedule|2026"):
        source.schedule(2026, datetime(2026, 1, 10, tzinfo=UTC))


def test_a_session_whose_every_stream_is_empty_is_not_published_yet(wire: Wire) -> None:
    server, source = wire
    for host in ("livetiming.formula1.com", "livetiming-mirror.fastf1.dev"):
        server.routes[f"https://{host}/static/2023/2023-04-30_Azerbaijan_Grand_Prix/2023-04-29_Sprint_Shootout/"] = (
            lambda _url: Answer(200, b"", "text/plain")
        )
    with pytest.raises((NotPublishedYet, SourceError)):
        source.session(BAKU, "SS", LATER)


NOW = datetime(2026, 11, 6, 12, 0, tzinfo=UTC)
EVENT = {"event_partition_key": "2026_X_Grand_Prix", "latitude": -23.7, "longitude": -46.7}
RACE = [
    {"session": "R", "session_start_utc": NOW + timedelta(days=2), "session_end_utc": NOW + timedelta(days=2, hours=2)}
]


def sky(change: Any) -> Any:
    def answer(url: str) -> Answer:
        document = json.loads(open_meteo(url).body)
        changed = change(document)
        return Answer(200, json.dumps(document if changed is None else changed).encode())

    return answer


def fewer_hours(document: dict[str, Any]) -> None:
    document["hourly"] = {name: values[:5] for name, values in document["hourly"].items()}


def uneven(document: dict[str, Any]) -> None:
    document["hourly"]["precipitation"] = document["hourly"]["precipitation"][:5]


def nulls(document: dict[str, Any]) -> None:
    document["hourly"] |= {name: [None] * len(v) for name, v in document["hourly"].items() if name != "time"}


def no_hours(document: dict[str, Any]) -> None:
    document["hourly"] = {name: [] for name in document["hourly"]}


@pytest.mark.parametrize(
    ("change", "is_error"),
    [
        (fewer_hours, False),  # a shorter forecast is one that does not cover the race: silver leaves it out
        (nulls, False),
        (no_hours, False),
        (uneven, True),
        (lambda _d: {"error": True, "reason": "out of range"}, True),
        (lambda _d: [], True),
        (lambda d: d.pop("hourly") and None, True),
    ],
)
def test_an_odd_forecast_is_missing_values_or_an_error_and_never_a_dry_race(change: Any, is_error: bool) -> None:
    with ReplayServer(None) as server:
        server.routes["https://api.open-meteo.com/"] = sky(change)
        web = session(server.base, politeness=Politeness(read=1.0, attempts=1), sleep=lambda _s: None)
        source = OpenMeteoSource(web, now=NOW)
        if is_error:
            with pytest.raises(SourceError):
                source.forecast(EVENT, RACE, NOW)
            return
        document = source.forecast(EVENT, RACE, NOW)
        assert document is not None
        told = _told(document)
        assert told["precipitation_mm"] is None
        assert told["probability_points"] is None


def _told(document: dict[str, Any]) -> dict[str, float | None]:
    from f1lib.bronze.weather import race_weather

    return race_weather(document, RACE)["R"]


QUALIFYING_OF_BAKU = "api.jolpi.ca/ergast/f1/2023/4/qualifying.json"


def answers_melbourne(server: ReplayServer) -> None:
    """Let Jolpica count rounds differently: its round 4 is the Australian Grand Prix, FastF1's third."""
    theirs = next(url for url in server.index if "f1/2023/3/qualifying.json" in url)
    body = server.answer(theirs).body
    server.routes[f"https://{QUALIFYING_OF_BAKU}"] = lambda _url: Answer(200, body)


def test_official_rows_of_another_event_are_refused_and_said_and_timing_stands_in(wire: Wire) -> None:
    server, source = wire
    straight = source.session(BAKU, "Q", LATER)
    answers_melbourne(server)
    source._wire.folder.path.mkdir(exist_ok=True)
    data = FastF1Source(source._wire.folder.path.with_name("other"), base=server.base).session(BAKU, "Q", LATER)
    assert any("Australian Grand Prix at albert_park on 2023-04-02" in warning for warning in data.warnings)
    assert "official_results" in data.provenance["facts"]
    results = data.frames["results"].set_index("driver_id")
    best = straight.frames["results"].set_index("driver_id")["best_lap_seconds"]
    assert results["best_lap_seconds"].dropna().equals(best[results["best_lap_seconds"].dropna().index])
    assert results.sort_values("position").index[0] == straight.frames["results"]["driver_id"].iloc[0]


def test_drivers_of_a_support_race_and_numbers_without_a_name_are_not_in_the_field() -> None:
    rows = [{"DriverNumber": str(n), "FullName": f"Real Driver{n}", "TeamName": "Ferrari"} for n in (16, 55)]
    rows += [{"DriverNumber": str(n), "FullName": f"Junior DOE{n}", "TeamName": "Junior Team 1"} for n in (236, 237)]
    rows += [{"DriverNumber": str(n), "FullName": f"Junior ROE{n}"} for n in (238, 239)]
    rows += [{"DriverNumber": "240"}]
    who = fastf1_results.people(listed(rows), [], 2025)
    assert {own["driver_id"] for own in who.values()} == {"real-driver16", "real-driver55"}
    new_team = fastf1_results.people(listed(rows), [], 2027, {"junior-team-1"})
    assert {"junior-doe236", "junior-doe237"} < {own["driver_id"] for own in new_team.values()}


def test_two_drivers_under_one_car_number_are_both_kept() -> None:
    rows = [{"DriverNumber": "44", "FullName": name, "TeamName": "Ferrari"} for name in ("Ann First", "Bob Second")]
    who = fastf1_results.people(listed(rows), [], 2025)
    assert [own["driver_id"] for own in who.values()] == ["ann-first", "bob-second"]
    table = fastf1_results.results(listed(rows), None, [], who, "P1")
    assert sorted(table["driver_id"]) == ["ann-first", "bob-second"]
