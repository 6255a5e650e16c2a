"""Silver as a stage: what it writes, what it tracks, and what it never reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1lib.bronze.ingest import ingest
from f1lib.bronze.schedule import refresh_schedule
from f1lib.domain.weekend import EventKey
from f1lib.errors import Damaged, StorageError, TableError
from f1lib.lake import silver_tables
from f1lib.lake.integrity import sealed
from f1lib.lake.paths import SILVER_TABLES, session_folder
from f1lib.lake.store import write_json
from f1lib.lake.tables import contract
from f1lib.silver import build
from f1lib.tracking.rows import SessionRow, Status
from f1lib.workspace.workspace import Workspace
from tests.support.f1db_zips import tiny, write
from tests.support.workspaces import make_workspace

AUSTRALIA = "2025_Australian_Grand_Prix"
CHINA = "2025_Chinese_Grand_Prix"
OTHER = "bronze/schedule/2025/events.parquet"
LATER = "2026-08-01T00:00:00Z"


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """The tiny release's past in bronze."""
    tables = tiny()
    rows = tables["races-qualifying-results"]
    rows.append({**rows[3], "positionDisplayOrder": 5, "positionText": "DSQ"})
    entered = {"year": 2025, "constructorId": "racing-bulls", "driverId": "yuki-tsunoda", "rounds": "1;2"}
    tables["seasons-entrants-drivers"] = [entered | {"testDriver": "false"}]
    release = write(tmp_path / "f1db-csv.zip", tables)
    opened = make_workspace(tmp_path / "lake", LATER, f1db=str(release))
    refresh_schedule(opened, [])
    ingest(opened, [])
    return opened


def of(frame: pd.DataFrame, event: str, session: str) -> pd.DataFrame:
    return frame[(frame["event_partition_key"] == event) & (frame["session"] == session)].set_index("driver_id")


def test_every_table_is_written_for_every_season_and_fulfils_its_contract(ws: Workspace) -> None:
    written = build.build_silver(ws, [])
    assert set(written["table"]) == set(SILVER_TABLES)
    assert set(written["season"]) == {2025, 2026}
    rows = written.set_index(["table", "season"])["rows"]
    assert (rows["events", 2025], rows["events", 2026]) == (2, 1)
    assert (rows["results", 2025], rows["results", 2026]) == (40, 0)
    (entry,) = silver_tables.read_table(ws.store, "entries").to_dict("records")
    assert (entry["driver_id"], entry["team_lineage"]) == ("yuki-tsunoda", "racing-bulls")
    sessions = silver_tables.read_table(ws.store, "sessions", [2025])
    assert entry["available_utc"] == sessions["session_start_utc"].min() - pd.Timedelta(days=7)
    for table in SILVER_TABLES:
        assert list(silver_tables.read_table(ws.store, table).columns) == contract(table).names
    assert ws.store.exists("silver/sessions/results/season=2025/results.parquet")
    assert ws.store.exists("silver/weather/forecast/season=2025/forecast.parquet")


def test_statuses_positions_and_points_of_a_race_are_understood(ws: Workspace) -> None:
    build.build_silver(ws, [])
    race = of(silver_tables.read_table(ws.store, "results"), AUSTRALIA, "R")
    assert race["status"].to_dict() == {
        "lando-norris": "finished",
        "max-verstappen": "lapped",
        "yuki-tsunoda": "retired",
        "oscar-piastri": "disqualified",
    }
    assert race["finishing_position"].tolist() == [1, 2, 3, 4]
    assert race["classified_position"].tolist() == ["1", "2", "R", "D"]
    assert race["is_classified"].tolist() == [True, True, False, False]
    assert race["points"].tolist() == [25.0, 18.0, 0.0, 0.0]
    assert race["grid_position"].tolist() == [1, 2, 3, 4]
    assert race.loc["yuki-tsunoda", "status_reason"] == "Engine"
    assert race["gap_to_winner_seconds"].tolist()[0] == 0
    assert race["gap_to_winner_laps"].tolist()[:2] == [0, 1]


