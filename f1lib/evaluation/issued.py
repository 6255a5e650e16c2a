"""Scores of the issued predictions, as they were issued, beside the baselines (docs/scoring.md).

A driver who was predicted and did not start is taken out and the others close up (`positions.without`); a driver who
raced without having been predicted is left out of the outcome, which closes up as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import HORIZONS, EventKey
from f1lib.gold import targets
from f1lib.lake import attribution, gold_tables, silver_tables
from f1lib.lake.integrity import MISSING, damaged
from f1lib.lake.parquet import records
from f1lib.lake.paths_published import ACCURACY, raced_of
from f1lib.lake.provenance import code_version
from f1lib.lake.store import ObjectStore, each, write_json
from f1lib.predictions.archive import event_of, history_keys, issue_of
from f1lib.predictions.restore import lost
from f1lib.scoring import baselines, metrics
from f1lib.scoring.scorecard import CHANCES
from f1lib.tracking.rows import key_of
from f1lib.tracking.stage_keys import Stage, suffix_of
from f1lib.tracking.table import TrackingTable
from f1lib.workspace.workspace import Workspace

MODEL = "model"
# Columns of the training dataset that the slot tables are counted from.
_BASELINE_COLUMNS = frozenset(
    {*gold_tables.KEYS, *gold_tables.LABELS, "event_year", "event_number", *baselines.SLOT_COLUMNS.values()}
)
_BINS = 10
_Z95 = 1.96


def score_issued(ws: Workspace) -> pd.DataFrame:
    """Score the issued predictions of every race and sprint with a result, and write ``reports/accuracy.json``.

    The document holds under ``predictions`` the scores of races (of each horizon the issue that stood at its cut-off,
    see `_standing`), every other issue under ``others``, ``means`` per horizon and system, and ``calibration``.
    ``sprints`` has ``predictions`` and ``means`` of its own, because a sprint is another kind of race.

    Parameters
    ----------
    ws : Workspace
        Results available at ``ws.as_of`` are used.

    Returns
    -------
    pandas.DataFrame
        One row per event, session, horizon and system, in the order of the races: keys, ``as_of_utc``,
        ``model_run_id``, winners and every metric of `metrics.METRICS`. Empty before the first result.

    Raises
    ------
    Damaged
        Issued predictions are lost; a tick restores them from table ``f1_predictions``.
    """
    issues = {key: raced_of(key) for key in history_keys(ws.store)}
    _check_not_lost(ws.store, ws.tracking, {event for event, _ in issues.values()})
    results = results_of(ws.store, set(issues.values()), ws.as_of)
    scored = _all_scored(ws.store, {key: results[raced] for key, raced in issues.items() if raced in results})
    scored = [one for one in scored if one["entry"]["as_of_utc"] < one["entry"]["race_start_utc"]]  # law 6
    counted, others = _standing(scored, cutoffs_of(ws.store, {event for event, _ in issues.values()}))
    entries = [s["entry"] for s in counted] + _baseline_entries(ws.store, counted)
    whole = _ordered(pd.DataFrame(entries))
    frame, sprints = (whole[whole["session"] == name] if len(whole) else whole for name in ("R", "S"))
    document = {
        "as_of_utc": format_utc(ws.as_of),
        "code_version": code_version(),
        "source": ws.source_name,
        "attribution": attribution.of_lake(ws.store, ws.source_name),
        "predictions": records(frame),
        "others": [s["entry"] for s in others],
        "means": means(frame),
        "calibration": calibration([s["joined"] for s in counted if s["entry"]["session"] == "R"]),
        "sprints": {"predictions": records(sprints), "means": means(sprints)},
    }
    ws.hold()
    write_json(ws.store, ACCURACY, document)
    return whole


def _check_not_lost(store: ObjectStore, tracking: TrackingTable, events: set[str]) -> None:
    """Raise `Damaged` for issued predictions that are gone: the scores of the others alone would be silently wrong."""
    names = (key_of(row) for row in tracking.rows())
    predicted = {event for event, name in names if suffix_of(Stage.PREDICT, name)}
    gone = {key: MISSING for event in sorted(events | predicted) for key in lost(store, tracking, event)}
    if gone:
        raise damaged(store, gone, "`f1 doctor --repair` restores them")


def joined_with_result(issue: pd.DataFrame, result: pd.DataFrame) -> pd.DataFrame:
    """Join a prediction with the result of its session.

    Parameters
    ----------
    issue : pandas.DataFrame
        A prediction, a row per driver.
    result : pandas.DataFrame
        Silver's ``results`` of the session.

    Returns
    -------
    pandas.DataFrame
        The rows of ``issue`` in its order with ``finishing_position`` (null for a driver who was no entrant),
        ``is_dnf`` (1 for an entrant who was not classified), ``status`` and ``status_reason``.
    """
    ran = result[result["is_entrant"].astype(bool) & result["finishing_position"].notna()]
    outcome = ran[["driver_id", "status", "status_reason"]].assign(
        finishing_position=ran["finishing_position"].astype("float64"),
        is_dnf=1.0 - ran["is_classified"].astype("float64"),
    )
    return issue.merge(outcome, on="driver_id", how="left", validate="one_to_one")


def means(entries: pd.DataFrame) -> list[dict[str, Any]]:
    """Average each metric over races.

    Parameters
    ----------
    entries : pandas.DataFrame
        Rows of `score_issued`.

    Returns
    -------
    list of dict
        One row per horizon and system, by horizon, the model first: ``horizon system races`` and of each metric its
        mean and, under ``<metric>_se``, its standard error.
    """
    rows: list[dict[str, Any]] = []
    if entries.empty:
        return rows
    for (horizon, system), group in entries.groupby(["horizon", "system"], sort=False):
        figures = metrics.summarize(records(group[list(metrics.METRICS)]))
        rows.append({"horizon": str(horizon), "system": str(system), "races": len(group), **figures})
    order = list(HORIZONS).index
    return sorted(rows, key=lambda r: (order(r["horizon"]), r["system"] != MODEL, r["system"]))


def calibration(joined: Iterable[pd.DataFrame]) -> dict[str, list[dict[str, float]]]:
    """Compare predicted probabilities with observed frequencies over all entrants.

    Parameters
    ----------
    joined : iterable of pandas.DataFrame
        Predictions with their results (`joined_with_result`).

    Returns
    -------
    dict
        ``p_win p_podium p_points p_dnf``, each a list of bins of equal width: mean ``predicted`` probability,
        ``observed`` share with its 95 % interval ``low`` to ``high``, and the number ``n`` of entries. Empty without
        entrants.

    Notes
    -----
    The interval is Wilson's: Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    frames = [frame[frame["finishing_position"].notna()] for frame in joined]
    if not frames:
        return {}
    rows = pd.concat(frames, ignore_index=True)
    found = {name: _bins(rows[name], rows["finishing_position"] <= places) for name, places in CHANCES.items()}
    return {**found, "p_dnf": _bins(rows["p_dnf"], rows["is_dnf"] > 0)}


