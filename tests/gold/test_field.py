"""Who is predicted: the field at each cut-off, from the newest evidence there is by then."""

from __future__ import annotations

from typing import Any

import pandas as pd

from f1lib.domain.weekend import HORIZONS
from f1lib.gold import build
from f1lib.gold import targets as gold_targets
from f1lib.lake import gold_tables, tables
from tests.support import gold_world

EVENT = "2023_Monaco_Grand_Prix"
OPENER = "2024_Bahrain_Grand_Prix"
EVERYBODY = set(gold_world.DRIVERS)


def _field(world: dict[str, Any], event: str, horizon: str) -> dict[str, str]:
    """Driver -> team of the rows of gold."""
    targets = gold_targets.horizon_cutoffs(world["events"], world["sessions"])
    wanted = (targets["event_partition_key"] == event) & (targets["horizon"] == horizon)
    rows = build.compute(world, targets[wanted & (targets["session"] == "R")])
    assert rows["driver_id"].is_unique
    return dict(zip(rows["driver_id"], rows["team_id"], strict=True))


def _rows(world: dict[str, Any], table: str, event: str, sessions: str, driver: str) -> pd.Series:
    frame: pd.DataFrame = world[table]
    return (
        frame["event_partition_key"].eq(event) & frame["session"].isin(sessions.split()) & frame["driver_id"].eq(driver)
    )


def _replaced(world: dict[str, Any], event: str, sessions: str, driver: str, by: str) -> dict[str, Any]:
    """The world in which ``by`` drove instead of ``driver`` in some sessions of an event."""
    changed = dict(world)
    for table in ("results", "starting_grid", "laps", "pit_stops"):
        frame = world[table].copy()
        hit = _rows(world, table, event, sessions, driver)
        frame.loc[hit, "driver_id"] = by
        if "full_name" in frame:
            frame.loc[hit, "full_name"] = by.title()
        changed[table] = frame
    return changed


def _without(world: dict[str, Any], event: str, sessions: str, driver: str) -> dict[str, Any]:
    """The world in which ``driver`` sat out some sessions of an event."""
    tables_ = ("results", "starting_grid", "laps", "pit_stops")
    return {**world, **{t: world[t][~_rows(world, t, event, sessions, driver)] for t in tables_}}


def test_before_a_weekend_the_drivers_of_the_last_race_are_predicted() -> None:
    world = _replaced(gold_world.world(), "2023_Bahrain_Grand_Prix", "P1 P2 P3 Q R", "driver-5", "reserve")
    assert set(_field(world, EVENT, "pre_weekend")) == EVERYBODY - {"driver-5"} | {"reserve"}


def test_whoever_is_on_the_grid_is_predicted_before_the_race_and_nobody_else() -> None:
    world = _without(gold_world.world(), EVENT, "R", "driver-2")
    assert "driver-2" in _field(world, EVENT, "post_qualifying")
    assert set(_field(world, EVENT, "pre_race")) == EVERYBODY - {"driver-2"}


def test_a_rookie_of_the_first_practice_is_never_predicted() -> None:
    world = _replaced(gold_world.world(), EVENT, "P1", "driver-6", "rookie")
    for horizon in HORIZONS:
        assert set(_field(world, EVENT, horizon)) == EVERYBODY


def test_a_substitute_of_the_last_practice_takes_the_seat_from_then_on() -> None:
    world = _replaced(gold_world.world(), EVENT, "P3 Q R", "driver-1", "substitute")
    assert set(_field(world, EVENT, "pre_weekend")) == EVERYBODY
    for horizon in HORIZONS[1:]:
        assert set(_field(world, EVENT, horizon)) == EVERYBODY - {"driver-1"} | {"substitute"}


def test_a_driver_who_missed_qualifying_but_was_seen_this_weekend_is_still_predicted() -> None:
    world = _without(gold_world.world(), EVENT, "P3 Q", "driver-4")
    assert set(_field(world, EVENT, "post_qualifying")) == EVERYBODY
    assert set(_field(world, EVENT, "pre_race")) == EVERYBODY


def test_a_driver_not_seen_all_weekend_is_dropped_once_qualifying_is_over() -> None:
    world = _without(gold_world.world(), EVENT, "P1 P2 P3 Q R", "driver-4")
    assert "driver-4" in _field(world, EVENT, "post_practice")
    assert set(_field(world, EVENT, "post_qualifying")) == EVERYBODY - {"driver-4"}


def test_two_drivers_who_swap_teams_are_predicted_in_their_new_ones() -> None:
    world = gold_world.world()
    frame = world["results"].copy()
    swap = {"driver-1": ("alphatauri", "racing-bulls"), "driver-4": ("red-bull", "red-bull")}
    for driver, (team, lineage) in swap.items():
        hit = _rows(world, "results", EVENT, "P1 P2 P3 Q R", driver)
        frame.loc[hit, ["team_id", "team_name", "team_lineage"]] = [team, team.title(), lineage]
    world["results"] = frame
    assert _field(world, EVENT, "pre_weekend")["driver-1"] == "red-bull"
    after = _field(world, EVENT, "post_practice")
    assert set(after) == EVERYBODY
    assert (after["driver-1"], after["driver-4"]) == ("alphatauri", "red-bull")


