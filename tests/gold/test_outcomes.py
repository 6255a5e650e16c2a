"""Which races were wet: tyres before the list that ships, the list before the sensor, the sensor before the archive."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from f1lib.domain import csv_files
from f1lib.gold.outcomes import wet_races
from f1lib.lake.tables import empty

START = pd.Timestamp("2021-10-03T12:00Z")
KNOWN = START + pd.Timedelta(hours=3)


def events(season: int = 2021, circuit: str = "istanbul", start: pd.Timestamp = START, source: str = "f1db") -> Any:
    row = {"event_partition_key": "event", "event_year": season, "circuit_id": circuit, "race_start_utc": start}
    return pd.DataFrame([row | {"source": source}])


def laps(compounds: list[str]) -> pd.DataFrame:
    rows = [{"event_partition_key": "event", "session": "R", "driver_id": "a", "lap_number": n, "compound": compound,
             "available_utc": KNOWN} for n, compound in enumerate(compounds)]  # fmt: skip
    return pd.DataFrame(rows) if rows else empty("laps")


def seen(**conditions: str) -> pd.DataFrame:
    base = {"event_partition_key": "event", "session": "R", "available_utc": KNOWN}
    rows = [base | {"provenance": name, "condition": said} for name, said in conditions.items()]
    return pd.DataFrame(rows) if rows else empty("weather_observed")


def found(calendar: pd.DataFrame, compounds: list[str], as_of: pd.Timestamp = KNOWN, **conditions: str) -> list[int]:
    silver = {"events": calendar, "laps": laps(compounds), "weather_observed": seen(**conditions)}
    races = wet_races(silver, as_of)
    assert races["event_partition_key"].tolist() == ["event"] * len(races)
    return list(races["is_wet"])


@pytest.mark.parametrize(("wet_laps", "said"), [(0, 0), (1, 0), (2, 1), (100, 1)])
def test_tyres_decide_where_they_are_known(wet_laps: int, said: int) -> None:
    compounds = ["INTERMEDIATE"] * wet_laps + ["HARD"] * (100 - wet_laps) + ["UNKNOWN"] * 50
    assert found(events(), compounds, track="mixed", archive="wet") == [said]
    assert found(events(2016), compounds) == [said]


def test_the_list_knows_the_seasons_it_covers_and_no_others() -> None:
    assert found(events(), []) == [1], "Turkey 2021, which F1DB dates a week early"
    assert found(events(circuit="monza"), [], track="wet", archive="wet") == [0]
    assert found(events(2017), []) == []
    assert found(events(start=START + pd.Timedelta(days=30)), [], KNOWN + pd.Timedelta(days=40)) == [0]


def test_the_list_is_of_the_real_world() -> None:
    assert found(events(source="simulated"), []) == []
    assert found(events(source="simulated"), [], simulated="dry") == [0]


@pytest.mark.parametrize(
    ("conditions", "said"),
    [({"track": "mixed", "archive": "dry"}, [1]), ({"track": "dry", "archive": "wet"}, [0]), ({"archive": "wet"}, [1]),
     ({"archive": "dry"}, [0]), ({"archive": "mixed"}, [])],
)  # fmt: skip
def test_without_tyres_and_list_the_sensor_and_then_the_archive_decide(conditions: Any, said: list[int]) -> None:
    assert found(events(2016), [], **conditions) == said


def test_nothing_that_was_not_known_then_is_used() -> None:
    early = KNOWN - pd.Timedelta(seconds=1)
    assert found(events(2016), ["WET"] * 9, early, track="wet", archive="wet") == []
    assert found(events(), [], START - pd.Timedelta(seconds=1)) == []


def test_every_listed_race_has_its_source_and_one_circuit_of_a_season_is_listed_once() -> None:
    rows = csv_files.rows("domain/data/wet_races.csv")
    assert {int(row["season"]) for row in rows} == set(range(2018, 2026))
    assert len({(row["season"], row["circuit_id"]) for row in rows}) == len(rows)
    assert all(row["source"] and row["race_date"].startswith(row["season"]) for row in rows)
    assert all(2 <= float(row["wet_tyre_laps_pct"] or 2) <= 100 for row in rows)
