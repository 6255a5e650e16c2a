"""Features from laps on real laps (Bahrain and Saudi Arabia 2023), worked out a second time in pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.bronze import ingest, schedule
from f1lib.gold import targets as gold_targets
from f1lib.gold.build import compute
from f1lib.lake import features, tables
from f1lib.silver.build import build_frames
from f1lib.sources.fastf1 import frames as fastf1_frames
from f1lib.workspace.workspace import open_workspace
from tests.support.sql import run_sql

BAHRAIN, SAUDI = "2023_Bahrain_Grand_Prix", "2023_Saudi_Arabian_Grand_Prix"
CODES = {"FP1": "P1", "FP2": "P2", "FP3": "P3", "Q": "Q", "R": "R"}
LAP_GROUPS = ("long_run", "race_pace")


@pytest.fixture(scope="module")
def raw(shared_data: Path) -> pd.DataFrame:
    laps = pd.read_parquet(shared_data / "laps" / "2023.parquet")
    return laps[laps["RoundNumber"].isin([1, 2]) & laps["Session"].isin(CODES)].assign(
        event_partition_key=lambda f: "2023_" + f["EventName"].str.replace(" ", "_"),
        session=lambda f: f["Session"].map(CODES),
        seconds=lambda f: f["LapTime"].dt.total_seconds(),
    )


@pytest.fixture(scope="module")
def world(raw: pd.DataFrame, f1db_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Silver of the first two weekends of 2023: F1DB's results, FastF1's laps."""
    lake = tmp_path_factory.mktemp("gold-laps") / "lake"
    ws = open_workspace(lake=str(lake), source="f1db", f1db=str(f1db_zip), as_of="2023-04-01T00:00:00Z")
    schedule.refresh_schedule(ws, [2023])
    ingest.ingest(ws, [f"{event}/{session}" for event in (BAHRAIN, SAUDI) for session in (*CODES.values(), "G")])
    frames = build_frames(ws.store, [2023], 1, ws.cache)
    results = frames["results"]
    parts = []
    key: Any
    for key, part in raw.groupby(["event_partition_key", "session"]):
        event, session = key
        own = results[(results["event_partition_key"] == event) & (results["session"] == session)]
        people: Any = {row["driver_number"]: row for row in own.to_dict("records")}
        laps = fastf1_frames.laps(part.drop(columns=["event_partition_key", "session", "seconds"]), people)
        parts.append(laps.assign(event_partition_key=event, session=session, source="fastf1"))
    whole = pd.concat(parts, ignore_index=True)
    inputs = {"bronze_laps": whole, "sessions": frames["sessions"]}
    return {**frames, "laps": tables.conform(run_sql("silver/laps", inputs), "laps")}


@pytest.fixture(scope="module")
def rows(world: dict[str, Any]) -> pd.DataFrame:
    targets = gold_targets.horizon_cutoffs(world["events"], world["sessions"])
    return compute(world, targets[targets["event_partition_key"].isin([BAHRAIN, SAUDI])])


def _drivers(world: dict[str, Any], event: str, session: str) -> dict[str, str]:
    """Car number -> driver of one session."""
    results = world["results"]
    own = results[(results["event_partition_key"] == event) & (results["session"] == session)]
    return dict(zip(own["driver_number"], own["driver_id"], strict=True))


def _of(rows: pd.DataFrame, event: str, horizon: str) -> pd.DataFrame:
    own = rows[(rows["event_partition_key"] == event) & (rows["horizon"] == horizon)]
    return own.set_index("driver_id")


def _expected_long_runs(raw: pd.DataFrame, world: dict[str, Any], event: str) -> pd.DataFrame:
    """Per driver: steady stints of at least six laps against the session's and the tyre's median, and their slope."""
    stints = []
    for session in ("P1", "P2", "P3"):
        timed = raw[(raw["event_partition_key"] == event) & (raw["session"] == session) & raw["seconds"].notna()]
        found = []
        group: Any
        for group, stint in timed.groupby(["DriverNumber", "Stint"]):
            in_or_out = stint["PitInTime"].notna() | stint["PitOutTime"].notna()
            steady = stint[~in_or_out & (stint["seconds"] <= 1.07 * stint["seconds"].min())].sort_values("LapNumber")
            if len(steady) >= 6:
                middle = steady["seconds"].median()
                slope = np.polyfit(steady["TyreLife"].astype(float), steady["seconds"], 1)[0]
                driver = _drivers(world, event, session)[group[0]]
                found.append((driver, steady["Compound"].iloc[0], len(steady), middle, 100 * slope / middle))
        runs = pd.DataFrame(found, columns=["driver", "compound", "laps", "seconds", "slope"])
        runs["gap"] = 100 * (runs["seconds"] / runs["seconds"].median() - 1)
        runs["same_tyre"] = 100 * (runs["seconds"] / runs.groupby("compound")["seconds"].transform("median") - 1)
        runs["degradation"] = runs["slope"] - runs["slope"].median()
        stints.append(runs)
    whole = pd.concat(stints)

    def weighted(part: pd.DataFrame) -> pd.Series:
        means = {n: np.average(part[n], weights=part["laps"]) for n in ("gap", "same_tyre", "degradation")}
        return pd.Series({**means, "laps": float(part["laps"].sum())})

    return pd.DataFrame({driver: weighted(part) for driver, part in whole.groupby("driver")}).T


