"""Gold on real data: features worked out a second time in pandas, and the fields of real weekends.

Silver and gold are made from the F1DB release by the production path; the oracle reads that silver and shares no
code with gold.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from f1lib.lake import gold_tables, silver_tables
from f1lib.workspace.workspace import Workspace, open_workspace
from tests.support.lakes import SATURDAY

FIRST = 2021  # the rows looked at are of later seasons: every window but the career's is full


@pytest.fixture(scope="module")
def ws(f1db_zip: Path, saturday_lake: Path) -> Workspace:
    return open_workspace(lake=str(saturday_lake), source="f1db", f1db=str(f1db_zip), as_of=SATURDAY)


@pytest.fixture(scope="module")
def training(ws: Workspace) -> pd.DataFrame:
    return gold_tables.read_training_dataset(ws.store)


@pytest.fixture(scope="module")
def results(ws: Workspace) -> pd.DataFrame:
    return silver_tables.read_table(ws.store, "results")


@pytest.fixture(scope="module")
def races(ws: Workspace, results: pd.DataFrame) -> pd.DataFrame:
    """Entrants of every race in the order of time, with the circuit and their qualifying."""
    keys = ["event_partition_key", "driver_id"]
    raced = results[(results["session"] == "R") & results["is_entrant"]]
    circuit = silver_tables.read_table(ws.store, "events")[["event_partition_key", "circuit_id"]]
    quali = results.loc[results["session"] == "Q", [*keys, "finishing_position", "best_lap_seconds"]]
    quali = quali.rename(columns={"finishing_position": "quali", "best_lap_seconds": "quali_lap"})
    grid = silver_tables.read_table(ws.store, "starting_grid")
    slots = grid.loc[grid["session"] == "R", [*keys, "grid_position"]]
    out = raced.drop(columns="grid_position").merge(slots, how="left", on=keys)
    out = out.merge(circuit, on="event_partition_key").merge(quali, how="left", on=keys)
    numbers = ["finishing_position", "points", "grid_position", "quali", "quali_lap"]
    out = out.astype(dict.fromkeys(numbers, "float64"))
    return out.sort_values(["event_year", "event_number", "finishing_position"], ignore_index=True)


def _sample(training: pd.DataFrame, horizon: str, n: int = 250) -> pd.DataFrame:
    is_race = (training["horizon"] == horizon) & (training["session"] == "R")
    rows = training[is_race & (training["event_year"] >= FIRST + 1)]
    return rows.sample(n, random_state=11)


def _before(frame: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    """Rows of earlier weekends than that of ``row``."""
    earlier = frame["event_year"] * 100 + frame["event_number"] < int(row["event_year"] * 100 + row["event_number"])
    return frame[earlier]


def _own(races: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    """The driver's earlier races, newest first."""
    return _before(races[races["driver_id"] == row["driver_id"]], row).iloc[::-1]


def _decayed(values: pd.Series, own: pd.DataFrame, season: int) -> float:
    weights = 0.9 ** np.arange(len(own)) * 0.75 ** (season - own["event_year"].to_numpy(dtype="float64"))
    known = values.notna().to_numpy()
    if not known.any():
        return float("nan")
    return float(np.average(values.to_numpy(dtype="float64")[known], weights=weights[known]))


def _same(found: float, expected: float) -> bool:
    return bool((np.isnan(found) and np.isnan(expected)) or abs(found - expected) < 2e-6)


def test_form_is_what_pandas_makes_of_the_last_races(training: pd.DataFrame, races: pd.DataFrame) -> None:
    for _, row in _sample(training, "pre_weekend").iterrows():
        own = _own(races, row)
        last3, last10 = own.head(3), own.head(10)
        expected = {
            "form_position_3": _decayed(last3["finishing_position"], last3, row["event_year"]),
            "form_points_10": _decayed(last10["points"], last10, row["event_year"]),
            "form_dnf_rate_10": _decayed(1.0 - last10["is_classified"].astype(float), last10, row["event_year"]),
            "form_grid_10": _decayed(last10["grid_position"], last10, row["event_year"]),
            "form_qualifying_position_3": _decayed(last3["quali"], last3, row["event_year"]),
            "races_started": float(len(own)),
        }
        wrong = {name: (row[name], value) for name, value in expected.items() if not _same(row[name], value)}
        assert not wrong, (row["event_partition_key"], row["driver_id"], wrong)


