"""Every rule of the plan, one test each, on hand-made rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from f1lib.bronze.due import due_rows
from f1lib.domain.moments import format_utc
from f1lib.pipeline.plan import due_steps, next_race
from f1lib.pipeline.rules import horizon_known
from f1lib.tracking.index import Rows as KnownRows
from f1lib.tracking.index import behind, data_until, notices
from f1lib.tracking.rows import key_of
from tests.support.weekend_rows import EVENT, RACE, STARTS, calendar_read, session, stage, weekend


def stages_of(rows: list[Any], now: datetime, **options: Any) -> list[str]:
    return [step.stage for step in due_steps(rows, now, **options)]


def test_an_empty_table_asks_for_the_calendar_first() -> None:
    assert stages_of([], RACE) == ["00_schedule"]


def test_the_calendar_is_read_again_after_a_day_and_not_before() -> None:
    rows = [calendar_read(RACE), *weekend()]
    before = RACE - timedelta(days=30)
    rows[0] = calendar_read(before)
    assert "00_schedule" not in stages_of(rows, before + timedelta(hours=23))
    assert stages_of(rows, before + timedelta(hours=24)) == ["00_schedule"]


@pytest.mark.parametrize(
    ("hours_to_practice", "is_read"), [(49, False), (48, True), (1, True), (-24, True), (-51, False)]
)
def test_near_a_weekend_every_tick_reads_the_calendar_of_its_season(hours_to_practice: int, is_read: bool) -> None:
    now = STARTS["P1"] - timedelta(hours=hours_to_practice)
    rows = [calendar_read(now - timedelta(minutes=5)), OLD, *weekend()]
    steps = [step for step in due_steps(rows, now) if step.stage == "00_schedule"]
    assert [step.parameters for step in steps] == ([{"seasons": [2025]}] if is_read else [])
    assert "00_schedule" not in stages_of([calendar_read(now), *rows[1:]], now), "read in this tick"


def test_the_calendar_is_followed_after_a_race_whose_result_is_missing_and_no_longer_once_it_is_there() -> None:
    now = RACE + timedelta(hours=3)
    rows = [calendar_read(now - timedelta(minutes=5)), OLD]
    everything = dict.fromkeys(("P1", "P2", "P3", "Q"), "gold")
    assert stages_of([*rows, *weekend(**everything)], now)[0] == "00_schedule"
    done = [row | {"status": "gold"} for row in weekend(**everything)]
    assert "00_schedule" not in stages_of([*rows, *done], now)


def test_a_failed_reading_of_the_calendar_is_tried_by_the_next_tick() -> None:
    rows = [stage("00_schedule", "failed", finished_utc=format_utc(RACE)), *weekend()]
    assert stages_of(rows, RACE) == ["00_schedule"]


def test_a_calendar_that_another_source_stood_in_for_is_read_again_sooner() -> None:
    before = RACE - timedelta(days=30)
    rows = [calendar_read(before) | {"next_attempt_utc": format_utc(before + timedelta(hours=1))}, *weekend()]
    assert "00_schedule" not in stages_of(rows, before + timedelta(minutes=59))
    assert stages_of(rows, before + timedelta(hours=1)) == ["00_schedule"]


def test_a_session_is_due_once_it_is_visible_and_not_a_second_before() -> None:
    visible = STARTS["P1"] + timedelta(minutes=90)
    rows = [calendar_read(visible), *weekend()]
    assert due_rows(rows, visible - timedelta(seconds=1)) == []
    assert [row["session_name_abr"] for row in due_rows(rows, visible)] == ["P1"]
    assert stages_of(rows, visible) == ["01_ingest"]


def test_a_session_that_asks_for_patience_is_not_due_before_its_next_attempt() -> None:
    now = STARTS["Q"] + timedelta(minutes=90)
    rows = [session("Q", "due", next_attempt_utc=format_utc(now + timedelta(hours=2)))]
    assert due_rows(rows, now) == []
    assert len(due_rows(rows, now + timedelta(hours=2))) == 1


def test_what_was_given_up_or_refused_is_not_asked_for_again() -> None:
    rows = [session("P1", "unavailable"), session("P2", "blocked")]
    assert due_rows(rows, RACE) == []


def test_the_starting_grid_is_due_from_its_own_time() -> None:
    grid: Any = {**session("R", "scheduled"), "session_name_abr": "STAGE#starting_grid"}
    grid["available_utc"] = format_utc(RACE - timedelta(hours=1))
    assert due_rows([grid], RACE - timedelta(minutes=61)) == []
    assert len(due_rows([grid], RACE - timedelta(minutes=60))) == 1


def test_silver_is_rebuilt_for_the_seasons_with_new_bronze_only() -> None:
    now = STARTS["P2"]
    rows = [
        calendar_read(now),
        *weekend(P1="ingested"),
        session("R", "gold", "2024_X", datetime(2024, 3, 1, tzinfo=UTC)),
    ]
    steps = due_steps(rows, now)
    assert [(s.stage, s.parameters) for s in steps] == [("03_silver", {"seasons": [2025]})]


def test_gold_is_rebuilt_when_silver_holds_something_new() -> None:
    assert stages_of([calendar_read(STARTS["P2"]), *weekend(P1="silver")], STARTS["P2"]) == ["04_gold"]


def test_a_changed_schedule_or_forecast_reaches_silver_too() -> None:
    now = STARTS["P1"]
    changed = [
        stage("00_schedule#2025", "ingested", event_year=2025),
        stage("02_weather", "ingested", EVENT, event_year=2025),
    ]
    for row in changed:
        assert stages_of([calendar_read(now), *weekend(), row], now) == ["03_silver"]


OLD = session("R", "gold", "2025_Qatar_Grand_Prix", RACE - timedelta(days=7))


def test_a_model_is_trained_when_a_result_is_new_and_not_again_for_the_same_results() -> None:
    now = STARTS["P1"] - timedelta(days=1)
    rows = [calendar_read(now), OLD, *weekend()]
    step = due_steps(rows, now)[0]
    assert step.stage == "05_train"
    rows.append(stage("05_train", input_hash=step.input_hash))
    assert stages_of(rows, now) == ["06_predict"]
    rows[1] = {**OLD, "content_hash": "the stewards changed it"}
    assert stages_of(rows, now)[0] == "05_train"


def _until_prediction(rows: list[Any], now: datetime) -> Any:
    train = due_steps(rows, now)[0]
    assert train.stage == "05_train"
    return due_steps([*rows, stage("05_train", input_hash=train.input_hash)], now)[0]


def test_each_horizon_is_predicted_as_soon_as_its_data_is_in_gold() -> None:
    grid = {**session("R", "gold"), "session_name_abr": "STAGE#starting_grid"}
    done = {"P1": "gold", "P2": "gold", "P3": "unavailable"}
    cases = [
        (weekend(), "pre_weekend", STARTS["P1"] - timedelta(days=1)),
        (weekend(P1="gold"), "post_practice", STARTS["P1"] + timedelta(hours=2)),
        (weekend(**done), "post_practice", STARTS["P3"] + timedelta(hours=2)),
        (weekend(**done, Q="gold"), "post_qualifying", STARTS["Q"] + timedelta(hours=2)),
        ([*weekend(**done, Q="gold"), grid], "pre_race", RACE - timedelta(minutes=30)),
    ]
    for rows, horizon, now in cases:
        step = _until_prediction([calendar_read(now), OLD, *rows], now)
        assert (step.stage, step.parameters["horizon"], step.parameters["event"]) == ("06_predict", horizon, EVENT)


def test_practice_before_a_sprint_qualifying_does_not_wait_for_sessions_that_come_after_qualifying() -> None:
    order = {"P1": -50, "Q": -46, "P2": -26, "S": -22, "R": 0}
    rows = [
        session(name, "gold" if name == "P1" else "scheduled", start=RACE + timedelta(hours=hours))
        for name, hours in order.items()
    ]
    assert horizon_known(KnownRows(rows), EVENT, RACE - timedelta(hours=47)) == "post_practice"


def test_a_sprint_is_predicted_at_each_horizon_until_it_starts_in_every_format() -> None:
    formats = {
        "sprint": {"P1": -50, "Q": -46, "P2": -26, "S": -22, "R": 0},
        "sprint_shootout": {"P1": -50, "Q": -46, "SS": -26, "S": -22, "R": 0},
        "sprint_qualifying": {"P1": -50, "SQ": -46, "S": -26, "Q": -22, "R": 0},
    }
    for kind, order in formats.items():
        starts = {name: RACE + timedelta(hours=hours) for name, hours in order.items()}
        gridding = {"sprint": "Q", "sprint_shootout": "SS", "sprint_qualifying": "SQ"}[kind]
        grid = {**session("S", "gold", start=starts["S"]), "session_name_abr": "STAGE#sprint_grid"}

        def rows(now: datetime, kind: str = kind, starts: dict[str, datetime] = starts) -> list[Any]:
            over = {name: start + timedelta(minutes=90) <= now for name, start in starts.items()}
            made = [
                session(n, "gold" if over[n] else "scheduled", start=t, event_format=kind) for n, t in starts.items()
            ]
            return [calendar_read(now), OLD, *made]

        cases = [
            ("pre_weekend", starts["P1"] - timedelta(days=1), []),
            ("post_practice", starts["P1"] + timedelta(hours=2), []),
            ("post_qualifying", starts[gridding] + timedelta(hours=2), []),
            ("pre_race", starts["S"] - timedelta(minutes=30), [grid]),
        ]
        for horizon, now, more in cases:
            steps = _sprint_steps([*rows(now), *more], now)
            assert [(s.parameters, s.suffix) for s in steps] == [
                ({"event": EVENT, "horizon": horizon, "session": "S"}, f"{horizon}_sprint")
            ], kind
        started = starts["S"] + timedelta(minutes=1)
        assert not _sprint_steps([*rows(started), grid], started)


def _sprint_steps(rows: list[Any], now: datetime) -> list[Any]:
    """The steps for the sprint, once a model is there and the race has been predicted."""
    rows = [*rows, stage("05_train", input_hash=due_steps(rows, now)[0].input_hash)]
    (race,) = due_steps(rows, now)
    assert "session" not in race.parameters, "the race comes first"
    rows.append(stage(f"06_predict#{race.suffix}", event=EVENT, input_hash=race.input_hash))
    return [step for step in due_steps(rows, now) if step.stage == "06_predict"]


def test_a_sprints_prediction_is_scored_when_its_result_is_in_and_before_the_race() -> None:
    now = RACE - timedelta(hours=20)
    sprint = session("S", "gold", start=RACE - timedelta(hours=26), event_format="sprint_qualifying")
    over = weekend(P1="gold", P2="gold", P3="gold", Q="gold")
    rows = [calendar_read(now), *over, sprint, stage("06_predict#pre_race_sprint", event=EVENT)]
    (step,) = [step for step in due_steps(rows, now) if step.stage == "07_score"]
    assert step.reason == f"{EVENT} can be scored"
    assert not [
        s for s in due_steps([*rows, stage("07_score", input_hash=step.input_hash)], now) if s.stage == "07_score"
    ]


def test_a_prediction_is_not_repeated_unless_its_inputs_changed() -> None:
    now = STARTS["Q"] + timedelta(hours=2)
    rows = [calendar_read(now), OLD, *weekend(P1="gold", P2="gold", P3="gold", Q="gold")]
    train = due_steps(rows, now)[0]
    rows.append(stage("05_train", input_hash=train.input_hash))
    predict = due_steps(rows, now)[0]
    rows.append(stage("06_predict#post_qualifying", event=EVENT, input_hash=predict.input_hash))
    assert stages_of(rows, now) == ["08_report"]
    changed = [{**row, "content_hash": "new"} if row["session_name_abr"] == "Q" else row for row in rows]
    assert stages_of(changed, now) == ["06_predict"]


def test_a_race_that_has_started_is_not_predicted_any_more() -> None:
    now = RACE + timedelta(minutes=1)
    rows = [calendar_read(now), OLD, *weekend(P1="gold", P2="gold", P3="gold", Q="gold")]
    train = due_steps(rows, now)[0]
    assert "06_predict" not in stages_of([*rows, stage("05_train", input_hash=train.input_hash)], now)
    assert next_race(rows, now) is None


NEXT = "2025_Next_Grand_Prix"


def _due(rows: list[Any], now: datetime, **more: Any) -> list[Any]:
    """What is due once the calendar has been read at ``now``."""
    return due_steps([*(row for row in rows if not _is(row, "STAGE#00_schedule")), calendar_read(now)], now, **more)


def _after_the_start(now: datetime, **more: Any) -> list[Any]:
    """The table of a lake whose gold and prediction are of `EVENT`, with a race a week later, as it is at ``now``."""
    rows = [OLD, *weekend(P1="gold", P2="gold", P3="gold", Q="gold")]
    rows += [session("R", "scheduled", NEXT, RACE + timedelta(days=7)), calendar_read(now)]
    rows.append(stage("04_gold", finished_utc=format_utc(RACE - timedelta(hours=2)), **more))
    rows.append(stage("05_train", input_hash=_due(rows, RACE - timedelta(hours=1))[0].input_hash))
    for _ in range(3):  # what is due before the start is done
        step = _due(rows, RACE - timedelta(minutes=30))
        if step:
            rows.append(stage(step[0].sort_key.removeprefix("STAGE#"), event=step[0].event_partition_key,
                              input_hash=step[0].input_hash))  # fmt: skip
    return rows


@pytest.mark.parametrize("more", [{"input_hash": EVENT}, {}])
def test_from_a_race_s_start_until_its_result_is_expected_nothing_is_due(more: dict[str, str]) -> None:
    for minutes in (1, 60, 149):
        now = RACE + timedelta(minutes=minutes)
        assert stages_of(_after_the_start(now, **more), now) == []


@pytest.mark.parametrize("more", [{"input_hash": EVENT}, {}])
def test_while_a_result_is_late_gold_turns_to_the_next_race_and_it_is_predicted_then(more: dict[str, str]) -> None:
    now = RACE + timedelta(hours=30)
    late = {"next_attempt_utc": format_utc(now + timedelta(hours=1)), "status": "due"}
    rows = [row | late if key_of(row) == (EVENT, "R") else row for row in _after_the_start(now, **more)]
    (step,) = due_steps(rows, now)
    assert (step.stage, step.input_hash) == ("04_gold", NEXT)
    rows = [row for row in rows if row["session_name_abr"] != "STAGE#04_gold"]
    rows.append(stage("04_gold", finished_utc=format_utc(now), input_hash=step.input_hash))
    (predicted,) = due_steps(rows, now)
    assert (predicted.stage, predicted.parameters) == ("06_predict", {"event": NEXT, "horizon": "pre_weekend"})


def test_a_race_is_predicted_only_once_gold_was_built_for_it() -> None:
    now = RACE - timedelta(hours=1)
    rows = [calendar_read(now), OLD, *weekend(P1="gold", P2="gold", P3="gold", Q="gold")]
    rows.append(stage("05_train", input_hash=due_steps(rows, now)[0].input_hash))
    built = [stage("04_gold", finished_utc=format_utc(now), input_hash=key) for key in ("2025_Another", EVENT)]
    assert stages_of([*rows, built[0]], now) == ["04_gold"]
    assert stages_of([*rows, built[1]], now) == ["06_predict"]


def test_a_cancelled_race_is_not_the_next_one() -> None:
    rows = [session("R", "scheduled", is_cancelled=True)]
    assert next_race(rows, RACE - timedelta(days=1)) is None


def test_predictions_are_scored_once_when_their_result_is_in() -> None:
    now = RACE + timedelta(hours=3)
    rows = [calendar_read(now), *weekend(P1="gold", P2="gold", P3="gold", Q="gold", R="gold")]
    rows.append(stage("06_predict#pre_race", event=EVENT))
    train = due_steps(rows, now)[0]
    rows.append(stage("05_train", input_hash=train.input_hash))
    score = due_steps(rows, now)[0]
    assert score.stage == "07_score"
    rows.append(stage("07_score", input_hash=score.input_hash))
    assert stages_of(rows, now) == ["08_report"]


def test_a_result_that_the_stewards_changed_is_scored_again() -> None:
    now = RACE + timedelta(days=1, hours=3)
    rows = [calendar_read(now), *weekend(P1="gold", P2="gold", P3="gold", Q="gold", R="gold")]
    rows.append(stage("06_predict#pre_race", event=EVENT))
    for name in ("05_train", "07_score"):
        step = due_steps(rows, now)[0]
        assert step.stage == name
        rows.append(stage(name, input_hash=step.input_hash))
    revised: list[Any] = [{**row, "content_hash": "disqualified"} if _is(row, "R") else row for row in rows]
    train = due_steps(revised, now)[0]
    assert train.stage == "05_train"
    assert stages_of([*revised, stage("05_train", input_hash=train.input_hash)], now) == ["07_score"]


def test_the_report_follows_every_change_and_then_nothing_is_due() -> None:
    now = STARTS["P1"] - timedelta(days=2)
    rows = [calendar_read(now), *weekend()]
    report = due_steps(rows, now)[0]
    assert report.stage == "08_report"
    rows.append(stage("08_report", input_hash=report.input_hash))
    assert due_steps(rows, now) == []
    rows[1] = {**rows[1], "last_error": "the source is down"}
    assert stages_of(rows, now) == ["08_report"]


def test_a_forecast_is_due_daily_and_every_tick_in_the_last_three_days() -> None:
    def due(now: datetime, fetched: datetime | None) -> bool:
        row = stage("02_weather", "gold", EVENT, finished_utc=format_utc(fetched)) if fetched else None
        rows = [calendar_read(now), *weekend(), *([row] if row else [])]
        return stages_of(rows, now, has_weather=True) == ["02_weather"]

    far, near = RACE - timedelta(days=10), RACE - timedelta(days=2, hours=13)
    assert due(far, None)
    assert not due(RACE - timedelta(days=17), None)
    assert not due(far, far - timedelta(hours=3))
    assert due(far, far - timedelta(hours=25))
    assert due(near, near - timedelta(hours=2))
    assert not due(near, near)


def test_without_a_weather_source_no_forecast_is_ever_due() -> None:
    now = RACE - timedelta(days=10)
    assert stages_of([calendar_read(now), *weekend()], now) == ["08_report"]


def test_a_step_that_this_tick_has_tried_makes_room_for_the_next_rule() -> None:
    now = STARTS["P1"] + timedelta(minutes=90)
    rows = [calendar_read(now), *weekend()]
    assert stages_of(rows, now, tried=frozenset({("PIPELINE", "STAGE#01_ingest")})) == ["08_report"]


def _predicted_at(rows: list[Any], now: datetime) -> tuple[list[Any], str]:
    """``rows`` with a model and the prediction that is due, and its horizon."""
    train = due_steps(rows, now)[0]
    assert train.stage == "05_train"
    rows = [*rows, stage("05_train", input_hash=train.input_hash)]
    step = due_steps(rows, now)[0]
    assert step.stage == "06_predict"
    return [*rows, stage(f"06_predict#{step.suffix}", event=EVENT, input_hash=step.input_hash)], step.suffix


def test_each_practice_renews_the_prediction_after_practice_and_none_the_one_before_the_weekend() -> None:
    eve = STARTS["P1"] - timedelta(hours=24)
    before, horizon = _predicted_at([calendar_read(eve), OLD, *weekend()], eve)
    assert horizon == "pre_weekend"
    ingested = [{**row, "status": "ingested", "content_hash": "x"} if _is(row, "P1") else row for row in before]
    assert stages_of(ingested, eve) == ["03_silver"], "the session is on its way, and nothing is predicted from it yet"
    rows: list[dict[str, Any]] = []
    statuses, horizons = {}, []
    for name in ("P1", "P2", "P3"):
        statuses[name], now = "gold", STARTS[name] + timedelta(hours=2)
        renewed = [{**row, "status": "gold", "content_hash": "new"} if _is(row, name) else row for row in rows]
        assert not rows or [step.stage for step in _due(renewed, now)] == ["06_predict"]
        rows, horizon = _predicted_at([calendar_read(now), OLD, *weekend(**statuses)], now)
        horizons.append(horizon)
    assert horizons == ["post_practice"] * 3


def test_before_the_weekend_only_forecast_and_model_make_a_prediction_anew() -> None:
    eve = STARTS["P1"] - timedelta(hours=24)
    rows, _ = _predicted_at([calendar_read(eve), OLD, *weekend()], eve)
    assert stages_of(rows, eve) == ["08_report"]
    with_sky = [*rows, stage("02_weather", "gold", EVENT, content_hash="storm", event_year=2025)]
    assert stages_of(with_sky, eve) == ["06_predict"]


def test_the_forecasts_of_past_races_are_no_tax_on_a_tick_unless_the_source_has_them_at_hand() -> None:
    now = STARTS["P1"]
    rows = [calendar_read(now), OLD, *weekend()]
    ahead = due_steps(rows, now, has_weather=True)[0]
    every = due_steps(rows, now, has_weather=True, has_past_weather=True)[0]
    assert ahead.parameters["events"] == [EVENT]
    assert every.parameters["events"] == ["2025_Qatar_Grand_Prix", EVENT]


def test_a_weather_source_that_failed_is_left_alone_for_as_long_as_its_row_says() -> None:
    now = STARTS["Q"]
    down = stage("02_weather", "gold", EVENT, next_attempt_utc=format_utc(now + timedelta(hours=1)))
    rows = [calendar_read(now), *weekend(), down]
    assert "02_weather" not in stages_of(rows, now, has_weather=True)
    later = _due(rows, now + timedelta(hours=1), has_weather=True)
    assert later[0].stage in ("01_ingest", "02_weather")


def test_results_to_be_read_again_are_ingested_and_said_to_be() -> None:
    now = RACE + timedelta(days=1, hours=3)
    rows = [calendar_read(now), session("R", "gold", reread_utc=format_utc(now))]
    step = due_steps(rows, now)[0]
    assert (step.stage, step.reason) == ("01_ingest", "1 are read again")
    assert step.events == {EVENT}


def _is(row: Any, name: str) -> bool:
    return (row["event_partition_key"], row["session_name_abr"]) == (EVENT, name)


def test_data_until_is_the_newest_result_and_a_source_that_is_behind_is_said_to_be() -> None:
    asked: dict[str, Any] = {"attempts": 3}
    rows = [OLD, *weekend(P1="gold", P2="gold", P3="gold", Q="gold")]
    rows = [row | asked if _is(row, "R") and row["event_partition_key"] == EVENT else row for row in rows]
    late, later = RACE + timedelta(days=2), RACE + timedelta(days=6)
    assert data_until(rows, later) == next(row["available_utc"] for row in rows if _is(row, "Q"))
    assert behind(rows, late) == ""
    assert behind(rows, later).startswith(f"THE SOURCE IS BEHIND: no result of {EVENT} yet; data until 2025-12-06T")
    assert notices([*rows, stage("00_schedule", notice="NO F1DB RELEASE")], later)[0] == "NO F1DB RELEASE"
    there = [row | {"status": "silver"} if _is(row, "R") else row for row in rows]
    assert behind(there, later) == ""
    assert behind(rows, RACE + timedelta(days=500)) == "", "what was never given is no news"
