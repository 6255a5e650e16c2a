"""Simulated sessions hang together: laps, results, grids and stops tell one story; races behave as races do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from f1lib.sources.simulated.calendar import calendar
from f1lib.sources.simulated.frames import points
from f1lib.sources.simulated.race import HARD, INTERMEDIATE, WET, RaceSetup, run_race, wetness
from f1lib.sources.simulated.source import SimulatedSource
from f1lib.sources.simulated.timed_sessions import eliminated
from f1lib.sources.simulated.world import WorldOptions

LATER = datetime(2027, 1, 15, tzinfo=UTC)
SEASONS = (2021, 2024)


@pytest.fixture(scope="module")
def source() -> SimulatedSource:
    return SimulatedSource(seed=4, options=WorldOptions(missing=False))


@pytest.fixture(scope="module")
def races(source: SimulatedSource) -> list[dict[str, pd.DataFrame]]:
    """Frames of every race and sprint of two seasons, with the starting grid."""
    found = []
    for weekend in [w for season in SEASONS for w in calendar(season)]:
        for code in [c for c in ("S", "R") if c in weekend.starts]:
            grid = source.starting_grid(weekend.key, code, LATER).frames
            found.append({**source.session(weekend.key, code, LATER).frames, **grid})
    return found


@pytest.fixture(scope="module")
def qualifyings(source: SimulatedSource) -> list[dict[str, pd.DataFrame]]:
    weekends = [w for season in (2023, 2024, 2026) for w in calendar(season)]
    sessions = [(w, code) for w in weekends for code in ("Q", "SS", "SQ") if code in w.starts]
    return [source.session(w.key, code, LATER).frames for w, code in sessions]


def _setup(**changes: object) -> RaceSetup:
    n = 20
    plain = RaceSetup(
        lap_seconds=90.0,
        laps=50,
        pace=np.zeros(n),
        slots=np.arange(n),
        pit_lane=np.zeros(n, dtype=bool),
        wetness=np.zeros(50),
        failing=np.zeros(n),
        crashing=np.zeros(n),
        wear=np.ones(n),
        passing=0.8,
        pit_loss=21.0,
        must_stop=True,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_laps_add_up_to_the_result(races: list[dict[str, pd.DataFrame]]) -> None:
    for race in races:
        laps, results = race["laps"], race["results"].set_index("driver_id")
        driven = laps.groupby("driver_id")
        started = results[results["laps"] > 0]
        assert (driven.size().reindex(started.index) == started["laps"]).all()
        best = driven["lap_time_seconds"].min().reindex(started.index)
        assert np.allclose(best, started["best_lap_seconds"], atol=1e-3)
        timed = results["race_time_seconds"].dropna()
        extra = timed - driven["lap_time_seconds"].sum().reindex(timed.index)
        assert extra.map(lambda s: min(abs(s - penalty) for penalty in (0, 5, 10))).max() < 0.1
        stops = driven["is_pit_in"].sum().reindex(started.index)
        assert (stops == started["pit_stop_count"]).all()
        assert (race["pit_stops"].groupby("driver_id").size() == stops[stops > 0].sort_index()).all()


def test_the_official_order_is_by_laps_then_time_with_the_rest_behind(races: list[dict[str, pd.DataFrame]]) -> None:
    words = ["", "DNF", "NC", "DNS", "DNQ", "EX", "DSQ"]
    for race in races:
        results = race["results"]
        is_number = results["position_text"].str.isdigit()
        rank = results["position_text"].where(~is_number, "").map(words.index)
        assert rank.is_monotonic_increasing
        classified = results[is_number]
        assert classified["laps"].is_monotonic_decreasing
        on_lead_lap = classified["race_time_seconds"].dropna()
        assert on_lead_lap.is_monotonic_increasing
        assert (classified["laps"] >= 0.9 * classified["laps"].iloc[0]).all()
        assert classified["gap_seconds"].dropna().gt(0).all()
        lapped = classified["gap_laps"].dropna()
        assert (classified["laps"].iloc[0] - classified.loc[lapped.index, "laps"] == lapped).all()
        gone = results[results["position_text"].isin(["DNS", "DNQ", "EX"])]
        assert (gone["laps"] == 0).all()
        assert gone["pit_stop_count"].isna().all()


def test_results_name_the_slot_of_the_starting_grid(races: list[dict[str, pd.DataFrame]]) -> None:
    for race in races:
        grid = race["starting_grid"].set_index("driver_id")
        results = race["results"].set_index("driver_id")
        assert grid["position"].tolist() == list(range(1, len(grid) + 1))
        pit_lane = grid["position_text"] == "PL"
        assert pit_lane.is_monotonic_increasing  # at the back
        assert set(results.index[results["grid_text"] == "PL"]) == set(grid.index[pit_lane])
        slots = results["grid_position"].dropna()
        assert (grid.loc[slots.index, "position"] == slots).all()
        absent = results.index.difference(grid.index)
        assert results.loc[absent, "position_text"].isin(["DNS", "DNQ", "EX"]).all()


def test_a_penalty_costs_places_and_without_one_the_qualifying_order_stands(source: SimulatedSource) -> None:
    lost = []
    for weekend in calendar(2024):
        qualified = source.session(weekend.key, "Q", LATER).frames["results"].set_index("driver_id")["position"]
        grid = source.starting_grid(weekend.key, "R", LATER).frames["starting_grid"].set_index("driver_id")
        normal = grid[(grid["position_text"] != "PL") & grid["grid_penalty_positions"].isna()]
        places = qualified[normal.index]
        sent_back = (places.cummax() > places).astype(bool) | (places.diff() < 0)
        kept = places[~sent_back]
        assert kept.is_monotonic_increasing
        penalised = grid[grid["grid_penalty_positions"].notna()]
        lost += (penalised["position"] - qualified[penalised.index]).tolist()
    assert len(lost) > 5
    assert np.median(lost) >= 2


def test_the_sprint_of_2021_makes_the_grid_of_the_race(source: SimulatedSource) -> None:
    sprints = [w for w in calendar(2021) if w.event_format == "sprint"]
    assert len(sprints) == 3
    for weekend in sprints:
        sprint = source.session(weekend.key, "S", LATER).frames["results"].set_index("driver_id")["position"]
        qualified = source.session(weekend.key, "Q", LATER).frames["results"].set_index("driver_id")["position"]
        grid = source.starting_grid(weekend.key, "R", LATER).frames["starting_grid"].set_index("driver_id")["position"]
        from_sprint, from_qualifying = (grid.astype(float).corr(p.astype(float)) for p in (sprint, qualified))
        assert from_sprint > from_qualifying


def test_qualifying_knocks_out_after_each_segment(qualifyings: list[dict[str, pd.DataFrame]]) -> None:
    for frames in qualifyings:
        results = frames["results"]
        results = results[results["position_text"] != "DSQ"]
        cars, out = len(frames["results"]), eliminated(len(frames["results"]))
        assert results["q3_seconds"].notna().sum() <= 10
        assert results["q2_seconds"].notna().sum() <= cars - out
        last = results[["q1_seconds", "q2_seconds", "q3_seconds"]].notna().sum(axis=1)
        assert results.loc[results["position"] > cars - out, "q2_seconds"].isna().all()
        assert results.loc[results["position"] <= 10, "q3_seconds"].dropna().is_monotonic_increasing
        assert (results.loc[last == 0, "position_text"] == "NC").all()
        laps = frames["laps"]
        counted = laps[laps["is_accurate"] & ~laps["is_deleted"]].groupby("driver_id")["lap_time_seconds"].min()
        best = results.set_index("driver_id")["best_lap_seconds"].dropna()
        assert np.allclose(best, counted[best.index])


def test_five_of_twenty_and_six_of_twenty_two_go_out() -> None:
    assert (eliminated(20), eliminated(22)) == (5, 6)


def test_practice_ranks_by_the_best_lap_that_counts(source: SimulatedSource) -> None:
    deleted = 0
    for weekend in calendar(2024)[:8]:
        frames = source.session(weekend.key, "P1", LATER).frames
        laps, results = frames["laps"], frames["results"].set_index("driver_id")
        deleted += int(laps["is_deleted"].sum())
        best = laps[laps["is_accurate"] & ~laps["is_deleted"]].groupby("driver_id")["lap_time_seconds"].min()
        assert np.allclose(best.reindex(results.index), results["best_lap_seconds"], equal_nan=True)
        assert results["best_lap_seconds"].dropna().is_monotonic_increasing
        assert results[["q1_seconds", "points", "grid_position"]].isna().all(axis=None)
    assert deleted > 0


def test_tyres_age_by_a_lap_a_lap_and_begin_anew_with_a_stint(races: list[dict[str, pd.DataFrame]]) -> None:
    for race in races[:10]:
        laps = race["laps"].sort_values(["driver_id", "lap_number"])
        first = laps.groupby(["driver_id", "stint"]).cumcount()
        assert (laps["tyre_life"] == first + 1).all()
        assert (laps.groupby(["driver_id", "stint"])["compound"].nunique() == 1).all()
        came_in = laps.groupby("driver_id")["is_pit_in"].shift().fillna(False).astype(bool)
        later = laps["lap_number"] > 1
        assert (laps.loc[later, "is_pit_out"] == came_in[later]).all()


@pytest.mark.parametrize(
    ("season", "session", "total"),
    [(2018, "R", 101), (2021, "R", 102), (2025, "R", 101), (2021, "S", 6), (2024, "S", 36)],
)
def test_a_race_gives_the_points_of_its_year(season: int, session: str, total: int) -> None:
    order, best = list(range(20)), np.arange(90.0, 110.0)
    scored = points(season, session, order, [True] * 20, best)
    assert sum(scored) == total


def test_the_fastest_lap_gives_its_point_only_within_the_first_ten() -> None:
    order, best = list(range(20)), np.arange(110.0, 90.0, -1.0)
    assert sum(points(2023, "R", order, [True] * 20, best)) == 101


def test_equal_cars_finish_near_their_grid_and_a_quick_one_comes_through_from_the_back() -> None:
    quick = np.zeros(20)
    quick[19] = -1.5
    runs = [run_race(_setup(pace=quick), np.random.default_rng(seed)) for seed in range(8)]
    places = [np.argsort(np.argsort(run.ends[:, -1])) for run in runs]
    assert np.mean([np.corrcoef(np.arange(19), p[:19])[0, 1] for p in places]) > 0.4
    assert np.mean([p[19] for p in places]) < 5


def test_passing_is_harder_where_it_takes_more_pace() -> None:
    pace = np.linspace(0.6, -0.6, 20)  # the quickest start last
    moved = [
        np.mean(
            [
                np.abs(np.argsort(np.argsort(run_race(_setup(pace=pace, passing=p), rng).ends[:, -1])) - np.arange(20))
                for rng in map(np.random.default_rng, range(4))
            ]
        )
        for p in (0.3, 2.5)
    ]
    assert moved[0] > moved[1] + 1


def test_rain_brings_rain_tyres_and_slower_laps() -> None:
    water = np.concatenate([np.zeros(15), np.full(20, 0.5), np.full(15, 1.3)])
    run = run_race(_setup(wetness=water), np.random.default_rng(3))
    assert (run.compound[:, 14] <= HARD).all()
    assert (run.compound[:, 25] == INTERMEDIATE).all()
    assert (run.compound[:, 45] == WET).all()
    laps = np.diff(run.ends, axis=1)
    assert np.median(laps[:, 25]) > np.median(laps[:, 10]) + 3


def test_water_gathers_in_rain_and_dries_afterwards() -> None:
    track = wetness(np.array([0.0] * 5 + [3.0] * 15 + [0.0] * 40))
    assert track[:5].max() == 0
    assert track[19] > 1
    assert np.all(np.diff(track[20:]) < 0)
    assert track[-1] < 0.05


def test_a_safety_car_closes_the_field_up() -> None:
    crashing = np.zeros(20)
    crashing[5:] = 0.5
    for seed in range(40):
        run = run_race(_setup(pace=np.linspace(0, 2, 20), crashing=crashing), np.random.default_rng(seed))
        behind = [lap for lap in range(12, 48) if run.status[lap - 3 : lap + 1] == ["4"] * 4]
        if not behind:
            continue
        before = next(lap for lap in range(behind[0], 0, -1) if run.status[lap] != "4")
        spread = [np.nanmax(run.ends[:5, lap]) - np.nanmin(run.ends[:5, lap]) for lap in (before, behind[-1])]
        if spread[0] > 15:
            assert spread[1] < spread[0]
            return
    pytest.fail("no race of forty had a long safety car")


def test_a_car_that_does_not_start_drives_no_lap() -> None:
    slots = np.arange(20)
    slots[7] = -1
    run = run_race(_setup(slots=slots), np.random.default_rng(0))
    assert np.isnan(run.ends[7]).all()
    assert not np.isnan(run.ends[8]).any()
