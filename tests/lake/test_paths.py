"""Keys of the lake: each in the form that the documents promise, read back as it was built, inside its folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from f1lib.domain.moments import stamp
from f1lib.domain.weekend import HORIZONS, EventKey
from f1lib.errors import StorageError, TableError
from f1lib.lake import paths
from f1lib.lake import paths_published as published

AUSTRALIA = EventKey(2025, "Australian Grand Prix")
MOMENT = datetime(2025, 3, 15, 6, tzinfo=UTC)
SESSION = "bronze/sessions/2025/Australian_Grand_Prix/R"
HISTORY = "predictions/2025/history/Australian_Grand_Prix"
RUN = "20250315T060000Z-full_v1-pre_race"
ISSUED = f"{HISTORY}/20250315T060000Z_post_qualifying.parquet"

DOCUMENTED = [
    (f"{paths.session_folder(AUSTRALIA, 'R')}/results.parquet", f"{SESSION}/results.parquet"),
    (paths.session_note(AUSTRALIA, "R"), f"{SESSION}/source.json"),
    (
        paths.forecast_key("historical_forecast", AUSTRALIA, MOMENT),
        "bronze/weather/historical_forecast/2025/Australian_Grand_Prix/20250315T060000Z.json",
    ),
    (paths.silver_key("pit_stops", 2025), "silver/sessions/pit_stops/season=2025/pit_stops.parquet"),
    (paths.silver_key("weather_observed", 2025), "silver/weather/observed/season=2025/observed.parquet"),
    (
        paths.features_key("20250315T060000Z"),
        "gold/gold_driver_event_features/run_id=20250315T060000Z/gold_driver_event_features.parquet",
    ),
    (paths.TRAINING_KEY, "gold/training_dataset.parquet"),
    (paths.run_key(RUN, paths.BOOSTER), f"models/run_id={RUN}/xgb_model.ubj"),
    (paths.run_key(RUN, paths.PREPROCESSOR), f"models/run_id={RUN}/preprocessor.joblib"),
    (paths.run_key(RUN, paths.GRAPH), f"models/run_id={RUN}/onnx_model.onnx"),
    (paths.run_key(RUN, paths.METADATA), f"models/run_id={RUN}/model_metadata.json"),
    (paths.run_key(RUN, paths.SUCCESS), f"models/run_id={RUN}/_SUCCESS"),
    (paths.CHAMPION_KEY, "models/champion.json"),
    (published.newest_key(AUSTRALIA), "predictions/2025/Australian_Grand_Prix_predictions.parquet"),
    (published.newest_key(AUSTRALIA, "S"), "predictions/2025/Australian_Grand_Prix_sprint_predictions.parquet"),
    (published.issue_key(AUSTRALIA, MOMENT, "post_qualifying"), ISSUED),
    (published.SUMMARY, "reports/run_summary.json"),
    (published.DASHBOARD, "reports/run_summary.html"),
    (published.INDEX, "reports/index.html"),
    (published.FEED, "reports/feed.xml"),
    (published.CALENDAR, "reports/calendar.ics"),
    (published.published_copy(published.LATEST), "reports/latest.json"),
    (published.SEASON, "reports/season.html"),
    (published.season_page_key(2025), "reports/seasons/2025.html"),
    (published.driver_page_key("max-verstappen"), "reports/drivers/max-verstappen.html"),
    (
        published.race_picture_key("2025_Australian_Grand_Prix", "S"),
        "reports/races/2025/Australian_Grand_Prix_sprint.png",
    ),
    (published.HEALTH_PAGE, "reports/health.html"),
    (published.ACCURACY, "reports/accuracy.json"),
    (published.NEXT_RACES, "reports/next_races.json"),
    (published.scorecard_key("R", "json"), "reports/scorecard.json"),
    (published.scorecard_key("S", "parquet"), "reports/scorecard_sprints.parquet"),
    (published.record_key("a", "05_train"), "reports/runs/a/05_train.ipynb"),
    (published.record_page("reports/runs/a/05_train.ipynb"), "reports/runs/a/05_train.html"),
    (paths.LAKE_MARKER, "lake.json"),
    (paths.schedule_table(2025, "events"), "bronze/schedule/2025/events.parquet"),
    (paths.schedule_note(2025), "bronze/schedule/2025/source.json"),
    (paths.grid_note(AUSTRALIA, "R"), f"{SESSION}/starting_grid.source.json"),
    (paths.revision_of(f"{SESSION}/results.parquet", MOMENT), f"{SESSION}/revisions/20250315T060000Z/results.parquet"),
    (paths.gold_note(paths.TRAINING_KEY), "gold/training_dataset.json"),
    (paths.run_key(RUN, paths.DECISION), f"models/run_id={RUN}/decision.json"),
    (published.LATEST, "predictions/latest.json"),
    (published.LATEST_SCHEMA, "predictions/latest.schema.json"),
    (
        published.issue_key(AUSTRALIA, MOMENT, "pre_race", "S", 2),
        f"{HISTORY}/20250315T060000Z-2_pre_race_sprint.parquet",
    ),
    (published.change_log_key(ISSUED), f"{HISTORY}/20250315T060000Z_post_qualifying.news.json"),
    (published.explanation_key(ISSUED), ISSUED.replace("history", "explanations")),
    (published.championship_key(2025, MOMENT), "predictions/2025/championship/20250315T060000Z.parquet"),
    (published.championship_page_key(2025), "reports/championship/2025.html"),
    (published.REPLAY, "reports/replay.json"),
    (published.race_page_key("2025_Australian_Grand_Prix"), "reports/races/2025/Australian_Grand_Prix.html"),
    (
        published.race_page_key("2025_Australian_Grand_Prix", "S"),
        "reports/races/2025/Australian_Grand_Prix_sprint.html",
    ),
    (published.record_key("a", "06_predict", "x-pre_race"), "reports/runs/a/06_predict-x-pre_race.ipynb"),
    (published.sweep_fold("ridge", "full_v1", 2024), "reports/sweeps/ridge/folds/full_v1-2024.parquet"),
    (published.sweep_summary("ridge"), "reports/sweeps/ridge/summary.json"),
    (published.units_key("a"), "backfill/a/units.json"),
]

names = st.text(min_size=1, max_size=30)
events = st.builds(EventKey, st.integers(1950, 2099), names)
sessions = st.sampled_from(["P1", "P2", "P3", "Q", "SQ", "SS", "S", "R"])
raced = st.sampled_from(["R", "S"])
moments = st.datetimes(datetime(1950, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
words = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
HOSTILE = EventKey(2025, "../../models/champion.json\\..\n\x00 ")


@pytest.mark.parametrize(("built", "documented"), DOCUMENTED)
def test_a_key_has_its_documented_form(built: str, documented: str) -> None:
    assert built == documented
    assert paths.check_key(built) == built


def _documented(text: str) -> Iterator[re.Pattern[str]]:
    """The keys in the first column of the table in docs/lake.md: ``...`` is any folder, ``<...>`` and ``*`` a name."""
    rows = re.findall(r"^\| (`.+?) \|", text.partition("## Keys")[2].partition("\n## ")[0], re.M)
    for row in rows:
        first, *others = re.findall(r"`([^`]+)`", row)
        folder, _, name = first.rpartition("/")
        for key in (first, *(f"{folder}/{name.partition('.')[0]}{o}" if o[0] == "." else o for o in others)):
            whole = key if "/" in key else f"{folder}/{key}".lstrip("/")
            pattern = re.escape(whole).replace(r"\.\.\.", ".+").replace(r"\*", "[^/]+")
            pattern = re.sub(r"<[^>]+>", "[^/]+", pattern)
            pattern = re.sub(r"\\{(.*?)\\}", lambda match: f"({match[1].replace(',', '|')})", pattern)
            yield re.compile(pattern + (".+" if whole.endswith("/") else ""))


@pytest.mark.parametrize("key", [documented for _, documented in DOCUMENTED])
def test_a_key_stands_in_the_table_of_the_documents(root: Path, key: str) -> None:
    table = list(_documented((root / "docs/lake.md").read_text("utf-8")))
    assert any(pattern.fullmatch(key) for pattern in table)


def test_a_key_that_the_documents_leave_out_does_not_pass_for_one_of_theirs(root: Path) -> None:
    table = list(_documented((root / "docs/lake.md").read_text("utf-8")))
    undocumented = [
        "reports/mood.json",
        f"{SESSION}/mood.json",
        "gold/mood.parquet",
        "silver/sessions/mood/season=2025/a",
    ]
    assert not [key for key in undocumented for pattern in table if pattern.fullmatch(key)]


def test_what_is_listed_is_what_the_keys_start_with() -> None:
    assert published.issue_key(AUSTRALIA, MOMENT, "pre_race").startswith(published.history_prefix(AUSTRALIA))
    assert published.history_prefix(AUSTRALIA).startswith(published.PREDICTIONS_PREFIX)
    assert published.record_key("a", "05_train").startswith(published.records_prefix("a"))
    assert published.sweep_fold("a", "full_v1", 2024).startswith(published.sweep_prefix("a"))
    assert published.race_page_key("2025_A").startswith(published.RACE_PAGES_PREFIX)
    assert paths.session_folder(AUSTRALIA, "R").startswith(paths.sessions_prefix(2025))
    assert paths.schedule_note(2025).startswith(paths.SCHEDULES_PREFIX)
    assert paths.forecast_key("forecast", AUSTRALIA, MOMENT).startswith(paths.FORECASTS_PREFIX)
    assert paths.features_key("a").startswith(paths.FEATURES_PREFIX)
    assert paths.run_key("a", paths.GRAPH).startswith(paths.MODEL_RUNS_PREFIX)


@given(event=events, session=sessions, raced=raced, horizon=st.sampled_from(HORIZONS), moment=moments)
@example(HOSTILE, "R", "S", "pre_race", MOMENT)
@example(EventKey(2025, ".."), "R", "R", "pre_race", MOMENT)
@example(EventKey(2025, "/"), "R", "R", "pre_race", MOMENT)
def test_no_event_name_leads_out_of_its_folder(
    event: EventKey, session: str, raced: str, horizon: str, moment: datetime
) -> None:
    year = event.season
    inside = {
        f"bronze/sessions/{year}/": paths.session_note(event, session),
        f"bronze/weather/forecast/{year}/": paths.forecast_key("forecast", event, moment),
        f"predictions/{year}/": published.newest_key(event, raced),
        f"predictions/{year}/history/": published.issue_key(event, moment, horizon, raced),
        f"reports/races/{year}/": published.race_page_key(event.partition_key, raced),
    }
    depth = {"bronze/sessions": 6, "bronze/weather": 6, "predictions": 3, "reports": 4}
    for folder, key in inside.items():
        assert paths.check_key(key).startswith(folder)
        expected = 5 if "history" in folder else next(n for start, n in depth.items() if folder.startswith(start))
        assert key.count("/") == expected - 1


@given(event=events, session=sessions, frame=words)
@example(HOSTILE, "R", "results")
def test_the_key_of_a_session_s_file_says_what_it_was_built_from(event: EventKey, session: str, frame: str) -> None:
    folder = paths.session_folder(event, session)
    found = paths.parse_session_file(f"{folder}/{frame}.parquet")
    assert found == (event.season, event.partition_key, session, frame)
    assert paths.parse_session_folder(folder) == (event.partition_key, session)


@given(event=events, session=sessions, moment=moments)
def test_notes_and_revisions_are_no_files_of_a_session(event: EventKey, session: str, moment: datetime) -> None:
    file = f"{paths.session_folder(event, session)}/results.parquet"
    for key in (paths.revision_of(file, moment), paths.session_note(event, session), paths.grid_note(event, session)):
        assert paths.parse_session_file(key) is None
    assert paths.note_of(file) == paths.session_note(event, session)
    assert paths.note_of(file.replace("results", "starting_grid")) == paths.grid_note(event, session)
    assert paths.is_note(paths.note_of(file))
    assert not paths.is_note(file)


@given(kind=words, event=events, moment=moments)
def test_the_key_of_a_forecast_says_its_kind_season_and_event(kind: str, event: EventKey, moment: datetime) -> None:
    found = paths.parse_forecast(paths.forecast_key(kind, event, moment))
    assert found == (kind, event.season, event.partition_key)


@pytest.mark.parametrize("moment", ["20220900T060000Z", "20230803T0620230803T060000Z", "20230230T060000Z", "latest"])
def test_a_file_named_after_no_moment_is_no_forecast(moment: str) -> None:
    assert paths.parse_forecast(f"bronze/weather/forecast/2023/Hungarian_Grand_Prix/{moment}.json") is None


@given(table=st.sampled_from(paths.SILVER_TABLES), season=st.integers(1950, 2099))
def test_the_key_of_a_silver_file_says_its_table_and_season(table: str, season: int) -> None:
    key = paths.silver_key(table, season)
    assert paths.parse_silver(key) == (table, season)
    assert [name for name in paths.SILVER_TABLES if key.startswith(paths.silver_prefix(name))] == [table]


@given(event=events, moment=moments, horizon=st.sampled_from(HORIZONS), session=raced, number=st.integers(1, 99))
@example(HOSTILE, MOMENT, "pre_race", "S", 2)
def test_the_key_of_an_issue_says_what_it_was_built_from(
    event: EventKey, moment: datetime, horizon: str, session: str, number: int
) -> None:
    key = published.issue_key(event, moment, horizon, session, number)
    assert published.parse_issue(key) == (event.partition_key, stamp(moment), number, horizon, session)
    assert published.raced_of(key) == (event.partition_key, session)
    assert paths.is_written_once(key)
    assert published.parse_issue(published.change_log_key(key)) is None
    assert published.parse_issue(published.explanation_key(key)) is None


def test_issues_stand_in_the_order_in_which_they_were_made() -> None:
    wanted = [
        published.issue_key(AUSTRALIA, MOMENT, "pre_weekend"),
        published.issue_key(AUSTRALIA, MOMENT, "post_practice"),
        published.issue_key(AUSTRALIA, MOMENT, "post_qualifying"),
        *(published.issue_key(AUSTRALIA, MOMENT, "pre_race", number=number) for number in (1, 2, 10)),
        published.issue_key(AUSTRALIA, MOMENT.replace(hour=7), "pre_weekend"),
        published.issue_key(EventKey(2025, "Chinese Grand Prix"), MOMENT, "pre_weekend"),
    ]
    others = [published.change_log_key(wanted[0]), published.newest_key(AUSTRALIA), published.LATEST]
    assert published.in_order_of_issue(sorted([*wanted, *others])) == wanted


def test_what_is_no_issue_is_of_no_race() -> None:
    with pytest.raises(StorageError, match="not the key of an issued prediction"):
        published.raced_of(published.newest_key(AUSTRALIA))


def test_runs_are_those_of_which_the_deciding_file_is_there() -> None:
    keys = [paths.run_key("a", paths.GRAPH), paths.run_key("b", paths.GRAPH), paths.run_key("b", paths.SUCCESS)]
    assert paths.finished_runs([*keys, paths.CHAMPION_KEY]) == ["b"]
    features = [paths.features_key("a-2"), paths.gold_note(paths.features_key("c"))]
    assert paths.gold_runs([*features, paths.TRAINING_KEY]) == ["a-2"]
    notes = [paths.schedule_note(2024), paths.schedule_table(2025, "events"), paths.SCHEDULES_PREFIX + "x/y"]
    assert paths.seasons_of_schedules(notes) == {2024, 2025}


def test_the_page_of_a_record_says_its_run_and_name() -> None:
    record = published.record_key("a-2", "06_predict", "2025_A-pre_race")
    page = published.record_page(record)
    assert published.parse_record_page(page) == ("a-2", "06_predict-2025_A-pre_race")
    assert published.parse_record_page(record) is None
    assert published.link(page) == "runs/a-2/06_predict-2025_A-pre_race.html"


def test_only_runs_features_and_issues_never_change() -> None:
    once = [paths.run_key("a", name) for name in (paths.GRAPH, paths.METADATA, paths.SUCCESS)]
    assert all(map(paths.is_written_once, [*once, paths.features_key("a"), ISSUED]))
    changing = [paths.run_key("a", paths.DECISION), paths.TRAINING_KEY, paths.CHAMPION_KEY, published.LATEST]
    assert not any(map(paths.is_written_once, [*changing, published.newest_key(AUSTRALIA), published.SUMMARY]))


@pytest.mark.parametrize("key", ["", "/", "a//b", "../a", "a/./b", "a/..", "/a", "a/", "a\\b", "a\nb"])
def test_a_path_that_could_leave_the_lake_is_no_key(key: str) -> None:
    with pytest.raises(StorageError, match="is no key of the lake"):
        paths.check_key(key)


def test_a_table_that_silver_has_not_is_refused() -> None:
    with pytest.raises(TableError, match="'mood' is no silver table; there are events"):
        paths.silver_key("mood", 2025)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no file /home/me/f1/f1db-csv.zip here", "no file f1db-csv.zip here"),
        ("file:///srv/lake", "lake"),
        ("sqlite:////srv/lake/tracking.db", "tracking.db"),
        (
            "https://github.com/f1db/f1db and reports/runs/a/b.html",
            "https://github.com/f1db/f1db and reports/runs/a/b.html",
        ),
        ("s3://bucket/lake/x", "s3://bucket/lake/x"),
    ],
)
def test_no_folder_of_the_machine_is_published(said: str, shown: str) -> None:
    assert published.without_folders({"a": [said], "image/png": said}) == {"a": [shown], "image/png": said}