def _bins(chances: pd.Series[Any], happened: pd.Series[Any]) -> list[dict[str, float]]:
    points = metrics.reliability(chances.to_numpy(), happened.astype("float64").to_numpy(), _BINS)
    rows = []
    for point in points:
        n, share = point["count"], point["observed"]
        middle = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
        half = _Z95 * float(np.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n * n))) / (1 + _Z95**2 / n)
        interval = {"low": middle - half, "high": middle + half}
        rows.append({"predicted": point["predicted"], "observed": share, **interval, "n": n})
    return rows


def results_of(store: ObjectStore, raced: set[tuple[str, str]], as_of: datetime) -> dict[tuple[str, str], pd.DataFrame]:
    """Read the results of races and sprints.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    raced : set
        (event, session) of each.
    as_of : datetime
        Results available by then are read, aware UTC.

    Returns
    -------
    dict
        (event, session) -> silver's ``results`` of it with ``race_start_utc``; without one there is no entry.
    """
    seasons, keys = sorted({EventKey.parse(event).season for event, _ in raced}), ["event_partition_key", "session"]
    results, calendar = (silver_tables.read_table(store, name, seasons) for name in ("results", "sessions"))
    starts = calendar[[*keys, "session_start_utc"]].rename(columns={"session_start_utc": "race_start_utc"})
    rows = results[results["available_utc"] <= as_of].merge(starts, on=keys, how="left", validate="many_to_one")
    groups = ((tuple(map(str, key)), rows) for key, rows in rows.groupby(keys))
    return {(key[0], key[1]): rows for key, rows in groups if key in raced}


