"""Law 6: nothing that becomes visible after the cut-off can change a gold row."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from f1lib.domain.weekend import HORIZONS
from f1lib.gold import build
from f1lib.gold import targets as gold_targets
from f1lib.lake import parquet, tables
from tests.support import gold_world
from tests.support.examples import examples

# Table -> the session some rows of which are still missing: every so manieth of them.
_HOLES = {"results": ("Q", 7), "pit_stops": ("R", 7), "laps": ("R", 7), "weather_observed": ("R", 2)}


def _with_holes() -> tuple[dict[str, Any], dict[str, Any]]:
    """The world without some rows that nobody has published yet, and these rows."""
    full, lost = gold_world.world(), {}
    for name, (code, every) in _HOLES.items():
        fitting = full[name]["session"].eq(code)
        lost[name] = fitting & (fitting.cumsum() % every == 0)
    holed = {name: frame[~lost[name]] if name in lost else frame for name, frame in full.items()}
    return holed, {name: full[name][mask] for name, mask in lost.items()}


WORLD, UNPUBLISHED = _with_holes()
WORLD["entries"] = gold_world.entries(gold_world.DRIVERS, 2024)
EVENTS = WORLD["events"]["event_partition_key"].tolist()
_OBSERVED = ("entries", "results", "starting_grid", "pit_stops", "laps", "weather_observed", "weather_forecast")


TARGETS = gold_targets.horizon_cutoffs(WORLD["events"], WORLD["sessions"])
RACED = list(TARGETS[["event_partition_key", "session"]].drop_duplicates().itertuples(index=False, name=None))
SPRINTS = [raced for raced in RACED if raced[1] == "S"]
_RACED = st.sampled_from(RACED) | st.sampled_from(SPRINTS)  # the sprints are few


def _target(event: str, horizon: str, session: str = "R") -> pd.DataFrame:
    own = (TARGETS["event_partition_key"] == event) & (TARGETS["session"] == session)
    return TARGETS[own & (TARGETS["horizon"] == horizon)]


@cache
def _whole() -> pd.DataFrame:
    """Gold of every target. That each is the same alone is a test of its own, below."""
    return build.compute(WORLD, TARGETS)


def _unchanged(targets: pd.DataFrame) -> bytes:
    wanted = targets[["event_partition_key", "session", "horizon"]]
    return parquet.parquet_bytes(_whole().merge(wanted)[_whole().columns])


def _bytes(silver: dict[str, Any], targets: pd.DataFrame) -> bytes:
    return parquet.parquet_bytes(build.compute(silver, targets))


def _settled(cutoff: pd.Timestamp, event: str) -> pd.DataFrame:
    """The targets of ``event`` and of earlier ones that were cut off at ``cutoff`` or before."""
    start = dict(zip(WORLD["events"]["event_partition_key"], WORLD["events"]["race_start_utc"], strict=True))
    earlier = TARGETS["event_partition_key"].map(start) <= start[event]
    settled: pd.DataFrame = TARGETS[earlier & (TARGETS["cutoff_utc"] <= cutoff)]
    return settled


def _spoiled(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Every number, flag and text but keys, times and places changed; some rows given to others, some lost."""
    out = frame.copy()
    kept = {"event_partition_key", "event_year", "event_number", "event_name", "session", "available_utc", "issued_utc"}
    for column in out.columns.difference(list(kept)):
        if column == "driver_id":
            out[column] = [f"stranger-{i}" if rng.random() < 0.5 else d for i, d in enumerate(out[column])]
        elif column in ("stop", "lap_number", "provenance"):
            continue
        elif pd.api.types.is_bool_dtype(out[column]):
            out[column] = ~out[column]
        elif pd.api.types.is_numeric_dtype(out[column]):
            out[column] = (out[column] * 3 + int(rng.integers(1, 9))).astype(out[column].dtype)
        elif column in ("team_id", "team_lineage", "condition", "compound", "status"):
            out[column] = out[column].sample(frac=1, random_state=int(rng.integers(99))).array
    return out[rng.random(len(out)) > 0.2]


