"""Build the gold tables: features of every driver of a race at a cut-off, and the outcome as labels.

`compute` is pure: silver tables and targets in, gold rows out. The rows of an event at cut-off T are computed from
silver rows with ``available_utc <= T`` only; the header of every file in ``gold/sql`` states how it ensures that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import stamp
from f1lib.errors import TableError
from f1lib.gold import history, incremental, manifest, outcomes, provisional
from f1lib.gold import read_silver as gold_read_silver
from f1lib.gold import targets as gold_targets
from f1lib.lake import features, parquet, paths, sql, tables
from f1lib.lake.cache import Cache
from f1lib.lake.gold_tables import IDENTITY, KEYS, no_rows
from f1lib.tracking.index import is_input
from f1lib.tracking.rows import STORED, Status, TrackingRow
from f1lib.workspace.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.lake.store import ObjectStore
    from f1lib.tracking.table import TrackingTable


# Intermediate tables between silver and the features, in order; each may read the ones before it.
_STEPS = ("regulation_eras", "target", "lap_history", "field", "driver_state", "team_state")


@dataclass(frozen=True)
class Seen:
    """Silver tables as read, and the tracking rows with status ``silver`` listed just before."""

    silver: gold_read_silver.Silver
    waiting: list[TrackingRow]

    def counts(self) -> pd.DataFrame:
        """Count the files and rows of each silver table.

        Returns
        -------
        pd.DataFrame
            One row per silver table in the order of `paths.SILVER_TABLES`: ``table files rows``.
        """
        import pandas as pd

        files = [sum(key.startswith(paths.silver_prefix(n)) for key in self.silver.hashes) for n in paths.SILVER_TABLES]
        rows = [len(self.silver.tables[name]) for name in paths.SILVER_TABLES]
        return pd.DataFrame({"table": paths.SILVER_TABLES, "files": files, "rows": rows})


def read_silver(store: ObjectStore, tracking: TrackingTable) -> Seen:
    """Read all silver tables, and the tracking rows that wait in silver, once for both builders of a run.

    Raises
    ------
    Damaged
        When a silver file is lost, or not the one that was written.
    RunError
        When silver has no events.
    TableError
        When a silver file is not Parquet or lacks a column.
    """
    rows = tracking.rows()
    waiting = [row for row in rows if row.get("status") == Status.SILVER]
    return Seen(gold_read_silver.read_silver(store, in_silver(rows)), waiting)


def in_silver(rows: Iterable[TrackingRow]) -> set[int]:
    """Return the seasons that gold has taken in and none of whose inputs are new, by the tracking table."""
    years: dict[bool, set[int]] = {True: set(), False: set()}
    for row in rows:
        if is_input(row) and "event_year" in row and row.get("status") in STORED:
            years[row["status"] == Status.GOLD].add(int(row["event_year"]))
    return years[True] - years[False]


def build_training_dataset(ws: Workspace, seen: Seen | None = None) -> pd.DataFrame:
    """Build the training dataset: gold rows with labels of every race and sprint whose result is visible.

    Writes ``gold/training_dataset.parquet`` and, beside it, a note of its inputs. Only events whose inputs have changed
    since the last build are computed; the bytes are those of computing all of them.

    Parameters
    ----------
    ws : Workspace
        Lake, cache and ``as_of``, the moment up to which results are visible.
    seen : Seen, optional
        What `read_silver` returned; silver is read when it is not given.

    Returns
    -------
    pd.DataFrame
        The rows written: the columns of `compute` and the labels of `with_labels`, one row per event, session, horizon
        and driver, sorted by event year, event number, session, horizon and driver.

    Raises
    ------
    RunError
        When silver has no events.
    TableError
        When a silver file cannot be read, or a feature query and ``features.csv`` name different columns.
    """
    silver = seen.silver if seen else gold_read_silver.read_silver(ws.store)
    results = silver.frame("results")
    targets = gold_targets.past_targets(silver.frame("events"), silver.frame("sessions"), results, ws.as_of)
    wet = outcomes.wet_races(silver.tables, ws.as_of)
    digests = incremental.input_digests(silver.tables, targets, wet, ws.as_of)
    kept = incremental.kept_rows(ws.store, paths.TRAINING_KEY, digests, ws.cache)
    if kept and kept.is_all:
        manifest.write_note(ws, paths.TRAINING_KEY, kept.rows, silver, kept.sha256, digests)
        return kept.rows
    new = targets[~targets["event_partition_key"].isin(kept.events)] if kept else targets
    rows = with_labels(compute(silver.tables, new, ws.cache), results[results["available_utc"] <= ws.as_of], wet)
    if kept:
        rows, kept = _sorted([kept.rows, rows]), None  # 35 MB that would be held while the file is made
        parquet.give_back()
    manifest.write_rows(ws, paths.TRAINING_KEY, rows, silver, digests)
    return rows


def build_features(ws: Workspace, event: str, horizon: str, seen: Seen | None = None) -> pd.DataFrame:
    """Build the gold rows of one event to predict.

    Writes ``gold/gold_driver_event_features/run_id=<run>/``; nothing is written when there are no rows. Tracking rows
    with status ``silver`` move to ``gold``, provided that the training dataset was built from the same silver files.

    Parameters
    ----------
    ws : Workspace
        Lake, tracking table, cache, and ``as_of``, the moment of the prediction.
    event : str
        ``event_partition_key``; empty for the event whose race starts next.
    horizon : str
        One of `HORIZONS`; empty for all that have begun by ``as_of``.
    seen : Seen, optional
        What `read_silver` returned; silver is read when it is not given.

    Returns
    -------
    pd.DataFrame
        Rows as of `compute`, without labels, with the provisional grid where a penalty is announced
        (`f1lib.gold.provisional`); empty when no event is given and the calendar has no further race.

    Raises
    ------
    BadParameters
        For an event that is unknown or cancelled, or a horizon that has not begun.
    RunError
        When silver has no events.
    TableError
        When a silver file cannot be read, or a feature query and ``features.csv`` name different columns.
    """
    seen = seen or read_silver(ws.store, ws.tracking)
    silver = seen.silver
    events, sessions = silver.frame("events"), silver.frame("sessions")
    wanted = event or gold_targets.next_event(events, ws.as_of)
    targets = (
        gold_targets.serving_targets(events, sessions, wanted, horizon, ws.as_of) if wanted else gold_targets.none()
    )
    rows = compute(silver.tables, targets, ws.cache)
    if len(rows):
        event_format = str(events.loc[events["event_partition_key"] == wanted, "event_format"].iloc[0])
        rows, used = provisional.with_announced(ws.store, rows, event_format)
        # Outside a run the moment of the prediction takes the place of the run id.
        manifest.write_rows(ws, paths.features_key(ws.run_id or stamp(ws.as_of)), rows, silver, penalties=used)
    if manifest.is_current(ws.store, paths.TRAINING_KEY, silver):
        ws.hold()
        manifest.mark_in_gold(ws.tracking, seen.waiting, paths.TRAINING_KEY, ws.as_of)
    return rows


def compute(silver: Mapping[str, Any], targets: pd.DataFrame, cache: Cache | None = None) -> pd.DataFrame:
    """Compute the gold rows of some targets.

    Parameters
    ----------
    silver : Mapping[str, Any]
        Silver table name -> DataFrame or Arrow table with the columns of its contract; an absent table counts as empty.
    targets : pd.DataFrame
        ``event_partition_key session horizon cutoff_utc``, one row per target (see `f1lib.gold.targets`).
    cache : Cache, optional
        Holds the race history between calls; a new one when not given.

    Returns
    -------
    pd.DataFrame
        One row per event, session, horizon and driver of the field, sorted by event year and number, session, horizon
        and driver. Columns: `KEYS`, `IDENTITY`, then the features of ``features.csv`` in its units as float64, rounded
        to 6 decimals, NaN when unknown.

    Raises
    ------
    TableError
        When a feature query and ``features.csv`` name different columns.
    """
    if targets.empty:
        return no_rows()  # the queries would take a fifth of a second to say so
    with sql.connect() as connection:
        connection.register("wanted", targets.astype(gold_targets.DTYPES))
        connection.execute("SET threads = 1")  # a fixed order of summation makes the result reproducible
        for name in paths.SILVER_TABLES:
            connection.register(name, silver[name] if name in silver else tables.empty(name))
        past = history.history(silver, cache or Cache())
        connection.from_arrow(past.races).create("race_history")
        for name in _STEPS:
            connection.sql(sql.sql_text(f"gold/steps/{name}")).create(name)
        field = connection.table("field").df()
        connection.register("ratings", past.ratings.of(field))
        rows = _joined(connection, field)
    return _finished(rows)


def _joined(connection: Any, field: pd.DataFrame) -> pd.DataFrame:
    """Join the columns of every feature group to the field by ``entry_id``."""
    import pandas as pd

    parts = [field.set_index("entry_id")]
    for group in features.groups():
        found = connection.execute(sql.sql_text(f"gold/features/{group}")).df()
        _check_documented(group, list(found.columns))
        parts.append(found.set_index("entry_id", verify_integrity=True).reindex(parts[0].index))
    rows: pd.DataFrame = pd.concat(parts, axis=1).reset_index()
    return rows


def _check_documented(group: str, columns: list[str]) -> None:
    documented = {f.name for f in features.features() if f.group == group} | {"entry_id"}
    if documented != set(columns):
        odd = ", ".join(sorted(documented ^ set(columns)))
        raise TableError(f"feature query {group}.sql and features.csv differ in {odd}: a feature needs both")


def _finished(rows: pd.DataFrame) -> pd.DataFrame:
    names = features.feature_names()
    out = _sorted([rows.rename(columns={"cutoff_utc": "as_of_utc"})])
    values = out[names].astype("float64").round(6) + 0.0
    for horizon in out["horizon"].unique():
        values.loc[out["horizon"] == horizon, features.unknown_at(horizon)] = float("nan")
    return out[KEYS + IDENTITY].join(values)


def _sorted(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate ``parts`` and sort the rows in gold's order."""
    import pandas as pd

    filled = [part for part in parts if len(part)] or parts[:1]
    rows = pd.concat(filled, ignore_index=True) if len(filled) > 1 else filled[0].reset_index(drop=True)
    by = ["event_year", "event_number", *KEYS[1:]]
    order = rows[by].sort_values(by, kind="stable").index
    # Rows of a new event come last, so they are often sorted already: take() would copy all of history.
    return rows if order.is_monotonic_increasing else rows.take(order.to_numpy()).reset_index(drop=True)


