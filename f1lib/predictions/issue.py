"""Issue a prediction: features of an event, the model that serves, and every place the result is stored.

A prediction is one row a driver with the columns of `archive.COLUMNS` (names fixed by docs/lake.md). The newest for a
race stands in one Parquet file of its own and, for the next race, in ``predictions/latest.json``; every one issued
is kept under ``history/`` and never changed.
"""

from __future__ import annotations

from importlib import resources
from time import perf_counter
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import HORIZONS, EventKey
from f1lib.errors import MissingColumn, RunError
from f1lib.lake import attribution, fingerprint, paths, silver_tables
from f1lib.lake.parquet import read_parquet, records, write_parquet
from f1lib.lake.paths_published import LATEST, LATEST_SCHEMA, history_prefix, issue_key, newest_key, parse_issue
from f1lib.lake.store import find_json, write_json
from f1lib.lake.tables import check_grain
from f1lib.predictions import explain
from f1lib.predictions.archive import COLUMNS, event_of, history_keys, load_issue
from f1lib.predictions.change_log import issue_before, keep_change_log

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from f1lib.lake.store import ObjectStore
    from f1lib.model.serving import Serving
    from f1lib.workspace.workspace import Workspace


_MATRIX_TOLERANCE = 1e-6


def predict(ws: Workspace, event: str, horizon: str, session: str = "R") -> pd.DataFrame:
    """Predict the race (or sprint, ``S``) of ``event`` at ``horizon`` with the model that serves, and store it.

    Empty ``event``: the race whose features gold built last; empty ``horizon``: the last one reached. Reads the
    newest features not younger than ``ws.as_of``, the champion's ONNX graph and its numbers; no pickle is loaded.
    Returns a row a driver in the predicted order, `COLUMNS`; how long the forecast took stands in
    ``attrs["inference_milliseconds"]``. Raises `RunError` when gold has no such features, `StorageError` when no model
    serves the horizon.
    """
    from f1lib.model.registry import champion_of
    from f1lib.model.serving import load_serving

    features, gold_run_id = newest_features(ws.store, event, horizon, ws.as_of, session)
    first = features.iloc[0]
    _check_ahead(ws.store, str(first["event_partition_key"]), session, ws.as_of)
    serving = load_serving(ws.store, champion_of(ws.store, str(first["horizon"]))["run_id"])
    if parse_utc(serving.metadata["as_of"]) > ws.as_of:
        raise RunError(
            f"model run {serving.run_id} was trained at {serving.metadata['as_of']}, after {format_utc(ws.as_of)}: it "
            "knows what was not known then; predict an earlier moment in a lake of its own"
        )
    hashed = forecast_hash(ws.store, str(first["event_partition_key"]), str(first["session"]), ws.as_of)
    started = perf_counter()
    rows = rows_of(ws, features, serving, gold_run_id, hashed)
    milliseconds = (perf_counter() - started) * 1000
    issued = publish(ws, rows)
    explain.keep(ws.store, issued, serving, features)
    prediction = load_issue(ws.store, issued)
    event = event_of(prediction)
    before = issue_before(history_keys(ws.store, history_prefix(EventKey.parse(event))), issued)
    keep_change_log(ws, event, issued, prediction, load_issue(ws.store, before) if before else None)
    prediction.attrs["inference_milliseconds"] = milliseconds
    return prediction


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
    ws: Workspace, features: pd.DataFrame, serving: Serving, gold_run_id: str, hashed: str | None
) -> pd.DataFrame:
    """What ``serving`` says of one race's ``features``: `COLUMNS`, in the predicted order."""
    rows = features.join(serving.forecast_session(features)).assign(
        as_of_utc=ws.as_of,
        is_podium_prediction=lambda f: f["predicted_rank"] <= 3,
        model_run_id=serving.run_id,
        gold_run_id=gold_run_id,
        forecast_hash=hashed,
        source=ws.source_name,
    )
    rows = rows.astype({"as_of_utc": "datetime64[us, UTC]", "predicted_rank": "int64", "event_year": "int64"})
    return rows[list(COLUMNS)].sort_values("predicted_rank", kind="stable", ignore_index=True)


def newest_features(
    store: ObjectStore, event: str, horizon: str, as_of: datetime, session: str = "R"
) -> tuple[pd.DataFrame, str]:
    """The newest gold rows of one race (or sprint) and horizon known at ``as_of``, and the run that made them.

    An empty ``event`` or ``horizon`` takes what the newest rows are for. Raises `RunError` when there are none.
    """
    for run_id in sorted(paths.gold_runs(store.list(paths.FEATURES_PREFIX)), key=_moment_of_run, reverse=True):
        rows = read_parquet(store, paths.features_key(run_id))
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
    """SHA-256 (16 digits) of the newest forecast of a session known at ``as_of``; None when there is none."""
    rows = silver_tables.read_table(store, "weather_forecast", [EventKey.parse(event).season])
    rows = rows[
        (rows["event_partition_key"] == event) & (rows["session"] == session) & (rows["available_utc"] <= as_of)
    ]
    if rows.empty:
        return None
    newest = rows.sort_values(["issued_utc", "provenance"], kind="stable").tail(1)
    return fingerprint.of_text(newest.to_csv(index=False))[: fingerprint.SHORT]


