"""One driver and one team, whatever a source calls them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from f1lib.domain.csv_files import pairs, rows
from f1lib.domain.identities import driver_id, driver_id_from_ergast, ergast_drivers, lineages, team_id
from tests.support.real_data import f1db_rows, recorded


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Max Verstappen", "max-verstappen"),
        ("Max VERSTAPPEN", "max-verstappen"),
        ("Nico Hülkenberg", "nico-hulkenberg"),
        ("Nico HULKENBERG", "nico-hulkenberg"),
        ("Kimi Räikkönen", "kimi-raikkonen"),
        ("Sergio Pérez", "sergio-perez"),
        ("Nyck De Vries", "nyck-de-vries"),
        ("ZHOU Guanyu", "guanyu-zhou"),
        ("Guanyu Zhou", "guanyu-zhou"),
        ("Carlos Sainz", "carlos-sainz-jr"),
        ("Carlos Sainz Jr.", "carlos-sainz-jr"),
        ("Andrea Kimi Antonelli", "kimi-antonelli"),
        ("Kimi ANTONELLI", "kimi-antonelli"),
        ("Zak O'SULLIVAN", "zak-osullivan"),
        ("Jérôme d'Ambrosio", "jerome-dambrosio"),
        ("Somebody New", "somebody-new"),
    ],
)
def test_a_full_name_in_any_spelling_is_one_driver(name: str, expected: str) -> None:
    assert driver_id(name) == expected


@pytest.mark.parametrize(
    ("ergast_id", "expected"),
    [
        ("max_verstappen", "max-verstappen"),
        ("perez", "sergio-perez"),
        ("hulkenberg", "nico-hulkenberg"),
        ("kevin_magnussen", "kevin-magnussen"),
        ("de_vries", "nyck-de-vries"),
        ("sainz", "carlos-sainz-jr"),
        ("zhou", "guanyu-zhou"),
        ("antonelli", "kimi-antonelli"),
        ("mick_schumacher", "mick-schumacher"),
        ("michael_schumacher", "michael-schumacher"),
        ("jules_bianchi", "jules-bianchi"),
    ],
)
def test_an_ergast_id_alone_is_enough_for_those_who_raced(ergast_id: str, expected: str) -> None:
    assert driver_id_from_ergast(ergast_id, "") == expected


def test_the_name_decides_for_an_ergast_id_nobody_has_seen() -> None:
    assert driver_id_from_ergast("newcomer", "Somebody Newcomer") == "somebody-newcomer"


@pytest.mark.parametrize(
    ("name", "season", "expected"),
    [
        ("Red Bull Racing", 2025, "red-bull"),
        ("red_bull", 2025, "red-bull"),
        ("Haas F1 Team", 2024, "haas"),
        ("Alfa Romeo Racing", 2021, "alfa-romeo"),
        ("alfa", 2023, "alfa-romeo"),
        ("AlphaTauri", 2022, "alphatauri"),
        ("RB", 2024, "rb"),
        ("rb", 2025, "racing-bulls"),
        ("RB F1 Team", 2025, "racing-bulls"),
        ("Racing Bulls", 2025, "racing-bulls"),
        ("sauber", 2018, "sauber"),
        ("sauber", 2024, "kick-sauber"),
        ("Kick Sauber", 2025, "kick-sauber"),
        ("Racing Point", 2018, "force-india"),
        ("Racing Point", 2020, "racing-point"),
        ("lotus_racing", 2011, "lotus-racing"),
        ("lotus_f1", 2013, "lotus-f1"),
        ("Audi", 2026, "audi"),
        ("Cadillac", 2026, "cadillac"),
    ],
)
def test_a_team_is_the_one_that_bore_the_name_that_year(name: str, season: int, expected: str) -> None:
    assert team_id(name, season) == expected


def team_lineage(team: str) -> str:
    return lineages().get(team, team)


def test_a_team_keeps_one_lineage_through_its_renames() -> None:
    assert {team_lineage(t) for t in ("toro-rosso", "alphatauri", "rb", "racing-bulls")} == {"racing-bulls"}
    assert {team_lineage(t) for t in ("sauber", "alfa-romeo", "kick-sauber", "audi")} == {"audi"}
    assert {team_lineage(t) for t in ("force-india", "racing-point", "aston-martin")} == {"aston-martin"}
    assert {team_lineage(t) for t in ("renault", "lotus-f1", "alpine")} == {"alpine"}
    assert {team_lineage(t) for t in ("lotus-racing", "lotus", "caterham")} == {"caterham"}
    assert team_lineage("ferrari") == "ferrari"
    assert team_lineage("cadillac") == "cadillac"


def test_a_lineage_is_its_own_lineage() -> None:
    assert all(team_lineage(lineage) == lineage for lineage in lineages().values())


def test_the_lineages_are_f1dbs_chronology(f1db_zip: Path) -> None:
    """Two constructors that F1DB lists in one chronology since 2010 share a lineage, and no others do."""
    raced = {row["constructorId"] for row in f1db_rows(f1db_zip, "races-race-results")}
    pairs = {
        (row["parentConstructorId"], row["constructorId"])
        for row in f1db_rows(f1db_zip, "constructors-chronology")
        if {row["parentConstructorId"], row["constructorId"]} <= raced and int(row["yearTo"] or 9999) >= 2010
    }
    for one, other in pairs:
        assert team_lineage(one) == team_lineage(other)
    for team in raced:
        if team_lineage(team) != team:
            assert any(team in pair for pair in pairs) or team == "manor"


def test_the_tables_name_only_ids_that_f1db_has(f1db_zip: Path) -> None:
    known = {row["id"] for row in f1db_rows(f1db_zip, "drivers")}
    assert {*pairs("domain/data/driver_names.csv").values(), *ergast_drivers().values()} <= known
    teams = {row["id"] for row in f1db_rows(f1db_zip, "constructors")}
    named = {row["team_id"] for row in rows("domain/data/team_names.csv")}
    assert {*named, *lineages(), *lineages().values()} <= teams


def test_f1dbs_own_names_lead_to_its_own_ids(f1db_zip: Path) -> None:
    raced = {row["driverId"] for row in f1db_rows(f1db_zip, "races-race-results")}
    names = {row["id"]: row["name"] for row in f1db_rows(f1db_zip, "drivers")}
    assert {d: driver_id(names[d]) for d in raced if driver_id(names[d]) != d} == {}


def test_every_result_that_jolpica_recorded_is_the_same_driver_and_team_as_f1dbs(
    shared_data: Path, f1db_zip: Path
) -> None:
    theirs = {
        (row["year"], row["round"], row["positionDisplayOrder"]): (row["driverId"], row["constructorId"])
        for row in f1db_rows(f1db_zip, "races-race-results")
    }
    compared = 0
    for url, body in recorded(shared_data, "api.jolpi.ca"):
        if not re.search(r"/\d{4}/\d+/results\.json$", url):
            continue
        for race in json.loads(body)["MRData"]["RaceTable"]["Races"]:
            for number, result in enumerate(race["Results"], start=1):
                driver, team = result["Driver"], result["Constructor"]["constructorId"]
                name = f"{driver['givenName']} {driver['familyName']}"
                ours = (driver_id_from_ergast(driver["driverId"], name), team_id(team, int(race["season"])))
                assert driver_id(name) == ours[0]
                assert ours in theirs.values()
                where = (race["season"], race["round"], str(number))
                compared += theirs.get(where) == ours
    # the order of the retired differs here and there; that is no question of identity
    assert compared > 3000


def test_every_race_driver_of_the_live_timing_has_f1dbs_id(shared_data: Path, f1db_zip: Path) -> None:
    known = {row["id"] for row in f1db_rows(f1db_zip, "drivers")}
    teams = {row["id"] for row in f1db_rows(f1db_zip, "constructors")}
    seen = set()
    for url, body in recorded(shared_data, "DriverList"):
        for text in re.findall(r"\{.*\}", body.decode("utf-8-sig")):
            for driver in json.loads(text).values():
                if isinstance(driver, dict) and driver.get("TeamName") and driver.get("FullName"):
                    season = int(re.search(r"/static/(\d{4})/", url)[1])  # type: ignore[index]
                    seen.add((driver["FullName"], driver["TeamName"], season))
    assert len({name for name, _, _ in seen}) > 35
    assert sorted(name for name, _, _ in seen if driver_id(name) not in known) == []
    assert sorted(team for _, team, season in seen if team_id(team, season) not in teams) == []
