"""Issue a prediction: read an event's features, forecast with the model that serves, and store the result.

The newest prediction of a race is a Parquet file of its own and, for the next race, ``predictions/latest.json``; every
one that was issued is kept under ``history/`` and never changed. Columns: `archive.COLUMNS`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import resources
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from f1lib.domain.moments import format_utc, parse_utc, stamp
from f1lib.domain.weekend import HORIZONS, EventKey, Horizon
from f1lib.errors import AlreadyRunning, BadParameters, MissingColumn, RunError
from f1lib.lake import attribution, fingerprint, paths, silver_tables
from f1lib.lake.integrity import readable_json, verified_gold
from f1lib.lake.parquet import parquet_frame, records, write_parquet
from f1lib.lake.paths_published import LATEST, LATEST_SCHEMA, history_prefix, issue_key, newest_key, parse_issue
from f1lib.lake.store import ObjectStore, write_json
from f1lib.lake.tables import check_grain
from f1lib.model.registry import champion_of
from f1lib.model.serving import Serving, load_serving
from f1lib.predictions import explain
from f1lib.predictions.archive import COLUMNS, event_of, find_newest, history_keys, load_issue
from f1lib.predictions.change_log import issue_before, keep_change_log
from f1lib.tracking.table import TrackingTable
from f1lib.workspace.workspace import Workspace

_MATRIX_TOLERANCE = 1e-6


def predict(ws: Workspace, event: str, horizon: str, session: str = "R") -> pd.DataFrame:
    """Predict a race or sprint with the model that serves, and store the prediction.

    Parameters
    ----------
    ws : Workspace
        Features not younger than ``ws.as_of`` are read; the champion's ONNX graph is used, no pickle is loaded.
    event : str
        Partition key; empty: the event whose features gold built last.
    horizon : str
        One of `HORIZONS`; empty: the last one reached.
    session : {"R", "S"}
        The race or the sprint.

    Returns
    -------
    pandas.DataFrame
        One row per driver with `archive.COLUMNS`, in the predicted order; ``attrs["inference_milliseconds"]`` is how
        long the forecast took.

    Raises
    ------
    RunError
        Gold has no such features, or the model run was trained after ``ws.as_of``.
    StorageError
        No model serves the horizon.
    """
    features, gold_run_id = newest_features(ws.store, event, horizon, ws.as_of, session)
    first = features.iloc[0]
    _check_ahead(ws.store, str(first["event_partition_key"]), session, ws.as_of)
    serving = load_serving(ws.store, champion_of(ws.store, horizon_of_model(features))["run_id"])
    if parse_utc(serving.metadata["as_of"]) > ws.as_of:
        raise RunError(
            f"model run {serving.run_id} was trained at {serving.metadata['as_of']}, after {format_utc(ws.as_of)}: it "
            "knows what was not known then; predict an earlier moment in a lake of its own"
        )
    hashed = forecast_hash(ws.store, str(first["event_partition_key"]), str(first["session"]), ws.as_of)
    started = perf_counter()
    rows = rows_of(features, serving, gold_run_id, hashed, ws.as_of, ws.source_name)
    milliseconds = (perf_counter() - started) * 1000
    issued = publish(ws.store, ws.tracking, rows, lambda: ws.hold(event_of(rows)))
    explain.keep(ws.store, issued, serving, features)
    prediction = load_issue(ws.store, issued)
    event = event_of(prediction)
    before = issue_before(history_keys(ws.store, history_prefix(EventKey.parse(event))), issued)
    replaced = load_issue(ws.store, before) if before else None
    keep_change_log(ws.store, ws.tracking.rows(event), issued, prediction, replaced)
    prediction.attrs["inference_milliseconds"] = milliseconds
    return prediction


def horizon_of_model(features: pd.DataFrame) -> str:
    """Return the horizon whose model forecasts a race: with a provisional grid that of ``pre_race``.

    Parameters
    ----------
    features : pandas.DataFrame
        Gold's rows of one race or sprint and horizon.

    Returns
    -------
    str
        One of `HORIZONS`.
    """
    has_grid = features["grid_position"].notna().any()
    return Horizon.PRE_RACE if has_grid else str(features["horizon"].iloc[0])


def _check_ahead(store: ObjectStore, event: str, session: str, as_of: datetime) -> None:
    """Raise `RunError` once the race or sprint has started: what is issued then is no forecast (law 6)."""
    sessions = silver_tables.read_table(store, "sessions", [EventKey.parse(event).season])
    own = sessions[(sessions["event_partition_key"] == event) & (sessions["session"] == session)]
    if len(own) and as_of >= (start := own["session_start_utc"].iloc[0].to_pydatetime()):
        raise RunError(
            f"{event} {session} started at {format_utc(start)}, and it is {format_utc(as_of)}: nothing is issued after "
            "the start; predict an earlier moment in a lake of its own"
        )


def rows_of(
    features: pd.DataFrame, serving: Serving, gold_run_id: str, hashed: str | None, as_of: datetime, source: str
) -> pd.DataFrame:
    """Forecast one race as rows of a prediction.

    Parameters
    ----------
    features : pandas.DataFrame
        Gold's rows of one race or sprint, a row per driver.
    serving : Serving
        The model run.
    gold_run_id : str
        The run that made ``features``.
    hashed : str or None
        Hash of the weather forecast they contain (`forecast_hash`).
    as_of : datetime
        Moment of the prediction, aware UTC.
    source : str
        Source of the data: ``fastf1``, ``f1db`` or ``simulated``.

    Returns
    -------
    pandas.DataFrame
        One row per driver with `archive.COLUMNS`, in the predicted order.
    """
    rows = features.join(serving.forecast_session(features)).assign(
        as_of_utc=as_of,
        is_podium_prediction=lambda f: f["predicted_rank"] <= 3,
        model_run_id=serving.run_id,
        gold_run_id=gold_run_id,
        forecast_hash=hashed,
        source=source,
    )
    rows = rows.astype({"as_of_utc": "datetime64[us, UTC]", "predicted_rank": "int64", "event_year": "int64"})
    return rows[list(COLUMNS)].sort_values("predicted_rank", kind="stable", ignore_index=True)


def newest_features(
    store: ObjectStore, event: str, horizon: str, as_of: datetime, session: str = "R"
) -> tuple[pd.DataFrame, str]:
    """Read the newest gold rows of one race or sprint and horizon that were known at a moment.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    event : str
        Partition key; empty: any event.
    horizon : str
        One of `HORIZONS`; empty: the last one that the rows have.
    as_of : datetime
        Moment of the prediction, aware UTC; younger rows are not used.
    session : {"R", "S"}
        The race or the sprint.

    Returns
    -------
    rows : pandas.DataFrame
        One row per driver, with gold's columns.
    run_id : str
        The gold run that made them.

    Raises
    ------
    RunError
        There are no such rows.
    """
    for run_id in sorted(paths.gold_runs(store.list(paths.FEATURES_PREFIX)), key=_moment_of_run, reverse=True):
        key = paths.features_key(run_id)
        rows = parquet_frame(verified_gold(store, key), f"{key} in lake {store.url}")
        wanted = (rows["session"] == session) & (rows["event_partition_key"].isin([event]) | (event == ""))
        rows = rows[wanted & (rows["as_of_utc"] <= as_of)]
        reached = [h for h in HORIZONS if h in set(rows["horizon"]) and horizon in ("", h)]
        if reached:
            return rows[rows["horizon"] == reached[-1]].reset_index(drop=True), run_id
    raise RunError(
        f"lake {store.url} has no features of {event or 'a race to come'} at {horizon or 'any horizon'} "
        f"known at {format_utc(as_of)}: run 04_gold first"
    )


def forecast_hash(store: ObjectStore, event: str, session: str, as_of: datetime) -> str | None:
    """Hash the newest weather forecast of a session.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    event : str
        Partition key.
    session : {"R", "S"}
        The race or the sprint.
    as_of : datetime
        Moment of the prediction, aware UTC; later forecasts are not used.

    Returns
    -------
    str or None
        First 16 hexadecimal digits of the SHA-256; None when no forecast was available.
    """
    rows = silver_tables.read_table(store, "weather_forecast", [EventKey.parse(event).season])
    own = rows[(rows["event_partition_key"] == event) & (rows["session"] == session)]
    known = own[own["available_utc"] <= as_of]
    if known.empty:
        return None
    newest = known.sort_values(["issued_utc", "provenance"], kind="stable").tail(1)
    return fingerprint.of_text(newest.to_csv(index=False))[: fingerprint.SHORT]


def check(prediction: pd.DataFrame) -> None:
    """Raise unless a frame is one race's prediction with a coherent position matrix.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver with `archive.COLUMNS`.

    Raises
    ------
    MissingColumn
        A column is missing.
    BadGrain
        A driver occurs twice, or has no id.
    RunError
        The ranks are no permutation of 1..n, or a row or column of the matrix does not sum to 1 within 1e-6.
    """
    missing = [name for name in COLUMNS if name not in prediction.columns]
    if missing:
        raise MissingColumn(f"prediction: no column {', '.join(missing)}")
    check_grain(prediction, ["driver_id"], "prediction")
    n = len(prediction)
    if n == 0 or sorted(prediction["predicted_rank"]) != list(range(1, n + 1)):
        raise RunError(f"prediction of {n} drivers: the ranks are no permutation of 1..{n}; nothing was stored")
    matrix = np.array([np.asarray(row, dtype="float64") for row in prediction["position_probabilities"]])
    off = float("inf")
    if matrix.shape == (n, n) and matrix.min() >= 0:
        off = float(max(abs(matrix.sum(axis=0) - 1).max(), abs(matrix.sum(axis=1) - 1).max()))
    if not off <= _MATRIX_TOLERANCE:
        raise RunError(f"prediction of {n} drivers: position matrix {matrix.shape} is off by {off}; nothing was stored")


def _by_hand() -> None:
    """Hold no claim: outside a run there is none."""


def publish(
    store: ObjectStore, tracking: TrackingTable, prediction: pd.DataFrame, hold: Callable[[], None] = _by_hand
) -> str:
    """Store a new prediction: history first, then the newest file, ``latest.json`` and the tracking rows.

    Nothing that was issued is overwritten: a second prediction of the same moment and horizon gets a number. A
    prediction equal to the last one of its horizon is not issued again, but steps that an interrupted run left undone
    are completed. A prediction older than the newest (the past predicted again) is stored in the history only.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    tracking : TrackingTable
        Gets the rows of the table ``f1_predictions``.
    prediction : pandas.DataFrame
        A row per driver with `archive.COLUMNS`.
    hold : callable, optional
        Called before and after the history is written: raises `AlreadyRunning` when another run has taken over
        (`Workspace.hold`). What was written meanwhile is taken back.

    Returns
    -------
    str
        Key of the prediction in the history.

    Raises
    ------
    MissingColumn, BadGrain, RunError
        See `check`; nothing is stored.
    StorageError
        The table would refuse a row, and nothing is stored; or lake or table cannot be written.
    """
    check(prediction)
    rows = prediction[list(COLUMNS)].sort_values("predicted_rank", kind="stable", ignore_index=True)
    tracking.check_predictions(tracking_rows(rows))
    issued, rows = _issue(store, rows, hold)
    key, first = EventKey.parse(event_of(rows)), rows.iloc[0]
    session = str(first["session"])
    issues = map(parse_issue, history_keys(store, history_prefix(key)))
    moments = [name.moment for name in issues if name and name.session == session]
    if stamp(first["as_of_utc"]) >= max(moments):
        write_parquet(store, newest_key(key, session), rows)
        if session == "R":
            write_latest(store, rows)
    tracking.put_predictions(tracking_rows(rows))
    return issued


def tracking_rows(prediction: pd.DataFrame) -> list[dict[str, Any]]:
    """Convert a prediction to rows of the table ``f1_predictions``.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver with `archive.COLUMNS`.

    Returns
    -------
    list of dict
        One row per driver: plain values, moments as text, nulls left out, and ``event_partition_key``.
    """
    event = {"event_partition_key": event_of(prediction)}
    return [event | {k: v for k, v in row.items() if v is not None} for row in records(prediction)]


def latest_document(prediction: pd.DataFrame) -> dict[str, Any]:
    """Build the document ``predictions/latest.json`` from one race's prediction.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver with `archive.COLUMNS`.

    Returns
    -------
    dict
        Attributes of the race at the top, one object per driver under ``drivers``; the JSON schema is
        ``latest.schema.json`` beside it.
    """
    rows = records(prediction)
    shared = ("event_year", "event_name", "session", "as_of_utc", "horizon", "model_run_id", "gold_run_id",
              "forecast_hash", "p_rain", "source")  # fmt: skip
    head = {"event_partition_key": event_of(prediction), **{name: rows[0][name] for name in shared}}
    if head["p_rain"] is None:
        del head["p_rain"]
    drivers = [{k: v for k, v in row.items() if k not in shared} for row in rows]
    named = attribution.of_predictions(prediction)
    return {"$schema": "latest.schema.json", **head, "attribution": named, "drivers": drivers}


def write_latest(store: ObjectStore, rows: pd.DataFrame) -> None:
    """Write ``predictions/latest.json`` and its schema, unless it holds the prediction of a later moment.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    rows : pandas.DataFrame
        A race's prediction, a row per driver with `archive.COLUMNS`.
    """
    document = latest_document(rows)
    known = readable_json(store, LATEST)
    if str(known.get("as_of_utc", "")) > document["as_of_utc"] and is_latest(store, known):
        return
    schema = resources.files("f1lib.predictions").joinpath("latest.schema.json").read_bytes()
    store.write(LATEST_SCHEMA, schema)
    write_json(store, LATEST, document)


def is_latest(store: ObjectStore, document: dict[str, Any]) -> bool:
    """Whether ``predictions/latest.json`` holds the newest prediction of the race it names."""
    try:
        newest = find_newest(store, EventKey.parse(str(document.get("event_partition_key"))))
    except BadParameters:
        return False
    return newest is not None and latest_document(newest) == document


def _moment_of_run(run_id: str) -> tuple[str, int]:
    """Sort key of a run id: runs of one moment are numbered ...Z, ...Z-2, ..., ...Z-10."""
    moment, _, number = run_id.partition("-")
    return moment, int(number) if number.isdigit() else 1


def _issue(store: ObjectStore, rows: pd.DataFrame, hold: Callable[[], None]) -> tuple[str, pd.DataFrame]:
    """Write ``rows`` to the history unless the last issue of that horizon is equal; return its key and rows."""
    key, first = EventKey.parse(event_of(rows)), rows.iloc[0]
    kind = (str(first["horizon"]), str(first["session"]))
    issues = {name: parse_issue(name) for name in history_keys(store, history_prefix(key))}
    before = [name for name, issue in issues.items() if issue and (issue.horizon, issue.session) == kind]
    if before:
        last = load_issue(store, before[-1])
        if last["as_of_utc"].iloc[0] <= first["as_of_utc"] and _content(last) == _content(rows):
            return before[-1], last
    number = 1
    while (name := issue_key(key, first["as_of_utc"], *kind, number)) in before:
        number += 1
    hold()
    write_parquet(store, name, rows)
    try:
        hold()
    except AlreadyRunning:  # the write took longer than the lease: nobody has been told of it
        store.delete(name)
        raise
    return name, rows


def _content(prediction: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what makes a prediction the same: all but its moment and the names of the runs that it comes from.

    Features built again or a model trained again from the same data have new names and give the same forecast.
    """
    return records(prediction[list(COLUMNS)].drop(columns=["as_of_utc", "gold_run_id", "model_run_id"]))