def _all_scored(store: ObjectStore, results: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Score every issue (``results`` maps its key to the result of its race), in order."""
    contents = zip(results.items(), each(store, store.read, results), strict=True)
    return [_scored(issue_of(data, f"{key} in lake {store.url}"), result) for (key, result), data in contents]


def _scored(issue: pd.DataFrame, result: pd.DataFrame) -> dict[str, Any]:
    joined = joined_with_result(issue, result)
    first = records(issue.head(1))[0]
    winner = result[result["finishing_position"] == 1].iloc[0]
    given = issue.loc[issue["driver_id"] == winner["driver_id"], "p_win"]
    likeliest = issue.sort_values("p_win", ascending=False, kind="stable").iloc[0]
    entry = {
        "event_partition_key": event_of(issue),
        **{name: first[name] for name in ("event_year", "event_name", "session", "horizon")},
        "race_start_utc": format_utc(result["race_start_utc"].iloc[0].to_pydatetime()),
        "system": MODEL,
        "as_of_utc": first["as_of_utc"],
        "model_run_id": first["model_run_id"],
        "predicted_winner": str(likeliest["full_name"]),
        "winner": str(winner["full_name"]),
        "p_winner": float(given.iloc[0]) if len(given) else 0.0,
        **metrics.score_race(joined),
    }
    return {"entry": entry, "joined": joined[[*CHANCES, "p_dnf", "finishing_position", "is_dnf"]]}


def cutoffs_of(store: ObjectStore, events: set[str]) -> dict[tuple[str, str, str], str]:
    """Map (event, session, horizon) to the moment the horizon begins, as `format_utc` writes it."""
    seasons = sorted({EventKey.parse(event).season for event in events})
    rows = targets.horizon_cutoffs(*(silver_tables.read_table(store, name, seasons) for name in ("events", "sessions")))
    keys = zip(rows["event_partition_key"], rows["session"], rows["horizon"], strict=True)
    return dict(zip(keys, (format_utc(moment.to_pydatetime()) for moment in rows["cutoff_utc"]), strict=True))


def _standing(
    scored: list[dict[str, Any]], cutoffs: Mapping[tuple[str, str, str], str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Split issues into those that stood when their horizon began, one per event and horizon, and all others.

    That is the last one issued by then for ``pre_weekend``, which is open from the race before on, and the first one
    from then on for the others, which know all of their sessions only then (``post_practice`` is issued after each
    practice). This is what the walk-forward backtest predicts. Where there is none, the nearest counts. ``scored`` is
    ordered from oldest to newest. Issues later within a horizon, such as those on a newer forecast, are scored among
    the others.
    """
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for one in scored:
        entry = one["entry"]
        groups.setdefault((entry["event_partition_key"], entry["session"], entry["horizon"]), []).append(one)
    counted = []
    for key, issues in groups.items():
        begin = cutoffs.get(key, "")
        if key[2] == HORIZONS[0]:
            counted.append(([s for s in issues if s["entry"]["as_of_utc"] <= begin] or issues[:1])[-1])
        else:
            counted.append(([s for s in issues if s["entry"]["as_of_utc"] >= begin] or issues[-1:])[0])
    kept = {id(s) for s in counted}
    return counted, [s for s in scored if id(s) not in kept]


def _baseline_entries(store: ObjectStore, counted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Score the slot tables on the same races and sprints, once for every horizon that was predicted.

    At every horizon they are given the grid and the qualifying order: what was known an hour before the start.
    """
    if not counted:
        return []
    training = gold_tables.read_training_dataset(store, _BASELINE_COLUMNS)
    known = training[training["horizon"] == "pre_race"]
    raced = {(s["entry"]["event_partition_key"], s["entry"]["session"]) for s in counted}
    kinds = {"R": known[known["session"] == "R"], "S": known}  # a sprint is compared with both kinds of race
    past = {
        kind: {system: baselines.history_of(rows, column) for system, column in baselines.SLOT_COLUMNS.items()}
        for kind, rows in kinds.items()
    }
    races = {key: rows for key, rows in known.groupby(["event_partition_key", "session"]) if key in raced}
    figures = {key: _baseline_scores(races.get(key, known.iloc[:0]), past[key[1]]) for key in raced}
    rows = []
    for entry in (s["entry"] for s in counted):
        for system, scores in figures[entry["event_partition_key"], entry["session"]].items():
            rows.append({**entry, "system": system, "model_run_id": None, "predicted_winner": None, **scores})
    return rows


def _baseline_scores(rows: pd.DataFrame, past: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """Map each baseline to its metrics of one race, from earlier races; ``past`` maps it to `history_of` rows."""
    race = rows[rows["finishing_position"].notna()]
    if race.empty:
        return {}
    season, number = race.iloc[0][["event_year", "event_number"]]
    found: dict[str, dict[str, Any]] = {}
    for system, column in baselines.SLOT_COLUMNS.items():
        years = past[system]["event_year"]
        earlier = past[system][(years < season) | ((years == season) & (past[system]["event_number"] < number))]
        said = baselines.predict(race, earlier, column)
        scores = metrics.score_race(said.assign(finishing_position=race["finishing_position"], is_dnf=race["is_dnf"]))
        won = said.loc[race["finishing_position"] == 1, "p_win"]
        found[system] = {**scores, "p_winner": float(won.iloc[0])}
    return found


def _ordered(entries: pd.DataFrame) -> pd.DataFrame:
    """Sort by race, horizon and system, the model first."""
    if entries.empty:
        return entries
    place = entries["horizon"].map(list(HORIZONS).index)
    ours = entries["system"] != MODEL
    order = entries.assign(_place=place, _ours=ours)
    order = order.sort_values(["race_start_utc", "event_partition_key", "_place", "_ours", "system"], kind="stable")
    return order.drop(columns=["_place", "_ours"]).reset_index(drop=True)