def test_who_did_not_start_is_no_entrant_and_leaves_no_gap_in_the_order(ws: Workspace) -> None:
    build.build_silver(ws, [])
    race = of(silver_tables.read_table(ws.store, "results"), CHINA, "R")
    assert race.loc["oscar-piastri", "status"] == "did_not_start"
    assert not race.loc["oscar-piastri", "is_entrant"]
    assert pd.isna(race["finishing_position"]["oscar-piastri"])
    assert race.loc["yuki-tsunoda", "finishing_position"] == 3


def test_a_driver_listed_twice_keeps_the_row_placed_first(ws: Workspace) -> None:
    build.build_silver(ws, [])
    tsunoda = of(silver_tables.read_table(ws.store, "results"), AUSTRALIA, "Q").loc[["yuki-tsunoda"]]
    assert tsunoda["finishing_position"].tolist() == [4]
    assert tsunoda["status"].tolist() == ["finished"]


def test_pit_lane_starters_stand_at_the_back_of_the_grid(ws: Workspace) -> None:
    build.build_silver(ws, [])
    grid = of(silver_tables.read_table(ws.store, "starting_grid"), AUSTRALIA, "R")
    assert grid["grid_position"].to_dict() == {
        "lando-norris": 1,
        "max-verstappen": 2,
        "yuki-tsunoda": 3,
        "oscar-piastri": 4,
    }
    assert grid["is_pit_lane"].tolist() == [False, False, False, True]
    assert grid["team_lineage"].tolist()[2] == "racing-bulls"


def test_each_row_says_when_it_became_visible(ws: Workspace) -> None:
    build.build_silver(ws, [])
    results, grid = silver_tables.read_table(ws.store, "results"), silver_tables.read_table(ws.store, "starting_grid")
    assert of(results, AUSTRALIA, "Q")["available_utc"].unique() == [pd.Timestamp("2025-03-15T06:30Z")]
    assert of(grid, AUSTRALIA, "R")["available_utc"].unique() == [pd.Timestamp("2025-03-16T03:00Z")]
    assert of(grid, CHINA, "S")["available_utc"].unique() == [pd.Timestamp("2025-03-22T02:00Z")]


def test_building_twice_gives_the_same_bytes_and_one_season_leaves_the_others(ws: Workspace) -> None:
    build.build_silver(ws, [])
    first = {key: ws.store.read(key) for key in ws.store.list("silver/")}
    build.build_silver(ws, [2025])
    assert {key: ws.store.read(key) for key in ws.store.list("silver/")} == first
    assert set(build.build_silver(ws, [2026])["season"]) == {2026}


def test_a_folder_without_its_note_is_never_read_where_the_table_does_not_promise_it(ws: Workspace) -> None:
    base = session_folder(EventKey.parse(AUSTRALIA), "Q")
    ws.store.delete(f"{base}/source.json")
    row: SessionRow = {"event_partition_key": AUSTRALIA, "session_name_abr": "Q", "bronze_path": None}
    ws.tracking.put_rows([row])
    build.build_silver(ws, [])
    assert of(silver_tables.read_table(ws.store, "results"), AUSTRALIA, "Q").empty
    assert len(of(silver_tables.read_table(ws.store, "results"), CHINA, "R")) == 4


def test_a_file_that_its_note_does_not_name_is_never_read(ws: Workspace) -> None:
    base = session_folder(EventKey.parse(AUSTRALIA), "Q")
    ws.store.write(f"{base}/laps.parquet", b"left over by a process that died")
    build.build_silver(ws, [])
    assert len(of(silver_tables.read_table(ws.store, "results"), AUSTRALIA, "Q")) == 4


def test_input_rows_climb_to_silver(ws: Workspace) -> None:
    build.build_silver(ws, [2025])
    rows = {row["session_name_abr"]: row for row in ws.tracking.rows(AUSTRALIA)}
    assert rows["R"]["status"] == rows["STAGE#starting_grid"]["status"] == "silver"
    assert rows["R"]["silver_path"] == "silver/sessions/results/season=2025/results.parquet"
    calendars = {row["session_name_abr"]: row["status"] for row in ws.tracking.rows("PIPELINE")}
    assert calendars == {"STAGE#00_schedule#2025": "silver", "STAGE#00_schedule#2026": "ingested"}