def with_labels(rows: pd.DataFrame, results: pd.DataFrame, wet: pd.DataFrame) -> pd.DataFrame:
    """Join the outcome of each session to its gold rows.

    Parameters
    ----------
    rows : pd.DataFrame
        Gold rows as of `compute`.
    results : pd.DataFrame
        Silver ``results`` that are visible.
    wet : pd.DataFrame
        What `f1lib.gold.outcomes.wet_races` returned.

    Returns
    -------
    pd.DataFrame
        ``rows`` in their order with ``finishing_position`` (1..n over the entrants in the official order), ``is_dnf``
        (1 for an entrant who was not classified, else 0), ``points`` (of the session), ``n_entrants`` and ``is_wet``
        (1 or 0, NaN when unknown), all float64. A driver who was not an entrant keeps the row with NaN in the first
        three.

    Notes
    -----
    The labels are defined in ``docs/scoring.md``.
    """
    ran = results[results["is_entrant"].astype(bool) & results["finishing_position"].notna()]
    outcome = ran[["event_partition_key", "session", "driver_id"]].assign(
        finishing_position=ran["finishing_position"].astype("float64"),
        is_dnf=1.0 - ran["is_classified"].astype("float64"),
        points=ran["points"].astype("float64"),
    )
    counts = outcome.groupby(["event_partition_key", "session"])["driver_id"].size().rename("n_entrants")
    out = rows.merge(outcome, how="left", on=["event_partition_key", "session", "driver_id"], validate="many_to_one")
    raced = wet.set_index(["event_partition_key", "session"]).astype("float64")
    return out.join(counts.astype("float64"), on=["event_partition_key", "session"]).join(
        raced, on=["event_partition_key", "session"]
    )