def test_season_points_and_standing_are_those_of_the_championship(
    training: pd.DataFrame, results: pd.DataFrame
) -> None:
    scored = results[results["session"].isin(["R", "S"])]
    for _, row in _sample(training, "pre_weekend", 120).iterrows():
        season = _before(scored, row).query("event_year == @row.event_year")
        totals = season.groupby("driver_id")["points"].sum()
        teams = season.groupby("team_lineage")["points"].sum()
        assert _same(row["season_points"], float(totals.get(row["driver_id"], 0.0)))
        assert _same(row["team_season_points"], float(teams.get(row["team_lineage"], 0.0)))
        if row["driver_id"] in totals.index:
            better = int((totals > totals[row["driver_id"]]).sum())
            level = int((totals == totals[row["driver_id"]]).sum())
            assert better + 1 <= row["season_standing"] <= better + level
            share = totals[row["driver_id"]] / totals.max() if totals.max() else float("nan")
            assert _same(row["season_points_share_of_leader"], float(share))


def test_circuit_history_is_that_of_three_years_at_the_same_place(training: pd.DataFrame, races: pd.DataFrame) -> None:
    for _, row in _sample(training, "pre_weekend").iterrows():
        own = _own(races, row).query("circuit_id == @row.circuit_id and event_year >= @row.event_year - 3")
        expected = {
            "circuit_races_3y": float(len(own)),
            "circuit_position_3y": own["finishing_position"].mean(),
            "circuit_positions_gained_3y": (own["grid_position"] - own["finishing_position"]).mean(),
            "circuit_dnf_rate_3y": (~own["is_classified"].astype(bool)).mean() if len(own) else float("nan"),
        }
        wrong = {name: (row[name], value) for name, value in expected.items() if not _same(row[name], value)}
        assert not wrong, (row["event_partition_key"], row["driver_id"], wrong)


def test_qualifying_and_grid_features_follow_from_the_sessions_tables(
    training: pd.DataFrame, results: pd.DataFrame
) -> None:
    everyone = results[results["session"] == "Q"]
    for _, row in _sample(training, "pre_race").iterrows():
        session = everyone[everyone["event_partition_key"] == row["event_partition_key"]].set_index("driver_id")
        segments = session[["q1_seconds", "q2_seconds", "q3_seconds"]].astype("float64")
        if row["driver_id"] not in session.index:
            assert np.isnan(row["qualifying_position"])
            continue
        own = segments.loc[row["driver_id"]].dropna()
        reached = len(segments.columns[: segments.columns.get_loc(own.index[-1]) + 1]) if len(own) else float("nan")
        last_gap = 100 * (own.iloc[-1] / segments[own.index[-1]].min() - 1) if len(own) else float("nan")
        pole_gap = 100 * (own.min() / segments.min().min() - 1) if len(own) else float("nan")
        assert _same(row["qualifying_segment_reached"], reached)
        assert _same(row["qualifying_segment_gap_pct"], last_gap)
        assert _same(row["qualifying_gap_to_pole_pct"], pole_gap)
        place = float(session.loc[row["driver_id"], "finishing_position"])
        assert _same(row["grid_minus_qualifying"], row["grid_position"] - place)


def test_practice_pace_and_head_to_head_follow_from_the_sessions_tables(
    training: pd.DataFrame, results: pd.DataFrame, races: pd.DataFrame
) -> None:
    practice = results[results["session"].isin(["P1", "P2", "P3", "SQ", "SS"])].copy()
    laps = practice[["q3_seconds", "q2_seconds", "q1_seconds", "best_lap_seconds"]]
    fastest = laps.groupby([practice["event_partition_key"], practice["session"]]).transform("min")
    practice["gap"] = 100 * ((laps / fastest).bfill(axis=1).iloc[:, 0] - 1)
    in_race_trim = practice["event_partition_key"].isin(_weekends_of(results, "S", without=("SQ", "SS")))
    practice = practice[~(in_race_trim & (practice["session"] == "P2"))]
    mates = races.merge(races, on=["event_partition_key", "team_lineage"], suffixes=("", "_mate"))
    mates = mates[mates["driver_id"] != mates["driver_id_mate"]]
    for _, row in _sample(training, "pre_race", 120).iterrows():
        weekend = practice.query("event_partition_key == @row.event_partition_key and driver_id == @row.driver_id")
        assert _same(row["practice_best_gap_pct"], float(weekend["gap"].min()))
        ten = _own(races, row).head(10)["event_partition_key"]
        duels = mates[mates["event_partition_key"].isin(ten) & (mates["driver_id"] == row["driver_id"])]
        both = duels[["quali", "quali_mate"]].notna().all(axis=1)
        share = (duels.loc[both, "quali"] < duels.loc[both, "quali_mate"]).mean() if both.any() else float("nan")
        assert _same(row["teammate_qualifying_share_10"], float(share))


