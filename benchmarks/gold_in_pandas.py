"""Seven groups of gold's features in pandas, as one would write them there: what gold's SQL is compared with.

The history of races, and of it the groups of `GROUPS`. Given is who is predicted and when (gold's ``target`` and
``field``), and silver. `tests/benchmarks/test_gold_in_pandas.py` holds every value against gold's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

GROUPS = ("form", "team", "circuit", "season", "experience", "reliability", "qualifying")
MAJOR_ERAS = np.array([2009, 2014, 2022, 2026])
_RACE, _STATE = "event_partition_key", ["history_utc", "event_year"]
_FORM = (
    "finish:position finish_norm classified_norm points dnf:dnf_rate grid quali:qualifying_position "
    "quali_gap_pct:qualifying_gap_pct gained:positions_gained lap_gap_pct:fastest_lap_gap_pct"
).split()
_TEAM = (
    "finish:position:3,10 classified_norm:classified_norm:10 points:points:3,10 dnf:dnf_rate:10 "
    "quali:qualifying_position:3,10 quali_gap_pct:qualifying_gap_pct:3,10 lap_gap_pct:fastest_lap_gap_pct:10"
).split()


def features(silver: Mapping[str, pd.DataFrame], target: pd.DataFrame, field: pd.DataFrame) -> pd.DataFrame:
    """Compute the features of `GROUPS` for each row of ``field``, index ``entry_id``."""
    races = history(silver)
    drivers, teams = (
        newest_race(races, field, *of) for of in (("driver_id", "driver_race"), ("team_lineage", "team_race"))
    )
    parts = [
        form(races, drivers, field), team(races, teams, field), circuit(races, field),
        season(silver["results"], target, field), experience(races, target, field),
        reliability(races, drivers, teams, field), qualifying(silver["results"], target, field),
    ]  # fmt: skip
    return pd.concat(parts, axis=1)


def history(silver: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a past race and entrant, sorted by the moment it was visible. A session's rows come at one moment."""
    results = silver["results"]
    raced = results["session"].eq("R") & results["is_entrant"].astype(bool) & results["finishing_position"].notna()
    rows = results[raced].merge(_grid(silver["starting_grid"]), on=[_RACE, "driver_id"], how="left")
    rows = rows.merge(_pole(results), on=[_RACE, "driver_id"], how="left")
    rows = rows.merge(silver["events"][[_RACE, "circuit_id"]], on=_RACE).merge(
        _rain(silver["weather_observed"]), "left", _RACE
    )
    finish, fine = rows["finishing_position"].astype(float), rows["is_classified"].astype(bool)
    n = rows.groupby(_RACE)["driver_id"].transform("size")
    norm = (finish - 1) / (n - 1).clip(lower=1)
    grid = rows["slot"].fillna(rows["grid_position"]).astype(float)
    best = rows["best_lap_seconds"]
    own = rows.assign(
        finish=finish, finish_norm=norm, classified_norm=norm.where(fine), points=rows["points"].fillna(0.0),
        dnf=1.0 - fine, fine=fine, grid=grid, gained=grid - finish, gained_classified=(grid - finish).where(fine),
        lap_gap_pct=100 * (best.where(best > 0) / best.groupby(rows[_RACE]).transform("min") - 1),
        era=_era(rows["event_year"]),
    )  # fmt: skip
    order = ["available_utc", "event_year", "event_number", "driver_id"]
    own = own.sort_values(order, ignore_index=True)
    number = own.groupby(order[:3], sort=True).ngroup()
    own["driver_race"] = own.groupby("driver_id").cumcount() + 1
    own["team_race"] = number.groupby(own["team_lineage"]).rank(method="dense").astype("int64")
    return own


def _era(years: pd.Series) -> pd.Series:
    return pd.Series(MAJOR_ERAS[np.searchsorted(MAJOR_ERAS, years, side="right") - 1], index=years.index)


def _grid(grid: pd.DataFrame) -> pd.DataFrame:
    own = grid[grid["session"].eq("R")]
    return own[[_RACE, "driver_id"]].assign(slot=own["grid_position"].astype(float))


def _pole(results: pd.DataFrame) -> pd.DataFrame:
    """Place in qualifying and gap to pole in percent."""
    own = results[results["session"].eq("Q")]
    best = own["best_lap_seconds"]
    gap = 100 * (best.where(best > 0) / best.groupby(own[_RACE]).transform("min") - 1)
    return own[[_RACE, "driver_id"]].assign(quali=own["finishing_position"].astype(float), quali_gap_pct=gap)


def _rain(observed: pd.DataFrame) -> pd.DataFrame:
    own = observed[observed["session"].eq("R") & observed["condition"].notna()]
    first = own.sort_values(["available_utc", "provenance"]).drop_duplicates(_RACE)
    return first[[_RACE]].assign(is_wet=first["condition"].isin(["wet", "mixed"]).astype(float))