LOST = [
    f"{session_folder(EventKey.parse(AUSTRALIA), 'Q')}/source.json",
    f"{session_folder(EventKey.parse(AUSTRALIA), 'Q')}/results.parquet",
    f"{session_folder(EventKey.parse(CHINA), 'R')}/starting_grid.source.json",
    "bronze/schedule/2025/source.json",
    "bronze/schedule/2025/sessions.parquet",
]


@pytest.mark.parametrize("key", LOST)
@pytest.mark.parametrize("how", ["lost", "emptied", "replaced"])
def test_a_season_of_which_a_file_is_lost_or_damaged_keeps_its_silver_and_the_others_are_built(
    ws: Workspace, key: str, how: str
) -> None:
    build.build_silver(ws, [])
    before = {name: ws.store.read(name) for name in ws.store.list("silver/")}
    if how == "lost":
        ws.store.delete(key)
    else:
        ws.store.write(key, b"" if how == "emptied" else ws.store.read("lake.json" if key.endswith("json") else OTHER))
    ws.store.delete("silver/sessions/events/season=2026/events.parquet")
    with pytest.raises(Damaged, match=re.escape(key)):
        build.build_silver(ws, [])
    assert {name: ws.store.read(name) for name in ws.store.list("silver/")} == before


def test_a_row_that_gold_has_taken_in_is_left_alone(ws: Workspace) -> None:
    ws.tracking.put_rows([{"event_partition_key": AUSTRALIA, "session_name_abr": "R", "status": Status.GOLD}])
    build.build_silver(ws, [])
    assert ws.tracking.get(AUSTRALIA, "R")["status"] == "gold"  # type: ignore[index]


def test_reading_takes_the_seasons_asked_for_and_no_rows_where_there_are_none(ws: Workspace) -> None:
    assert silver_tables.read_table(ws.store, "results").empty
    build.build_silver(ws, [])
    assert set(silver_tables.read_table(ws.store, "sessions")["event_year"]) == {2025, 2026}
    assert set(silver_tables.read_table(ws.store, "sessions", [2026])["event_year"]) == {2026}
    assert silver_tables.read_table(ws.store, "sessions", [1999]).empty
    assert str(silver_tables.read_table(ws.store, "results", [1999])["points"].dtype) == "float64"


def test_a_season_without_a_calendar_and_a_table_without_a_name_are_errors(ws: Workspace) -> None:
    with pytest.raises(StorageError, match="no calendar of 2031: run 00_schedule first"):
        build.build_silver(ws, [2025, 2031])
    with pytest.raises(TableError, match="'mood' is no silver table"):
        silver_tables.read_table(ws.store, "mood")


def test_a_weather_document_of_another_shape_or_with_other_hours_is_named(ws: Workspace) -> None:
    key = "bronze/weather/forecast/2025/Australian_Grand_Prix/20250315T000000Z.json"
    for document in ({"hourly": {"time": ["2025-03-16T04:00"]}}, _forecast(5.0) | {"hourly": HOURLY}):
        write_json(ws.store, key, document)
        with pytest.raises(Damaged, match=key):
            build.build_silver(ws, [2025])
        assert ws.store.list("silver/") == []
    write_json(ws.store, key, _forecast(5.0))
    build.build_silver(ws, [2025])
    ws.store.delete(key)
    with pytest.raises(Damaged, match=f"{key} is missing"):
        build.build_silver(ws, [2025])


HOURLY = {"time": ["2025-03-16T04:00"], "precipitation": [0.0]}


def _forecast(rain: float) -> dict[str, Any]:
    envelope = {"event_partition_key": AUSTRALIA, "provenance": "forecast", "source": "open-meteo"}
    envelope |= {"issued_utc": "2025-03-15T00:00:00Z"}
    return sealed({"f1lib": envelope, "hourly": HOURLY | {"precipitation": [rain]}})


def test_an_empty_lake_gives_empty_tables(tmp_path: Path) -> None:
    release = write(tmp_path / "f1db-csv.zip", tiny())
    bare = make_workspace(tmp_path / "lake", "2025-01-01T00:00:00Z", f1db=str(release))
    assert build.build_silver(bare, []).empty
    refresh_schedule(bare, [])
    rows = build.build_silver(bare, []).set_index("table")["rows"]
    assert (rows["events"], rows["sessions"], rows["results"]) == (2, 10, 0)