def test_a_season_opens_with_the_drivers_seen_in_practice_not_with_last_years() -> None:
    world = _replaced(gold_world.world(), OPENER, "P1 P2 P3 Q R", "driver-0", "newcomer")
    world = _without(world, OPENER, "P1 P2 P3 Q R", "driver-7")
    assert set(_field(world, OPENER, "pre_weekend")) == EVERYBODY
    assert set(_field(world, OPENER, "post_practice")) == EVERYBODY - {"driver-0", "driver-7"} | {"newcomer"}


def test_a_field_of_twenty_two_cars_has_twenty_two_rows_at_every_horizon() -> None:
    drivers = {f"driver-{i:02}": f"team-{i // 2:02}" for i in range(22)}
    world = gold_world.world(seasons=(2023, 2024), drivers=drivers)
    targets = gold_targets.horizon_cutoffs(world["events"], world["sessions"])
    rows = build.compute(world, targets.iloc[4:])
    sizes = rows.groupby(["event_partition_key", "session", "horizon"])["driver_id"].agg(["size", "nunique"])
    assert (sizes == 22).all().all()
    assert rows["field_size"].eq(22).all()
    tables.check_grain(rows, gold_tables.KEYS, "gold")


def test_a_new_eleventh_team_joins_with_both_cars_after_its_first_practice() -> None:
    twenty = {f"driver-{i:02}": f"team-{i // 2:02}" for i in range(20)}
    both = twenty | {"driver-20": "cadillac", "driver-21": "cadillac"}
    past, now = gold_world.world(seasons=(2023,), drivers=twenty), gold_world.world(seasons=(2024,), drivers=both)
    world = {name: pd.concat([past[name], now[name]], ignore_index=True) for name in past}
    assert len(_field(world, OPENER, "pre_weekend")) == 20
    assert set(_field(world, OPENER, "post_practice")) == set(both)


def _winter() -> tuple[dict[str, Any], dict[str, str]]:
    """2023 raced, 2024 about to begin: a driver has left, another has moved, a new team enters with two newcomers."""
    lineup = {driver: team for driver, team in gold_world.DRIVERS.items() if driver != "driver-0"}
    lineup |= {"driver-6": "red-bull", "rookie": "haas", "newcomer-1": "cadillac", "newcomer-2": "cadillac"}
    past, now = gold_world.world(seasons=(2023,)), gold_world.world(seasons=(2024,))
    later = [now[n][now[n]["event_number"] > 0] for n in ("events", "sessions")]
    calendar = {
        n: pd.concat([past[n], f], ignore_index=True) for n, f in zip(("events", "sessions"), later, strict=True)
    }
    return {**past, **calendar, "entries": gold_world.entries(lineup, 2024)}, lineup


def test_a_season_opens_with_the_drivers_on_its_entry_list_and_they_have_no_past_they_did_not_race() -> None:
    world, lineup = _winter()
    assert _field(world, OPENER, "pre_weekend") == lineup
    targets = gold_targets.horizon_cutoffs(world["events"], world["sessions"])
    own = (targets["event_partition_key"] == OPENER) & (targets["horizon"] == "pre_weekend")
    rows = build.compute(world, targets[own]).set_index("driver_id")
    assert set(rows["field_size"]) == {10.0}
    past = [f for f in rows.columns if f.startswith(("form_", "circuit_p", "teammate_", "career_"))]
    assert rows.loc[["rookie", "newcomer-1", "newcomer-2"], past].isna().all().all()
    assert rows.loc["newcomer-1", [f for f in rows.columns if f.startswith("team_form_")]].isna().all()
    assert rows.loc[["rookie", "newcomer-1"], "races_started"].tolist() == [0.0, 0.0]
    assert rows["team_form_position_10"]["rookie"] > 0
    assert rows["form_position_10"]["driver-6"] > 0


def test_before_the_entry_list_is_known_the_field_is_last_seasons() -> None:
    world, _ = _winter()
    listed = world["entries"]["available_utc"].iloc[0]
    targets = gold_targets.horizon_cutoffs(world["events"], world["sessions"])
    target = targets[(targets["event_partition_key"] == OPENER) & (targets["horizon"] == "pre_weekend")]
    just_before = build.compute(world, target.assign(cutoff_utc=listed - pd.Timedelta(seconds=1)))
    assert set(just_before["driver_id"]) == EVERYBODY


def test_an_entry_list_says_nothing_once_the_season_has_begun() -> None:
    full = gold_world.world()
    with_list = {**full, "entries": gold_world.entries({f"stranger-{i}": "red-bull" for i in range(8)}, 2024)}
    for event in ("2024_Monaco_Grand_Prix", "2024_Interlagos_Grand_Prix"):
        assert set(_field(with_list, event, "pre_weekend")) == EVERYBODY
    assert set(_field(with_list, OPENER, "pre_race")) == EVERYBODY, "the weekend's own sessions decide"