def _extra(frame: pd.DataFrame, cutoff: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of drivers nobody knows, in past sessions too, that become visible after the cut-off."""
    rows = frame.sample(min(len(frame), 30), random_state=int(rng.integers(99)))
    later = cutoff + pd.to_timedelta(rng.integers(1, 10**6, len(rows)), unit="s")
    rows = rows.assign(available_utc=pd.Series(later, index=rows.index).astype("datetime64[us, UTC]"))
    if "driver_id" in rows:
        return rows.assign(driver_id=[f"ghost-{i}" for i in range(len(rows))])
    return rows.assign(provenance=[f"ghost-{i}" for i in range(len(rows))])


def _with_another_future(cutoff: pd.Timestamp, event: str, seed: int) -> dict[str, Any]:
    """The world, the same up to ``cutoff`` and different in everything after it, later calendar included."""
    rng = np.random.default_rng(seed)
    changed = dict(WORLD)
    for name in _OBSERVED:
        frame = WORLD[name]
        seen = frame["available_utc"] <= cutoff
        parts = [frame[seen], _spoiled(frame[~seen], rng), _extra(frame, cutoff, rng)]
        if name in UNPUBLISHED:
            parts.append(UNPUBLISHED[name].assign(available_utc=cutoff + pd.Timedelta(hours=1)))
        mixed = pd.concat(parts).sample(frac=1, random_state=seed % 1000)
        changed[name] = tables.conform(mixed.drop_duplicates(tables.contract(name).grain), name)
    events = WORLD["events"]
    own_start = events.loc[events["event_partition_key"] == event, "race_start_utc"].iloc[0]
    later = events["race_start_utc"] > own_start
    moved = events[later].assign(circuit_id="monaco", event_format="conventional", circuit_type="STREET")
    moved = moved.assign(race_start_utc=moved["race_start_utc"] + pd.Timedelta(days=30), is_cancelled=True)
    kept = moved[rng.random(len(moved)) > 0.3]
    changed["events"] = pd.concat([part for part in (events[~later], kept) if len(part)], ignore_index=True)
    sessions = WORLD["sessions"]
    changed["sessions"] = sessions[sessions["event_partition_key"].isin(events.loc[~later, "event_partition_key"])]
    return changed


@given(raced=_RACED, horizon=st.sampled_from(HORIZONS), seed=st.integers(0, 2**31))
@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_another_future_leaves_gold_as_it_was_to_the_byte(raced: tuple[str, str], horizon: str, seed: int) -> None:
    """Gold of the target itself and of everything that was cut off before it."""
    event, session = raced
    target = _target(event, horizon, session)
    cutoff = target["cutoff_utc"].iloc[0]
    settled = _settled(cutoff, event)
    assert set(target.index) <= set(settled.index)
    assert _bytes(_with_another_future(cutoff, event, seed), settled) == _unchanged(settled)


@given(raced=st.sampled_from(RACED[1:]), horizon=st.sampled_from(HORIZONS))
@settings(max_examples=examples(6), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_gold_made_later_is_gold_made_at_the_time(raced: tuple[str, str], horizon: str) -> None:
    """With nothing after the cut-off there is nothing to look at: what training sees is what serving saw."""
    event, session = raced
    target = _target(event, horizon, session)
    cutoff = target["cutoff_utc"].iloc[0]
    at_the_time = {n: f[f["available_utc"] <= cutoff] if n in _OBSERVED else f for n, f in WORLD.items()}
    assert _bytes(at_the_time, target) == _unchanged(target)


@given(event=st.sampled_from(EVENTS[1:]), hours=st.integers(-200, 60), seed=st.integers(0, 2**31))
@settings(max_examples=examples(5), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_moment_can_be_a_cut_off(event: str, hours: int, seed: int) -> None:
    """Serving looks at any moment, before the weekend or between its sessions."""
    cutoff = _target(event, "pre_weekend")["cutoff_utc"].iloc[0] + pd.Timedelta(hours=hours)
    before = _settled(cutoff, event)
    target = pd.concat([before[before["event_partition_key"] != event], _target(event, "pre_race")])
    target = target.assign(cutoff_utc=target["cutoff_utc"].where(target["event_partition_key"] != event, cutoff))
    assert _bytes(_with_another_future(cutoff, event, seed), target) == _bytes(WORLD, target)


@pytest.mark.parametrize(
    ("table", "column", "where"),
    [
        ("results", "finishing_position", {"session": "R"}),
        ("results", "points", {"session": "R"}),
        ("results", "best_lap_seconds", {"session": "P3"}),
        ("results", "q1_seconds", {"session": "Q"}),
        ("starting_grid", "grid_position", {"session": "R"}),
        ("pit_stops", "duration_seconds", {"session": "R"}),
        ("laps", "lap_time_seconds", {"session": "R"}),
        ("laps", "lap_time_seconds", {"session": "P2"}),
        ("weather_observed", "condition", {"session": "R"}),
        ("weather_forecast", "air_temp_c", {"session": "R"}),
    ],
)
def test_a_row_from_before_the_cut_off_does_change_gold(table: str, column: str, where: dict[str, str]) -> None:
    """The control: the leak tests would pass for a gold that reads nothing."""
    target = _target("2023_Spa-Francorchamps_Grand_Prix", "pre_race")
    frame = WORLD[table].copy()
    hit = (frame["available_utc"] <= target["cutoff_utc"].iloc[0]) & (frame["session"] == where["session"])
    values = frame.loc[hit, column]
    frame.loc[hit, column] = values.map({"dry": "wet", "wet": "dry"}) if column == "condition" else values[::-1].array
    assert _bytes({**WORLD, table: frame}, target) != _unchanged(target)


def test_a_target_is_computed_alike_alone_and_among_all_others() -> None:
    together = _whole()
    for (event, session), horizon in ((RACED[4], "post_practice"), (SPRINTS[1], "pre_race"), (RACED[-2], "pre_race")):
        alone = build.compute(WORLD, _target(event, horizon, session))
        same = together[(together["event_partition_key"] == event) & (together["horizon"] == horizon)]
        same = same[same["session"] == session]
        pd.testing.assert_frame_equal(alone, same.reset_index(drop=True), check_exact=True)


def test_the_order_of_silver_rows_does_not_matter() -> None:
    shuffled = {name: frame.sample(frac=1, random_state=7) for name, frame in WORLD.items()}
    assert _bytes(shuffled, TARGETS) == _unchanged(TARGETS)


def test_computing_leaves_the_callers_frames_alone() -> None:
    before = {name: frame.copy() for name, frame in WORLD.items()}
    build.compute(WORLD, _target(EVENTS[5], "pre_race"))
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, WORLD[name])