@pytest.mark.parametrize("event", [BAHRAIN, SAUDI])
def test_long_runs_of_practice_are_those_worked_out_by_hand(
    event: str, raw: pd.DataFrame, world: dict[str, Any], rows: pd.DataFrame
) -> None:
    ours, theirs = _of(rows, event, "post_practice"), _expected_long_runs(raw, world, event)
    assert len(theirs) >= 18
    names = {"practice_long_run_gap_pct": "gap", "practice_long_run_same_tyre_gap_pct": "same_tyre",
             "practice_degradation_pct_per_lap": "degradation", "practice_long_run_laps": "laps"}  # fmt: skip
    for column, name in names.items():
        np.testing.assert_allclose(ours.loc[theirs.index, column], theirs[name], atol=2e-6, err_msg=column)
    assert ours.loc[ours.index.difference(theirs.index), list(names)].isna().all().all()


@pytest.mark.parametrize("event", [BAHRAIN, SAUDI])
def test_shrunk_long_runs_are_those_worked_out_by_hand_for_the_driver_and_both_cars(
    event: str, raw: pd.DataFrame, world: dict[str, Any], rows: pd.DataFrame
) -> None:
    ours, theirs = _of(rows, event, "post_practice"), _expected_long_runs(raw, world, event)
    gap = (theirs["same_tyre"] - theirs["same_tyre"].median()).clip(-2.5, 2.5) * theirs["laps"]
    own = ours["practice_long_run_shrunk_gap_pct"]
    np.testing.assert_allclose(own[theirs.index], gap / (theirs["laps"] + 6), atol=2e-6)
    assert own.drop(theirs.index).isna().all()
    teams = ours.loc[theirs.index, "team_lineage"]
    both = gap.groupby(teams).sum() / (theirs["laps"].groupby(teams).sum() + 6)
    np.testing.assert_allclose(
        ours["team_practice_long_run_shrunk_gap_pct"], ours["team_lineage"].map(both), atol=2e-6
    )  # of a driver without a run his team mate's alone


def test_sectors_and_top_speed_of_practice_are_those_worked_out_by_hand(
    raw: pd.DataFrame, world: dict[str, Any], rows: pd.DataFrame
) -> None:
    ours = _of(rows, BAHRAIN, "post_practice")
    timed = raw[(raw["event_partition_key"] == BAHRAIN) & raw["session"].isin(["P1", "P2", "P3"])]
    timed = timed[timed["seconds"].notna()]
    gaps, speeds = [], []
    for session, part in timed.groupby("session"):
        who = part["DriverNumber"].map(_drivers(world, BAHRAIN, str(session)))
        best = part["Sector2Time"].dt.total_seconds().groupby(who).min()
        gaps.append(100 * (best / best.min() - 1))
        top = part["SpeedST"].groupby(who).max()
        speeds.append(top - top.median())
    gap, speed = pd.concat(gaps, axis=1).min(axis=1), pd.concat(speeds, axis=1).max(axis=1)
    np.testing.assert_allclose(ours["practice_sector2_gap_pct"], gap[ours.index], atol=2e-6)
    np.testing.assert_allclose(ours["practice_top_speed_over_median_kmh"], speed[ours.index], atol=2e-6)


def test_race_pace_of_the_race_before_is_that_worked_out_by_hand(
    raw: pd.DataFrame, world: dict[str, Any], rows: pd.DataFrame
) -> None:
    race = raw[(raw["event_partition_key"] == BAHRAIN) & (raw["session"] == "R")]
    in_or_out = race["PitInTime"].notna() | race["PitOutTime"].notna()
    deleted = race["Deleted"].fillna(False).astype(bool)
    clean = race[race["seconds"].notna() & ~in_or_out & (race["LapNumber"] > 1) & ~deleted]
    clean = clean[clean["TrackStatus"].astype(str) == "1"]
    per_lap = clean.groupby("LapNumber")["seconds"].agg(["median", "size"])
    known = clean[clean["LapNumber"].map(per_lap["size"]) >= 5]
    ratio = known["seconds"] / known["LapNumber"].map(per_lap["median"])
    who = known["DriverNumber"].map(_drivers(world, BAHRAIN, "R"))
    pace = 100 * (ratio.groupby(who).median()[ratio.groupby(who).size() >= 10] - 1)
    ours = _of(rows, SAUDI, "pre_weekend")
    assert len(pace) >= 18
    np.testing.assert_allclose(ours.loc[pace.index, "race_pace_gap_pct_10"], pace, atol=2e-6)
    assert ours.loc[pace.index, "race_pace_races_10"].eq(1).all()
    assert pace.idxmin() == "max-verstappen"


def test_where_no_laps_are_known_their_features_are_null(world: dict[str, Any], rows: pd.DataFrame) -> None:
    names = [f.name for f in features.features() if f.group in LAP_GROUPS]
    measured = [name for name in names if name != "race_pace_races_10"]
    assert _of(rows, BAHRAIN, "pre_weekend")[measured].isna().all().all(), "the season's first: nothing was driven yet"
    targets = gold_targets.horizon_cutoffs(world["events"], world["sessions"])
    without = compute({**world, "laps": tables.empty("laps")}, targets[targets["event_partition_key"] == SAUDI])
    assert without[measured].isna().all().all()
    assert not without["race_pace_races_10"].gt(0).any()
    assert rows[measured].notna().any().all(), "and every one of them is known somewhere"