def _weekends_of(results: pd.DataFrame, session: str, without: tuple[str, ...]) -> set[str]:
    """Events that had ``session`` and none of ``without``."""
    others = results.loc[results["session"].isin(without), "event_partition_key"]
    return set(results.loc[results["session"] == session, "event_partition_key"]) - set(others)


def _drivers(training: pd.DataFrame, event: str, horizon: str) -> dict[str, str]:
    is_race = (training["event_partition_key"] == event) & (training["session"] == "R")
    rows = training[is_race & (training["horizon"] == horizon)]
    assert len(rows)
    return dict(zip(rows["driver_id"], rows["team_id"], strict=True))


def test_a_driver_who_could_not_take_part_in_qualifying_is_predicted_all_the_same(training: pd.DataFrame) -> None:
    """Gabriel Bortoleto crashed in the sprint of São Paulo 2025 and missed qualifying."""
    event = "2025_São_Paulo_Grand_Prix"
    for horizon in ("post_qualifying", "pre_race"):
        assert "gabriel-bortoleto" in _drivers(training, event, horizon)
        assert len(_drivers(training, event, horizon)) == 20


def test_a_substitute_is_predicted_from_the_first_session_that_shows_him(training: pd.DataFrame) -> None:
    """Oliver Bearman drove for Carlos Sainz in Saudi Arabia 2024 from the third practice on."""
    event = "2024_Saudi_Arabian_Grand_Prix"
    assert "carlos-sainz-jr" in _drivers(training, event, "pre_weekend")
    for horizon in ("post_practice", "post_qualifying", "pre_race"):
        drivers = _drivers(training, event, horizon)
        assert drivers["oliver-bearman"] == "ferrari"
        assert "carlos-sainz-jr" not in drivers


def test_drivers_who_swap_seats_between_races_swap_as_soon_as_practice_shows_it(training: pd.DataFrame) -> None:
    """Red Bull put Yuki Tsunoda in Liam Lawson's car from Japan 2025 on, and Lawson in Tsunoda's."""
    event = "2025_Japanese_Grand_Prix"
    eve, practised = _drivers(training, event, "pre_weekend"), _drivers(training, event, "post_practice")
    assert (eve["liam-lawson"], eve["yuki-tsunoda"]) == ("red-bull", "racing-bulls")
    assert (practised["liam-lawson"], practised["yuki-tsunoda"]) == ("racing-bulls", "red-bull")
    assert practised["isack-hadjar"] == "racing-bulls"


def test_drivers_of_the_first_practice_only_are_never_predicted(training: pd.DataFrame, results: pd.DataFrame) -> None:
    """Friday's rookies: in P1 of a weekend, in no race of that season's weekend before or of this one."""
    seen = {
        key: set(event.loc[event["session"] == "P1", "driver_id"])
        - set(event.loc[event["session"] != "P1", "driver_id"])
        for key, event in results.groupby("event_partition_key")
    }
    raced = results[results["session"] == "R"].groupby("event_partition_key", sort=False)["driver_id"].agg(set)
    previous = dict(zip(raced.index[1:], raced.iloc[:-1], strict=True))
    rookies = {(e, d) for e, drivers in seen.items() for d in drivers - previous.get(e, drivers)}
    predicted = set(zip(training["event_partition_key"], training["driver_id"], strict=True))
    assert len(rookies) > 40
    assert not rookies & predicted


def test_everybody_who_started_was_predicted_after_qualifying_and_on_the_grid(training: pd.DataFrame) -> None:
    """docs/scoring.md scores the entrants: a missing one could not be scored."""
    for horizon in ("post_qualifying", "pre_race"):
        rows = training[(training["horizon"] == horizon) & training["finishing_position"].notna()]
        raced = rows.groupby(["event_partition_key", "session"])
        assert (raced["driver_id"].size() == raced["n_entrants"].first()).all()
        assert not rows.duplicated(["event_partition_key", "session", "driver_id"]).any()