def check(prediction: pd.DataFrame) -> None:
    """Raise unless ``prediction`` is one race's prediction with a coherent position matrix.

    `MissingColumn` or `BadGrain` for a broken table; `RunError` when ranks are no permutation of 1..n or a row
    or column of the matrix does not sum to 1 within 1e-6.
    """
    import numpy as np

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


def publish(ws: Workspace, prediction: pd.DataFrame) -> str:
    """Store a new prediction: history first, then the newest file, ``latest.json`` and the tracking rows.

    Returns the key in the history. What was issued before stays: a second prediction of the same moment and
    horizon gets a number. What says the same as the last one of its horizon is that one: it is not issued again,
    but whatever a run that died on the way left undone is done. An older one than the newest (somebody predicts
    the past again) only enters history.
    """
    check(prediction)
    rows = prediction[list(COLUMNS)].sort_values("predicted_rank", kind="stable", ignore_index=True)
    issued, rows = _issue(ws.store, rows)
    key, first = EventKey.parse(event_of(rows)), rows.iloc[0]
    newest = newest_key(key, str(first["session"]))
    if not ws.store.exists(newest) or read_parquet(ws.store, newest)["as_of_utc"].max() <= first["as_of_utc"]:
        write_parquet(ws.store, newest, rows)
        if first["session"] == "R":
            _write_latest(ws, rows)
    ws.tracking.put_predictions(tracking_rows(rows))
    return issued


def tracking_rows(prediction: pd.DataFrame) -> list[dict[str, Any]]:
    """``prediction`` as rows of the table ``f1_predictions``: plain values, moments as text, nulls left out."""
    event = event_of(prediction)
    rows = []
    for row in records(prediction):
        rows.append({"event_partition_key": event, **{k: v for k, v in row.items() if v is not None}})
    return rows


def latest_document(prediction: pd.DataFrame) -> dict[str, Any]:
    """``predictions/latest.json``: one race's prediction as JSON; its schema stands beside it."""
    rows = records(prediction)
    shared = ("event_year", "event_name", "session", "as_of_utc", "horizon", "model_run_id", "gold_run_id",
              "forecast_hash", "source")  # fmt: skip
    head = {"event_partition_key": event_of(prediction), **{name: rows[0][name] for name in shared}}
    drivers = [{k: v for k, v in row.items() if k not in shared} for row in rows]
    named = attribution.of_predictions(prediction)
    return {"$schema": "latest.schema.json", **head, "attribution": named, "drivers": drivers}


def _write_latest(ws: Workspace, rows: pd.DataFrame) -> None:
    document = latest_document(rows)
    known = find_json(ws.store, LATEST)
    if known and known["as_of_utc"] > document["as_of_utc"]:
        return
    schema = resources.files("f1lib.predictions").joinpath("latest.schema.json").read_bytes()
    ws.store.write(LATEST_SCHEMA, schema)
    write_json(ws.store, LATEST, document)


def _moment_of_run(run_id: str) -> tuple[str, int]:
    """Run ids of one moment are numbered: ...Z, ...Z-2, ..., ...Z-10."""
    moment, _, number = run_id.partition("-")
    return moment, int(number) if number.isdigit() else 1


def _issue(store: ObjectStore, rows: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Put ``rows`` into the history unless its last issue of that horizon says the same; its key, and what it holds."""
    key, first = EventKey.parse(event_of(rows)), rows.iloc[0]
    kind = (str(first["horizon"]), str(first["session"]))
    issues = {name: parse_issue(name) for name in history_keys(store, history_prefix(key))}
    before = [name for name, issue in issues.items() if issue and (issue.horizon, issue.session) == kind]
    if before:
        last = load_issue(store, before[-1])
        if last["as_of_utc"].iloc[0] <= first["as_of_utc"] and _said(last) == _said(rows):
            return before[-1], last
    number = 1
    while (name := issue_key(key, first["as_of_utc"], *kind, number)) in before:
        number += 1
    write_parquet(store, name, rows)
    return name, rows


def _said(prediction: pd.DataFrame) -> list[dict[str, Any]]:
    return records(prediction[list(COLUMNS)].drop(columns="as_of_utc"))