def newest_race(races: pd.DataFrame, field: pd.DataFrame, who: str, number: str) -> pd.DataFrame:
    """The newest race of each driver or team at each state of history that is predicted from."""
    asked = field[[*_STATE, "major_era_year", who]].drop_duplicates(subset=[*_STATE, who]).dropna(subset="history_utc")
    asked = asked.sort_values("history_utc", kind="stable")
    seen = races[["available_utc", who, number]].drop_duplicates(["available_utc", who], keep="last")
    found = pd.merge_asof(asked, seen, left_on="history_utc", right_on="available_utc", by=who)
    return found.dropna(subset=number).astype({number: "int64"}).drop(columns="available_utc")


def last_races(races: pd.DataFrame, state: pd.DataFrame, who: str, number: str, count: int) -> pd.DataFrame:
    """The last ``count`` races of each state: rows of history, with how long ago and the weight."""
    back = state.rename(columns={number: "last_race"}).merge(pd.DataFrame({"ago": range(count)}), how="cross")
    back[number] = back["last_race"] - back["ago"]
    past = back.merge(races, on=[who, number], suffixes=("", "_then"))
    return past.assign(weight=0.9 ** past["ago"] * 0.75 ** (past["event_year"] - past["event_year_then"]))


def _weighted(past: pd.DataFrame, by: list[str], wanted: Mapping[str, tuple[pd.Series, pd.Series]]) -> pd.DataFrame:
    """Weighted means, missing values left out: name -> (values, weights)."""
    keys = [past[name] for name in by]
    out = {}
    for name, (value, weight) in wanted.items():
        known = weight.where(value.notna())
        sums = pd.DataFrame({"x": value * known, "w": known}).groupby(keys).sum(min_count=1)
        out[name] = sums["x"] / sums["w"]
    return pd.DataFrame(out)


def _on(field: pd.DataFrame, by: list[str], found: pd.DataFrame) -> pd.DataFrame:
    return field.set_index("entry_id")[by].join(found, on=by)[list(found.columns)]


def form(races: pd.DataFrame, drivers: pd.DataFrame, field: pd.DataFrame) -> pd.DataFrame:
    """Decayed means over the driver's last 3 and 10 races."""
    by = [*_STATE, "driver_id"]
    past = last_races(races, drivers, "driver_id", "driver_race", 10)
    recent = past["weight"].where(past["ago"] < 3)
    wanted = {}
    for column, _, name in (word.partition(":") for word in _FORM):
        wanted[f"form_{name or column}_3"] = past[column], recent
        wanted[f"form_{name or column}_10"] = past[column], past["weight"]
    wanted["form_positions_gained_classified_10"] = past["gained_classified"], past["weight"]
    wanted["form_current_era_share"] = (past["era"] == past["major_era_year"]).astype(float), past["weight"]
    found = _weighted(past, by, wanted)
    found["form_finish_spread_10"] = past.groupby(by)["finish_norm"].std(ddof=0)
    return _on(field, by, found)


def team(races: pd.DataFrame, teams: pd.DataFrame, field: pd.DataFrame) -> pd.DataFrame:
    """Decayed means over both cars of the team's last 3 and 10 races."""
    by = [*_STATE, "team_lineage"]
    past = last_races(races, teams, "team_lineage", "team_race", 10)
    wanted = {}
    for column, name, windows in (word.split(":") for word in _TEAM):
        for window in map(int, windows.split(",")):
            wanted[f"team_form_{name}_{window}"] = past[column], past["weight"].where(past["ago"] < window)
    return _on(field, by, _weighted(past, by, wanted))


def circuit(races: pd.DataFrame, field: pd.DataFrame) -> pd.DataFrame:
    """Results at this circuit in the last three years, and what its races were like."""
    place = [*_STATE, "circuit_id"]
    asked = field[place].drop_duplicates().dropna(subset="history_utc")
    past = asked.merge(races, on="circuit_id", suffixes=("", "_then"))
    past = past[past["available_utc"] <= past["history_utc"]]
    recent = past[past["event_year_then"] >= past["event_year"] - 3]
    own = recent.groupby([*place, "driver_id"]).agg(
        circuit_races_3y=("finish", "size"), circuit_position_3y=("finish", "mean"),
        circuit_points_3y=("points", "mean"), circuit_dnf_rate_3y=("dnf", "mean"),
        circuit_positions_gained_3y=("gained", "mean"), circuit_qualifying_position_3y=("quali", "mean"),
    )  # fmt: skip
    cars = recent.groupby([*place, "team_lineage"]).agg(
        circuit_team_position_3y=("finish", "mean"), circuit_team_qualifying_position_3y=("quali", "mean")
    )
    traits = circuit_traits(races)
    held = asked.merge(traits, on="circuit_id")
    held = held[held["available_utc"] <= held["history_utc"]].groupby(place).agg(
        circuit_races_held=(_RACE, "size"), circuit_grid_finish_correlation=("correlation", "mean"),
        circuit_mean_places_moved=("moves", "mean"), circuit_field_dnf_rate=("dnf", "mean"),
        circuit_wet_share=("is_wet", "mean"),
    )  # fmt: skip
    out = [_on(field, [*place, "driver_id"], own), _on(field, [*place, "team_lineage"], cars), _on(field, place, held)]
    return pd.concat(out, axis=1).fillna({"circuit_races_3y": 0, "circuit_races_held": 0})


