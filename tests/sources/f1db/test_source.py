"""The F1DB source over a tiny release: frames, moments and what is asked for too early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from f1lib.domain.weekend import EventKey
from f1lib.errors import NotPublishedYet, SourceError
from f1lib.lake.tables import conform
from f1lib.sources.f1db.source import F1dbSource
from f1lib.sources.protocols import GRID_COLUMNS, PIT_STOP_COLUMNS, RESULT_COLUMNS
from tests.support.f1db_zips import changed, tiny, write

AUSTRALIA = EventKey(2025, "Australian Grand Prix")
CHINA = EventKey(2025, "Chinese Grand Prix")
LATER = datetime(2026, 8, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("f1db") / "f1db-csv.zip", tiny())


@pytest.fixture(scope="module")
def source(release: Path) -> F1dbSource:
    return F1dbSource(release)


def test_the_calendar_fulfils_the_contracts_and_orders_a_weekend(source: F1dbSource) -> None:
    schedule = source.schedule(2025, LATER)
    events = conform(schedule.events, "events")
    sessions = conform(schedule.sessions, "sessions")
    assert events["event_format"].tolist() == ["conventional", "sprint_qualifying"]
    assert events["event_partition_key"].tolist() == ["2025_Australian_Grand_Prix", "2025_Chinese_Grand_Prix"]
    china = sessions[sessions["event_name"] == "Chinese Grand Prix"]
    assert china["session"].tolist() == ["P1", "SQ", "S", "Q", "R"]
    assert china["session_start_utc"].is_monotonic_increasing
    assert not china["time_is_estimated"].any()


def test_a_race_without_times_is_estimated_in_the_local_time_of_its_circuit(source: F1dbSource) -> None:
    sessions = source.schedule(2026, LATER).sessions.set_index("session")
    assert sessions["time_is_estimated"].all()
    assert sessions.loc["R", "session_start_utc"] == datetime(2026, 9, 13, 12, tzinfo=UTC)  # 14:00 in Madrid
    assert sessions.loc["P1", "session_start_utc"] == datetime(2026, 9, 11, 8, tzinfo=UTC)


def _entered(tmp_path: Path, *rows: tuple[str, str, str, str]) -> list[tuple[str, str]]:
    """(driver, team) of the entries of 2025 of a release whose entry list says driver, team, rounds, test driver."""
    names = ("driverId", "constructorId", "rounds", "testDriver")
    listed = [{"year": 2025, **dict(zip(names, row, strict=True))} for row in rows]
    tables = tiny() | {"seasons-entrants-drivers": listed}
    entries = F1dbSource(write(tmp_path / "entered.zip", tables)).schedule(2025, LATER).entries
    assert entries is not None
    return list(zip(entries["driver_id"], entries["team_id"], strict=True))


def test_entered_is_who_is_listed_for_the_first_round_and_no_later_substitute(tmp_path: Path) -> None:
    found = _entered(
        tmp_path,
        ("max-verstappen", "red-bull", "1;2;3", "false"),
        ("yuki-tsunoda", "racing-bulls", "1;2", "false"),
        ("yuki-tsunoda", "red-bull", "3;10;11", "false"),
        ("lando-norris", "mclaren", "10;11", "false"),
        ("oscar-piastri", "mclaren", "", "true"),
    )
    assert found == [("max-verstappen", "red-bull"), ("yuki-tsunoda", "racing-bulls")]


def test_before_any_round_is_filled_in_everybody_entered_to_race_counts(tmp_path: Path) -> None:
    rows = [("lando-norris", "mclaren", "", "false"), ("oscar-piastri", "mclaren", "", "true")]
    assert _entered(tmp_path, *rows) == [("lando-norris", "mclaren")]


def test_a_season_without_an_entry_list_has_none(source: F1dbSource) -> None:
    assert source.schedule(2026, LATER).entries is None


@pytest.mark.parametrize(("stated", "held"), [("2021-10-03", "2021-10-10"), ("2021-10-10", "2021-10-10")])
def test_the_one_race_that_f1db_dates_a_week_early_is_held_when_it_was(tmp_path: Path, stated: str, held: str) -> None:
    tables = tiny()
    tables["grands-prix"].append({"id": "turkey", "fullName": "Turkish Grand Prix"})
    race = dict(tables["races"][0])
    race = {name: value for name, value in race.items() if not name.endswith(("Date", "Time")) and name != "time"}
    tables["races"].append(race | {"id": 99, "year": 2021, "round": 16, "grandPrixId": "turkey", "date": stated})
    schedule = F1dbSource(write(tmp_path / "turkey.zip", tables)).schedule(2021, LATER)
    said = f"2021_Turkish_Grand_Prix R: held on {held}, not {stated}: "
    assert [line[: len(said)] for line in schedule.provenance.get("warnings", [])] == [said] * (stated != held)
    days = (
        schedule.sessions.set_index("session")["session_start_utc"]
        .dt.tz_convert("Australia/Melbourne")
        .dt.strftime("%F")
    )
    assert days["R"] == held
    assert days["Q"] == "2021-10-09"


def test_a_calendar_is_known_from_december_of_the_year_before(source: F1dbSource) -> None:
    assert source.seasons(datetime(2025, 11, 30, tzinfo=UTC)) == [2025]
    assert source.seasons(datetime(2025, 12, 1, tzinfo=UTC)) == [2025, 2026]
    with pytest.raises(SourceError, match="no season 2026"):
        source.schedule(2026, datetime(2025, 11, 30, tzinfo=UTC))


@pytest.mark.parametrize(("session", "visible"), [("P1", "2025-03-14T03:00"), ("Q", "2025-03-15T06:30")])
def test_a_session_is_visible_half_an_hour_after_its_end_and_not_a_second_before(
    source: F1dbSource, session: str, visible: str
) -> None:
    moment = datetime.fromisoformat(visible).replace(tzinfo=UTC)
    assert len(source.session(AUSTRALIA, session, moment).frames["results"]) == 4
    with pytest.raises(NotPublishedYet, match=f"{session} is visible from"):
        source.session(AUSTRALIA, session, moment - timedelta(seconds=1))


def test_the_starting_grid_has_a_moment_of_its_own(source: F1dbSource) -> None:
    moment = datetime(2025, 3, 16, 3, tzinfo=UTC)
    grid = source.starting_grid(AUSTRALIA, "R", moment).frames["starting_grid"]
    assert list(grid.columns) == GRID_COLUMNS
    assert grid["position_text"].tolist() == ["PL", "1", "2", "3"]
    assert grid["grid_penalty_positions"].tolist()[3] == 5
    with pytest.raises(NotPublishedYet, match="starting grid of R"):
        source.starting_grid(AUSTRALIA, "R", moment - timedelta(seconds=1))
    with pytest.raises(SourceError, match="only R and S"):
        source.starting_grid(AUSTRALIA, "Q", LATER)


def test_every_session_of_a_weekend_has_all_columns_in_one_dtype_each(source: F1dbSource) -> None:
    dtypes = set()
    for key, codes in ((AUSTRALIA, "P1 P2 P3 Q R"), (CHINA, "P1 SQ S Q R")):
        for code in codes.split():
            frame = source.session(key, code, LATER).frames["results"]
            assert list(frame.columns) == RESULT_COLUMNS
            dtypes.add(tuple(str(t) for t in frame.dtypes))
    assert len(dtypes) == 1


def test_a_race_brings_points_times_best_laps_and_stops(source: F1dbSource) -> None:
    frames = source.session(AUSTRALIA, "R", LATER).frames
    winner = frames["results"].iloc[0]
    assert (winner["driver_id"], winner["driver_number"], winner["abbreviation"]) == ("lando-norris", "4", "NOR")
    assert (winner["race_time_seconds"], winner["best_lap_seconds"], winner["points"]) == (6126.304, 82.167, 25.0)
    assert frames["results"]["position_text"].tolist() == ["1", "2", "DNF", "DSQ"]
    assert list(frames["pit_stops"].columns) == PIT_STOP_COLUMNS
    assert frames["pit_stops"]["lap"].tolist() == [15, 30]


def test_the_best_lap_of_qualifying_is_the_best_over_its_segments(source: F1dbSource) -> None:
    results = source.session(AUSTRALIA, "Q", LATER).frames["results"]
    assert results["best_lap_seconds"].tolist() == [75.15, 75.2, 75.55, 75.9]
    assert results["q3_seconds"].isna().tolist() == [False, False, True, True]


def test_a_past_session_that_the_release_has_no_rows_of_is_not_published(source: F1dbSource) -> None:
    madrid = EventKey(2026, "Spanish Grand Prix")
    with pytest.raises(NotPublishedYet, match="no results of it"):
        source.session(madrid, "R", datetime(2026, 12, 1, tzinfo=UTC))
    with pytest.raises(NotPublishedYet, match="this F1DB release has none"):
        source.starting_grid(madrid, "R", datetime(2026, 12, 1, tzinfo=UTC))


def test_an_event_or_session_that_is_not_in_the_calendar_is_a_clear_error(source: F1dbSource) -> None:
    with pytest.raises(SourceError, match="no session R of 2025_Atlantis_Grand_Prix"):
        source.session(EventKey(2025, "Atlantis Grand Prix"), "R", LATER)
    with pytest.raises(SourceError, match="no session P3 of 2025_Chinese_Grand_Prix"):
        source.session(CHINA, "P3", LATER)


def test_an_answer_says_which_release_it_came_from(source: F1dbSource, release: Path, tmp_path: Path) -> None:
    provenance = source.session(AUSTRALIA, "Q", LATER).provenance
    assert provenance["files"] == ["f1db-races-qualifying-results.csv"]
    assert len(provenance["sha256"]) == 64
    assert "CC BY 4.0" in provenance["attribution"]
    other = F1dbSource(changed(release, tmp_path / "other.zip", {"drivers": lambda text: text + "\n"}))
    assert other.session(AUSTRALIA, "Q", LATER).provenance["sha256"] != provenance["sha256"]


def test_a_driver_listed_twice_is_reported_and_left_to_silver(tmp_path: Path) -> None:
    tables = tiny()
    rows = tables["races-qualifying-results"]
    rows.append({**rows[3], "positionDisplayOrder": 5, "positionText": "DSQ"})
    found = F1dbSource(write(tmp_path / "twice.zip", tables)).session(AUSTRALIA, "Q", LATER)
    assert found.warnings == ["2025_Australian_Grand_Prix Q: yuki-tsunoda has more than one row"]
    assert len(found.frames["results"]) == 5


def test_rows_before_the_first_season_are_left_out(release: Path) -> None:
    source = F1dbSource(release, first_season=2026)
    assert source.seasons(LATER) == [2026]
    with pytest.raises(SourceError, match="no session R of 2025"):
        source.session(AUSTRALIA, "R", LATER)


def test_more_columns_more_files_and_a_folder_around_them_do_no_harm(tmp_path: Path, source: F1dbSource) -> None:
    import zipfile

    flat = write(tmp_path / "flat.zip", tiny(), extra_column="mood")
    wrapped = tmp_path / "wrapped.zip"
    with zipfile.ZipFile(flat) as old, zipfile.ZipFile(wrapped, "w") as new:
        for member in old.namelist():
            new.writestr(f"f1db/{member}", old.read(member))
        new.writestr("f1db/f1db-races-moods.csv", "raceId,mood\n")
    mine = F1dbSource(wrapped).session(AUSTRALIA, "R", LATER).frames["results"]
    assert mine.equals(source.session(AUSTRALIA, "R", LATER).frames["results"])


def test_a_grand_prix_nobody_has_heard_of_takes_the_name_that_the_release_gives(tmp_path: Path) -> None:
    tables = tiny()
    tables["races"][2] |= {"grandPrixId": "atlantis", "circuitId": "sunken"}
    tables["grands-prix"].append({"id": "atlantis", "fullName": "Atlantean Grand Prix"})
    tables["circuits"].append({"id": "sunken", "name": "Sunken", "countryId": "spain", "latitude": 3, "longitude": 4})
    event = F1dbSource(write(tmp_path / "new.zip", tables)).schedule(2026, LATER).events.iloc[0]
    assert event["event_partition_key"] == "2026_Atlantean_Grand_Prix"
    assert (event["circuit"], event["latitude"], event["country"]) == ("Sunken", 3.0, "Spain")


@pytest.mark.parametrize(
    ("season", "sprint", "expected"),
    [
        (2019, {}, "conventional"),
        (2021, {"qualifyingFormat": "SPRINT_RACE"}, "sprint"),
        (2023, {"sprintQualifyingFormat": "SPRINT_SHOOTOUT"}, "sprint_shootout"),
        (2024, {"sprintQualifyingFormat": "SPRINT_SHOOTOUT"}, "sprint_qualifying"),
        (2027, {"sprintRaceDate": "2027-05-01"}, "sprint_qualifying"),
    ],
)
def test_the_format_of_a_weekend_follows_from_the_year_and_its_sprint(
    tmp_path: Path, season: int, sprint: dict[str, str], expected: str
) -> None:
    tables = tiny()
    race = tables["races"][2]
    race |= {"year": season, "date": f"{season}-05-02", **sprint}
    source = F1dbSource(write(tmp_path / "format.zip", {**tables, "races": [race]}))
    schedule = source.schedule(season, datetime(season, 5, 1, tzinfo=UTC))
    assert schedule.events["event_format"].tolist() == [expected]
    assert schedule.sessions["session_start_utc"].is_monotonic_increasing
