"""The truth of the simulated world: known, reachable, and as unruly as the real one."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.domain.circuits import circuits
from f1lib.errors import SourceError
from f1lib.sources.simulated.calendar import calendar
from f1lib.sources.simulated.source import SimulatedSource
from f1lib.sources.simulated.world import GENESIS, World, WorldOptions
from tests.support.simulated_truth import true_order_spearman

LATER = datetime(2028, 1, 15, tzinfo=UTC)
SEASONS = range(2018, 2028)


def _results(source: SimulatedSource, seasons: range, session: str = "R") -> pd.DataFrame:
    frames = [
        source.session(w.key, session, LATER).frames["results"].assign(event=w.key.partition_key, season=season)
        for season in seasons
        for w in calendar(season)
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def source() -> SimulatedSource:
    return SimulatedSource(seed=3, options=WorldOptions(laps=False, missing=False))


@pytest.fixture(scope="module")
def results(source: SimulatedSource) -> pd.DataFrame:
    return _results(source, SEASONS)


@pytest.fixture(scope="module")
def shuffled() -> SimulatedSource:
    return SimulatedSource(seed=3, options=WorldOptions(laps=False, missing=False, shuffled_results=True))


def _by_race(results: pd.DataFrame, first: str, second: str) -> pd.Series[float]:
    entrants = results[~results["position_text"].isin(["DNS", "DNQ", "EX"])]
    entrants = entrants.assign(grid_position=entrants["grid_position"].fillna(99))  # the pit lane
    pairs = {e: d[[first, second]].astype(float).corr("spearman").iloc[0, 1] for e, d in entrants.groupby("event")}
    return pd.Series(pairs)


def _standard_error(values: pd.Series[float]) -> float:
    return float(values.std() / np.sqrt(len(values)))


def test_races_are_as_predictable_as_real_ones(results: pd.DataFrame) -> None:
    """F1DB 2018-2025: Spearman of grid and finish .62, 12.5 % out, 53 % of wins from pole, 1.8 stops."""
    assert 0.54 < _by_race(results, "grid_position", "position").mean() < 0.70
    entrants = results[~results["position_text"].isin(["DNS", "DNQ", "EX"])]
    assert 0.10 < (~entrants["position_text"].str.isdigit()).mean() < 0.15
    won = entrants[entrants["position"] == 1]
    assert 0.35 < (won["grid_position"] == 1).mean() < 0.65
    finished = entrants[entrants["position_text"].str.isdigit()]
    assert 1.5 < finished["pit_stop_count"].mean() < 2.1


def test_between_one_race_in_twenty_and_one_in_four_is_wet(source: SimulatedSource) -> None:
    wet = [source.truth(season).groupby("event_partition_key")["is_wet"].first() for season in (2019, 2022, 2025)]
    assert 0.05 <= pd.concat(wet).mean() <= 0.25


def test_the_truth_has_a_row_for_each_driver_of_each_race(source: SimulatedSource, results: pd.DataFrame) -> None:
    truth = source.truth(2024)
    assert not truth.duplicated(["event_partition_key", "driver_id"]).any()
    raced = results.loc[results["season"] == 2024, ["event", "driver_id", "team_id"]]
    both = raced.merge(truth, left_on=["event", "driver_id"], right_on=["event_partition_key", "driver_id"])
    assert len(both) == len(raced) == len(truth)
    assert (both["team_id_x"] == both["team_id_y"]).all()


@pytest.mark.campaign  # half a minute
def test_the_truth_ranks_better_than_the_grid_and_far_from_perfectly(
    source: SimulatedSource, results: pd.DataFrame
) -> None:
    seasons = [2019, 2022, 2024]
    grid = _by_race(results[results["season"].isin(seasons)], "grid_position", "position").mean()
    reachable = np.mean([true_order_spearman(source, season, draws=20) for season in seasons])
    assert grid + 0.02 < reachable < 0.85
    before = np.mean([true_order_spearman(source, season, draws=0) for season in seasons])
    assert 0.4 < before < reachable


def test_strength_shows_in_the_points_of_a_season(source: SimulatedSource, results: pd.DataFrame) -> None:
    strength = source.truth(2023).groupby("driver_id")["expected_strength"].mean()
    scored = results[results["season"] == 2023].groupby("driver_id")["points"].sum()
    assert strength.corr(scored.reindex(strength.index), method="spearman") > 0.7


def test_in_a_shuffled_world_nothing_tells_of_the_result(shuffled: SimulatedSource) -> None:
    results = _results(shuffled, range(2018, 2024))
    by_grid = _by_race(results, "grid_position", "position")
    assert abs(by_grid.mean()) < 3.5 * _standard_error(by_grid)
    truth = pd.concat([shuffled.truth(season) for season in range(2018, 2024)])
    known = results.merge(truth, left_on=["event", "driver_id"], right_on=["event_partition_key", "driver_id"])
    by_strength = _by_race(known, "expected_strength", "position")
    assert abs(by_strength.mean()) < 3.5 * _standard_error(by_strength)
    qualified = _results(shuffled, range(2018, 2024), "Q")[["event", "driver_id", "position"]]
    both = results.merge(qualified.rename(columns={"position": "qualified"}), on=["event", "driver_id"])
    by_qualifying = _by_race(both, "qualified", "position")
    assert abs(by_qualifying.mean()) < 3.5 * _standard_error(by_qualifying)
    retired = results.assign(out=results["position_text"].eq("DNF")).groupby("team_id")["out"].agg(["mean", "size"])
    spread = (retired["mean"] - retired["mean"].mean()) / np.sqrt(0.11 * 0.89 / retired["size"])
    assert spread.abs().max() < 4
    assert abs(true_order_spearman(shuffled, 2022, draws=0)) < 0.2


def test_the_same_measures_find_the_order_of_an_ordinary_world(source: SimulatedSource, results: pd.DataFrame) -> None:
    """What the shuffled world hides is there to be found: the test above can fail."""
    known = results.merge(
        source.truth(2022), left_on=["event", "driver_id"], right_on=["event_partition_key", "driver_id"]
    )
    by_strength = _by_race(known, "expected_strength", "position")
    assert by_strength.mean() < -8 * _standard_error(by_strength)


def test_a_regulation_reset_reshuffles_the_teams_more_than_a_normal_winter() -> None:
    def order_kept(world: World, year: int) -> float:
        before, after = world.season(year - 1), world.season(year)
        n = len(before.base)
        rounds = len(calendar(before.year))
        return float(np.corrcoef(before.base + before.drift[:, rounds], after.base[:n])[0, 1])

    worlds = [World(seed, WorldOptions()) for seed in range(12)]
    resets = [order_kept(w, year) for w in worlds for year in (2014, 2022, 2026)]
    winters = [order_kept(w, year) for w in worlds for year in (2013, 2016, 2019, 2024)]
    assert np.mean(resets) < np.mean(winters) - 0.15
    without = [order_kept(World(seed, WorldOptions(resets=())), 2022) for seed in range(12)]
    assert np.mean(without) > np.mean(resets)


def test_teams_drift_within_a_season_and_faster_in_the_first_of_new_rules() -> None:
    worlds = [World(seed, WorldOptions()) for seed in range(12)]
    moved = {y: np.mean([np.abs(np.diff(w.season(y).drift, axis=1)).mean() for w in worlds]) for y in (2019, 2022)}
    assert moved[2019] > 0
    assert moved[2022] > 1.3 * moved[2019]


def test_twenty_cars_until_2025_and_twenty_two_from_2026(results: pd.DataFrame) -> None:
    cars = results.groupby(["season", "event"]).size()
    assert (cars.loc[:2025] == 20).all()
    assert (cars.loc[2026:] == 22).all()
    pairs = results.groupby(["event", "team_id"]).size()
    assert (pairs == 2).all()


def test_drivers_change_teams_come_and_go(results: pd.DataFrame) -> None:
    last_team = results.groupby(["driver_id", "season"])["team_id"].last()
    assert (last_team.groupby("driver_id").nunique() > 1).sum() >= 3
    drivers = {season: set(d["driver_id"]) for season, d in results.groupby("season")}
    came = [len(drivers[s] - drivers[s - 1]) for s in list(SEASONS)[1:]]
    went = [len(drivers[s - 1] - drivers[s]) for s in list(SEASONS)[1:]]
    assert min(sum(came), sum(went)) >= 5
    assert max(came) <= 12


def test_numbers_change_hands_and_drivers_change_numbers(results: pd.DataFrame) -> None:
    assert (results.groupby("driver_number")["driver_id"].nunique() > 1).sum() >= 3
    assert (results.groupby("driver_id")["driver_number"].nunique() > 1).sum() >= 3
    assert (results.groupby("driver_id")["abbreviation"].nunique() == 1).all()
    assert not results.duplicated(["event", "driver_number"]).any()


def test_number_one_is_worn_by_the_champion_of_the_year_before_only(
    source: SimulatedSource, results: pd.DataFrame
) -> None:
    wearers = results[results["driver_number"] == "1"].groupby("season")["driver_id"].unique()
    assert len(wearers) >= 2
    for season, drivers in wearers.items():
        year = int(season) - 1  # type: ignore[call-overload]
        if year not in SEASONS:
            continue
        scored = results[results["season"] == year].groupby("driver_id")["points"].sum()
        for weekend in [w for w in calendar(year) if "S" in w.starts]:
            sprint = source.session(weekend.key, "S", LATER).frames["results"].set_index("driver_id")["points"]
            scored = scored.add(sprint, fill_value=0)
        assert drivers.tolist() == [scored.idxmax()]


def test_a_substitute_drives_for_a_weekend_and_a_rookie_in_one_practice_only() -> None:
    source = SimulatedSource(seed=3, options=WorldOptions(laps=False, missing=False))
    seen: dict[str, set[Any]] = {"whole weekend": set(), "from the third session": set(), "first practice": set()}
    for weekend in [w for season in range(2018, 2024) for w in calendar(season) if w.event_format == "conventional"]:
        who = {code: {e.driver.driver_id for e in source.world.entries(weekend, code)} for code in weekend.starts}
        reserves = {
            code: {e.driver.driver_id for e in source.world.entries(weekend, code) if e.is_reserve} for code in who
        }
        assert who["Q"] == who["R"]
        if reserves["R"]:
            name = "whole weekend" if reserves["P1"] == reserves["R"] else "from the third session"
            seen[name] |= reserves["R"]
        elif reserves["P1"]:
            assert not reserves["P2"]
            seen["first practice"] |= reserves["P1"]
    assert all(seen.values())


def test_a_seat_can_change_hands_within_a_season() -> None:
    world = World(3, WorldOptions())
    changed = [world.season(year) for year in range(2010, 2030) if world.season(year).change]
    assert 3 <= len(changed) <= 15
    season = changed[0]
    assert season.change
    at, out, stepping_in = season.change
    assert out in season.paddock(at - 1).seats
    assert out not in season.paddock(at).seats
    assert season.paddock(at).seats[stepping_in] == season.paddock(at - 1).seats[out]


def test_everybody_has_one_seat_and_every_team_two_drivers_for_thirty_years() -> None:
    for seed in range(3):
        world = World(seed, WorldOptions())
        for year in range(GENESIS, 2040):
            season = world.season(year)
            for paddock in (season.start, season.end):
                teams = list(paddock.seats.values())
                assert sorted(set(teams)) == sorted(season.teams)
                assert len(teams) == 2 * len(season.teams)
                assert not set(paddock.seats) & set(paddock.reserves)
                active = [*paddock.seats, *paddock.reserves]
                assert len({paddock.drivers[d].abbreviation for d in active}) == len(active)
                ages = [year - paddock.drivers[d].born for d in paddock.seats]
                assert min(ages) >= 17
                assert max(ages) <= 45


def test_there_is_no_season_before_the_world_began() -> None:
    with pytest.raises(SourceError, match="begins in 2000"):
        World(1, WorldOptions()).season(GENESIS - 1)


def test_nobody_bears_the_name_of_a_real_driver_or_team(f1db_zip: Path, results: pd.DataFrame) -> None:
    def column(file: str, name: str) -> set[str]:
        with zipfile.ZipFile(f1db_zip) as release:
            return {row[name].lower() for row in csv.DictReader(io.StringIO(release.read(file).decode("utf-8")))}

    surnames = column("f1db-drivers.csv", "lastName")
    mine = set(results["full_name"].str.removesuffix(" (sim)").str.split(" ").str[1].str.lower())
    assert not surnames & mine
    teams = column("f1db-constructors.csv", "name") | column("f1db-constructors.csv", "id")
    assert not teams & set(results["team_name"].str.split(" ").str[0].str.lower())


def test_events_are_held_where_the_real_ones_are() -> None:
    for season in (2010, 2016, 2021, 2024, 2026, 2030):
        weekends = calendar(season)
        assert 16 <= len(weekends) <= 24
        assert len({w.key for w in weekends}) == len(weekends)
        assert all(w.circuit == circuits()[w.circuit.circuit_id] for w in weekends)
    places = {w.key.event_name: w.circuit.circuit_id for w in calendar(2026)}
    assert places["Spanish Grand Prix"] == "madring"
    assert places["Barcelona Grand Prix"] == "catalunya"
    assert {w.key.event_name for w in calendar(2020)} >= {"Mexican Grand Prix", "Brazilian Grand Prix"}
    assert {w.key.event_name for w in calendar(2021)} >= {"Mexico City Grand Prix", "São Paulo Grand Prix"}


def test_a_good_driver_in_the_rain_gains_in_the_rain_only(source: SimulatedSource, results: pd.DataFrame) -> None:
    truth = pd.concat([source.truth(season) for season in SEASONS])
    known = results.merge(truth, left_on=["event", "driver_id"], right_on=["event_partition_key", "driver_id"])
    known = known[known["position_text"].str.isdigit()].assign(position=lambda d: d["position"].astype(float))
    expected = known.groupby("event")["expected_strength"].rank(ascending=False)
    gained = known.assign(gained=expected - known.groupby("event")["position"].rank())
    slope = {wet: np.polyfit(d["wet_skill_pct"], d["gained"], 1)[0] for wet, d in gained.groupby("is_wet")}
    assert slope[True] < slope[False] - 1.0