def circuit_traits(races: pd.DataFrame) -> pd.DataFrame:
    """One row a race: correlation of grid and finish, places moved, retirements, rain."""
    both = races.assign(
        g=races["grid"].where(races["finish"].notna()), f=races["finish"].where(races["grid"].notna()),
        moved=races["gained_classified"].abs(),
    )  # fmt: skip
    both = both.assign(gg=both["g"] ** 2, ff=both["f"] ** 2, gf=both["g"] * both["f"])
    means = both.groupby(["circuit_id", _RACE], as_index=False).agg(
        available_utc=("available_utc", "max"), dnf=("dnf", "mean"), is_wet=("is_wet", "max"), moves=("moved", "mean"),
        g=("g", "mean"), f=("f", "mean"), gg=("gg", "mean"), ff=("ff", "mean"), gf=("gf", "mean"),
    )  # fmt: skip
    spread = np.sqrt((means["gg"] - means["g"] ** 2) * (means["ff"] - means["f"] ** 2))
    return means.assign(correlation=(means["gf"] - means["g"] * means["f"]) / spread)


def season(results: pd.DataFrame, target: pd.DataFrame, field: pd.DataFrame) -> pd.DataFrame:
    """Championship points and places of driver and team before each prediction."""
    raced = results.loc[
        results["session"].isin(["R", "S"]),
        ["event_year", "driver_id", "team_lineage", "session", "points", "finishing_position", "available_utc"],
    ]
    scored = target[["target_id", "event_year", "cutoff_utc"]].merge(raced, on="event_year")
    scored = scored[scored["available_utc"] <= scored["cutoff_utc"]]
    place = scored["finishing_position"].astype(float).where(scored["session"].eq("R"))
    scored = scored.assign(points=scored["points"].fillna(0.0), place=place)
    tables = {}
    for who in ("driver_id", "team_lineage"):
        sums = scored.groupby(["target_id", who]).agg(
            points=("points", "sum"), races=("place", "count"), best=("place", "min")
        )
        sums["points"] = sums["points"].round(6)
        order = sums.sort_values(["points", "best"], ascending=[False, True]).reset_index()
        new = order[["target_id", "points", "best"]].fillna(np.inf)
        order = order.assign(key=new.groupby(["points", "best"]).ngroup(ascending=False))
        order = order.assign(row=order.groupby("target_id").cumcount() + 1)
        first = order.groupby(["target_id", "key"])["row"].transform("min")
        sums = order.assign(standing=first).set_index(["target_id", who])
        leader = sums.groupby("target_id")["points"].max().rename("leader")
        tables[who] = (
            field.set_index("entry_id")[["target_id", who]]
            .join(sums, on=["target_id", who])
            .join(leader, on="target_id")
        )
    own, cars = tables["driver_id"], tables["team_lineage"]
    known, made = own["points"].fillna(0.0), cars["points"].fillna(0.0)
    return pd.DataFrame(
        {
            "season_points": known, "season_standing": own["standing"],
            "season_points_share_of_leader": known / own["leader"].where(own["leader"] != 0),
            "season_points_per_race": own["points"] / own["races"].where(own["races"] != 0),
            "team_season_points": made, "team_season_standing": cars["standing"],
            "team_season_points_share_of_leader": made / cars["leader"].where(cars["leader"] != 0),
        }
    )  # fmt: skip


def experience(races: pd.DataFrame, target: pd.DataFrame, field: pd.DataFrame) -> pd.DataFrame:
    """Races started, won and finished in front, from running counts of the driver's races."""
    won, stood = (races["fine"] & (races["finish"] <= place) for place in (1, 3))
    ones = races.assign(started=1, wins=won.astype(int), podiums=stood.astype(int))
    parts = {}
    for name, extra in {"all": [], "team": ["team_lineage"], "era": ["era"]}.items():
        keys = ["driver_id", *extra]
        running = ones[["available_utc", *keys]].join(ones.groupby(keys)[["started", "wins", "podiums"]].cumsum())
        asked = field.assign(era=field["major_era_year"]).dropna(subset="history_utc")
        asked = asked[["entry_id", "history_utc", *keys]].sort_values("history_utc", kind="stable")
        found = pd.merge_asof(asked, running, left_on="history_utc", right_on="available_utc", by=keys)
        parts[name] = found.set_index("entry_id").reindex(field["entry_id"])
    told = field[["entry_id", "target_id"]].merge(target, on="target_id").set_index("entry_id")
    return pd.DataFrame(
        {
            "races_started": parts["all"]["started"].fillna(0), "races_with_team": parts["team"]["started"].fillna(0),
            "races_started_in_era": parts["era"]["started"].fillna(0),
            "career_win_rate": parts["all"]["wins"] / parts["all"]["started"],
            "career_podium_rate": parts["all"]["podiums"] / parts["all"]["started"],
            "races_since_regulation_change": told["races_in_era"],
            "races_since_major_regulation_change": told["races_in_major_era"],
        }
    )  # fmt: skip


