"""Gold: what is known of every driver of a race at a cut-off, one row each, and the outcome beside it.

`compute` is pure: silver frames and targets in, gold rows out. The rows of an event at cut-off T are computed
from silver rows with ``available_utc <= T`` only; every file in ``sql/gold`` says how it keeps to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import stamp
from f1lib.errors import TableError
from f1lib.gold import history, incremental, manifest
from f1lib.gold import read_silver as gold_read_silver
from f1lib.gold import targets as gold_targets
from f1lib.lake import features, paths, sql, tables
from f1lib.lake.cache import Cache
from f1lib.lake.gold_tables import IDENTITY, KEYS
from f1lib.tracking.rows import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from f1lib.tracking.rows import TrackingRow
    from f1lib.workspace.workspace import Workspace


# Tables made on the way from silver to features, each read by the ones after it.
_STEPS = ("regulation_eras", "target", "lap_history", "field", "driver_state", "team_state")


@dataclass(frozen=True)
class Seen:
    """Silver as it was read, and the tracking rows that waited in it just before."""

    silver: gold_read_silver.Silver
    waiting: list[TrackingRow]

    def counts(self) -> pd.DataFrame:
        """One row a silver table: ``table files rows``."""
        import pandas as pd

        files = [sum(key.startswith(paths.silver_prefix(n)) for key in self.silver.hashes) for n in paths.SILVER_TABLES]
        rows = [len(self.silver.tables[name]) for name in paths.SILVER_TABLES]
        return pd.DataFrame({"table": paths.SILVER_TABLES, "files": files, "rows": rows})


def read_silver(ws: Workspace) -> Seen:
    """All of silver, for both builders of one run; raises `RunError` when it is empty."""
    waiting = ws.tracking.rows(status=Status.SILVER)
    return Seen(gold_read_silver.read_silver(ws.store, ws.cache), waiting)


def build_training_dataset(ws: Workspace, seen: Seen | None = None) -> pd.DataFrame:
    """Gold rows of every race whose result is visible at ``ws.as_of``, at all horizons, with `LABELS`.

    Written to ``gold/training_dataset.parquet`` with a note of its inputs beside it; the rows are returned. Only
    events whose inputs have changed since it was last written are computed; the bytes are those of computing all.
    ``seen`` is what `read_silver` gave; without it silver is read. Raises `RunError` when silver is empty.
    """
    silver = seen.silver if seen else gold_read_silver.read_silver(ws.store, ws.cache)
    results = silver.frame("results")
    targets = gold_targets.past_targets(silver.frame("events"), silver.frame("sessions"), results, ws.as_of)
    digests = incremental.input_digests(silver.tables, targets, ws.as_of)
    kept = incremental.kept_rows(ws.store, paths.TRAINING_KEY, digests, ws.cache)
    if kept and kept.is_all:
        manifest.write_note(ws, paths.TRAINING_KEY, kept.rows, silver, kept.sha256, digests)
        return kept.rows
    new = targets[~targets["event_partition_key"].isin(kept.events)] if kept else targets
    rows = with_labels(compute(silver.tables, new, ws.cache), results[results["available_utc"] <= ws.as_of])
    rows = _sorted([kept.rows, rows]) if kept else rows
    manifest.write_rows(ws, paths.TRAINING_KEY, rows, silver, digests)
    return rows


def build_features(ws: Workspace, event: str, horizon: str, seen: Seen | None = None) -> pd.DataFrame:
    """Gold rows of a race to come (empty ``event``: the next one) at ``horizon`` (empty: every one reached).

    Written to ``gold/gold_driver_event_features/run_id=<run>/``; no rows and nothing written when the calendar has
    no further race. Tracking rows that waited in silver move to gold, provided that the training dataset was made
    from the same silver. Raises `BadParameters` for an unknown event or a horizon that has not begun.
    """
    seen = seen or read_silver(ws)
    silver = seen.silver
    events, sessions = silver.frame("events"), silver.frame("sessions")
    wanted = event or gold_targets.next_event(events, ws.as_of)
    targets = (
        gold_targets.serving_targets(events, sessions, wanted, horizon, ws.as_of) if wanted else gold_targets.none()
    )
    rows = compute(silver.tables, targets, ws.cache)
    if len(rows):
        # Outside a run, its moment is its name.
        manifest.write_rows(ws, paths.features_key(ws.run_id or stamp(ws.as_of)), rows, silver)
    if manifest.is_current(ws.store, paths.TRAINING_KEY, silver):
        manifest.mark_in_gold(ws, seen.waiting, paths.TRAINING_KEY)
    return rows


def compute(silver: Mapping[str, Any], targets: pd.DataFrame, cache: Cache | None = None) -> pd.DataFrame:
    """The gold rows of ``targets``: one per event, session, horizon and driver of the field, sorted by these.

    ``silver`` maps silver tables to frames (or Arrow tables) of their contracts; one that is not there counts as
    empty. ``targets`` has ``event_partition_key session horizon cutoff_utc``. Columns: `KEYS`, `IDENTITY`, then
    the features of ``features.csv`` as float64, NaN when unknown, rounded to 6 decimals.
    """
    with sql.connect() as connection:
        connection.register("wanted", targets.astype(gold_targets.DTYPES))
        connection.execute("SET threads = 1")  # one order of summing, one result
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
    """The field with every group's columns beside it."""
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
        raise TableError(f"sql/gold/{group}.sql and features.csv differ in {odd}: a feature is a column and a line")


def _finished(rows: pd.DataFrame) -> pd.DataFrame:
    names = features.feature_names()
    out = _sorted([rows.rename(columns={"cutoff_utc": "as_of_utc"})])
    values = out[names].astype("float64").round(6) + 0.0
    for horizon in out["horizon"].unique():
        values.loc[out["horizon"] == horizon, features.unknown_at(horizon)] = float("nan")
    return out[KEYS + IDENTITY].join(values)


def _sorted(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of ``parts`` as one frame in gold's order."""
    import pandas as pd

    filled = [part for part in parts if len(part)] or parts[:1]
    rows = pd.concat(filled, ignore_index=True) if len(filled) > 1 else filled[0].reset_index(drop=True)
    by = ["event_year", "event_number", *KEYS[1:]]
    order = rows[by].sort_values(by, kind="stable").index
    # A new event stands behind those that were there: all of history is not copied once more.
    return rows if order.is_monotonic_increasing else rows.take(order.to_numpy()).reset_index(drop=True)


def with_labels(rows: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """``rows`` with the outcome beside them; a driver who was no entrant keeps his row with null labels.

    ``finishing_position`` 1..n over the entrants in the official order, ``is_dnf`` 1 for an entrant who was not
    classified, ``points`` of the session, ``n_entrants``; definitions in docs/scoring.md.
    """
    ran = results[results["is_entrant"].astype(bool) & results["finishing_position"].notna()]
    outcome = ran[["event_partition_key", "session", "driver_id"]].assign(
        finishing_position=ran["finishing_position"].astype("float64"),
        is_dnf=1.0 - ran["is_classified"].astype("float64"),
        points=ran["points"].astype("float64"),
    )
    counts = outcome.groupby(["event_partition_key", "session"])["driver_id"].size().rename("n_entrants")
    out = rows.merge(outcome, how="left", on=["event_partition_key", "session", "driver_id"], validate="many_to_one")
    return out.join(counts.astype("float64"), on=["event_partition_key", "session"])