def reliability(races: pd.DataFrame, drivers: pd.DataFrame, teams: pd.DataFrame, field: pd.DataFrame) -> pd.DataFrame:
    """Shares not classified, each with ten starts at the field's rate added."""
    rates = races.groupby(["available_utc", "event_year", "event_number"], sort=True)["dnf"].mean()
    running = rates.rolling(20, min_periods=1).mean().groupby("available_utc").last()
    everyone = field.set_index("entry_id")["history_utc"].map(running)
    out = {"field_dnf_rate_20": everyone}
    for who, number, count, name in (
        ("driver_id", "driver_race", 30, "driver_dnf_rate_30"), ("team_lineage", "team_race", 15, "team_dnf_rate_15"),
    ):  # fmt: skip
        state, by = drivers if who == "driver_id" else teams, [*_STATE, who]
        past = last_races(races[[who, number, "dnf", "event_year"]], state, who, number, count)
        sums = _on(field, by, past.groupby(by)["dnf"].agg(["sum", "size"]).astype(float)).fillna(0.0)
        out[name] = (sums["sum"] + 10 * everyone) / (sums["size"] + 10)
    return pd.DataFrame(out)


def qualifying(results: pd.DataFrame, target: pd.DataFrame, field: pd.DataFrame) -> pd.DataFrame:
    """Place, gaps and segment in the session that sets the grid, and against the teammate."""
    own = target[["target_id", _RACE, "gridding_session", "cutoff_utc"]].merge(
        results, left_on=[_RACE, "gridding_session"], right_on=[_RACE, "session"]
    )
    own = own[own["available_utc"] <= own["cutoff_utc"]].rename(columns={"best_lap_seconds": "best"})
    own = own.rename(columns={f"q{n}_seconds": f"q{n}" for n in (1, 2, 3)})
    laps = ["best", "q1", "q2", "q3"]
    reached = np.select([own["q3"].notna(), own["q2"].notna(), own["q1"].notna()], [3.0, 2.0, 1.0], np.nan)
    own = own[["target_id", "driver_id", "team_lineage", *laps]].assign(
        place=own["finishing_position"].astype(float), segment=reached
    )
    least = own.groupby("target_id")[laps].transform("min")
    middle = own.groupby("target_id")["best"].transform("median")
    ratio = (own[laps] / least).rename(columns=lambda n: f"{n}_gap")
    own = own.join(ratio).assign(middle=own["best"] / middle)
    pair = own.merge(own, on=["target_id", "team_lineage"], suffixes=("", "_b"))
    pair = pair[pair["driver_id"] != pair["driver_id_b"]]
    shared = pair[["segment", "segment_b"]].min(axis=1)
    options = [pair[n] / pair[f"{n}_b"] for n in ("q3", "q2", "q1")]
    pair = pair.assign(ratio=np.select([shared == 3, shared == 2, shared == 1], options, pair["best"] / pair["best_b"]))
    mate = pair.groupby(["target_id", "driver_id"]).agg(ratio=("ratio", "min"), mate=("place_b", "min"))
    by = ["target_id", "driver_id"]
    own = field.set_index("entry_id")[by].join(own.set_index(by), on=by).join(mate, on=by)
    segment = own["segment"]
    gap = np.select([segment == 3, segment == 2, segment == 1], [own["q3_gap"], own["q2_gap"], own["q1_gap"]], np.nan)
    return pd.DataFrame(
        {
            "qualifying_position": own["place"], "qualifying_gap_to_pole_pct": 100 * (own["best_gap"] - 1),
            "qualifying_gap_to_median_pct": 100 * (own["middle"] - 1), "qualifying_segment_gap_pct": 100 * (gap - 1),
            "qualifying_q1_gap_pct": 100 * (own["q1_gap"] - 1), "qualifying_segment_reached": segment,
            "qualifying_teammate_gap_pct": 100 * (own["ratio"] - 1),
            "qualifying_places_ahead_of_teammate": own["mate"] - own["place"],
        }
    )  # fmt: skip
