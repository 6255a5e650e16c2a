"""Structured log lines and CloudWatch metrics of runs on AWS: names, computation and output.

>>> telemetry = Telemetry("f1lib/f1", "f1-runner")
>>> telemetry.stage(run, run_id); telemetry.measure(of_tick(result))

The lines are aws-lambda-powertools' structured logs, one JSON document an event; the metrics its embedded metric
format. Everything measured is a pure function of what the run left in the lake and the tracking table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, pvariance
from typing import Any

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import Horizon
from f1lib.lake.paths_published import ACCURACY
from f1lib.lake.store import ObjectStore, find_json
from f1lib.pipeline.rules import Step
from f1lib.pipeline.tick import StageRun, TickResult
from f1lib.tracking.rows import Outcome, Status, TrackingRow, key_of
from f1lib.tracking.stage_keys import STAGES, Stage, StageKey
from f1lib.tracking.table import TrackingTable

# name -> unit, dimension beside the service, meaning. The alarms and the dashboard of template.yaml use these names.
METRICS = {
    "StageSeconds": ("Seconds", "stage", "how long a stage took, its notebook's start included"),
    "StageRows": ("Count", "stage", "what a stage says it brought: events, sessions, rows"),
    "StageFailures": ("Count", "", "stages that failed in a tick; 0 when all went well"),
    "StagesFailing": (
        "Count",
        "",
        "stages whose last try failed, by the table: a failing stage waits between its tries",
    ),
    "StagesTaken": ("Count", "", "stages that another run was working on"),
    "StepsLeft": ("Count", "", "1 when a tick ended for want of time and the next one goes on"),
    "InferenceMilliseconds": ("Milliseconds", "", "one race forecast by the serving model, its file loaded"),
    "PredictionVariance": ("None", "", "variance of predicted_position over the drivers of a new prediction"),
    "PredictionMissing": ("Count", "", "races to come, qualifying over for two hours, not predicted from it"),
    "SessionsFailing": ("Count", "", "sessions of the last 14 days whose source gave an error"),
    "SessionsBlocked": ("Count", "", "sessions of the last 14 days whose source refuses us"),
    "DriftRps": ("None", "", "mean RPS of the last 5 scored races less that of the races before; above 0 is worse"),
}
RECENT = timedelta(days=14)
PREDICTION_DUE_AFTER = timedelta(hours=2)
DRIFT_RACES = 5  # whose mean RPS is compared with the mean of the races before
_ROWS = ("rows", "sessions", "events", "predictions", "forecasts")


@dataclass(frozen=True)
class Measure:
    """One value of one of `METRICS`; ``stage`` where the metric has that dimension."""

    name: str
    value: float
    stage: str = ""


def of_tick(result: TickResult) -> list[Measure]:
    """Measure a tick: each of its stages, failures, claims of others, and whether it came to its end."""
    measures = [measure for run in result.runs for measure in of_stage(run)]
    measures += [Measure("StageFailures", len(result.failures)), Measure("StagesTaken", len(result.taken))]
    return [*measures, Measure("StepsLeft", 0 if result.complete else 1)]


def of_stage(run: StageRun) -> list[Measure]:
    """Measure a stage: its duration and, where its result has a count, the number of rows."""
    measures = [Measure("StageSeconds", run.seconds, run.step.stage)]
    counts = [run.result[name] for name in _ROWS if isinstance(run.result.get(name), int)]
    return measures + [Measure("StageRows", count, run.step.stage) for count in counts[:1]]


def of_state(store: ObjectStore, rows: Sequence[TrackingRow], as_of: datetime) -> list[Measure]:
    """Measure the health of sources, predictions and models.

    Parameters
    ----------
    store : ObjectStore
        The lake, for the scores of issued predictions.
    rows : sequence of TrackingRow
        The whole tracking table.
    as_of : datetime
        The moment, aware UTC.

    Returns
    -------
    list of Measure
        ``DriftRps`` is left out until enough races are scored.
    """
    since, until = format_utc(as_of - RECENT), format_utc(as_of)
    recent = Counter(row.get("status") for row in rows if since <= row.get("available_utc", "") <= until)
    measures = [Measure("PredictionMissing", len(overdue_predictions(rows, as_of)))]
    measures += [Measure("SessionsFailing", recent[Status.FAILED]), Measure("SessionsBlocked", recent[Status.BLOCKED])]
    measures.append(Measure("StagesFailing", len(failing_stages(rows))))
    accuracy = find_json(store, ACCURACY)
    drift = rps_drift(accuracy["predictions"]) if accuracy else None
    return measures + ([] if drift is None else [Measure("DriftRps", drift)])


def rps_drift(entries: Iterable[Mapping[str, Any]]) -> float | None:
    """Compare the mean RPS of the last `DRIFT_RACES` races with that of the races before.

    Of a race the last horizon in ``entries``, the rows of ``reports/accuracy.json``, counts. Returns the difference,
    None before there are twice `DRIFT_RACES` races.
    """
    races: dict[tuple[str, str], float] = {}
    for entry in entries:
        if entry["system"] == "model" and entry["session"] == "R":
            races[entry["race_start_utc"], entry["event_partition_key"]] = entry["rps"]
    scores = [races[key] for key in sorted(races)]
    if len(scores) < 2 * DRIFT_RACES:
        return None
    return fmean(scores[-DRIFT_RACES:]) - fmean(scores[:-DRIFT_RACES])


def failing_stages(rows: Iterable[TrackingRow], stages: Container[str] = frozenset(STAGES)) -> dict[str, TrackingRow]:
    """Find the stages whose last try failed; one that backs off is not tried again at every tick.

    Parameters
    ----------
    rows : iterable of TrackingRow
        The whole tracking table.
    stages : container of str
        Stages that are looked at; all of them by default.

    Returns
    -------
    dict
        Event and stage as one text -> the row, with its ``last_error``.
    """
    found = {}
    for row in rows:
        (event, name), key = key_of(row), StageKey.parse(row["session_name_abr"])
        if key and key.name in stages and row.get("status") == Status.FAILED:
            found[f"{event} {name}"] = row
    return found


def of_prediction(tracking: TrackingTable, result: Mapping[str, Any]) -> list[Measure]:
    """Measure the spread of a new prediction and its forecast's time; ``result`` is what 06_predict says of it."""
    about = ("horizon", "session")
    issued = [r for r in tracking.predictions(result["event"]) if all(r[name] == result[name] for name in about)]
    newest = max(str(row["as_of_utc"]) for row in issued)
    places = [row["predicted_position"] for row in issued if row["as_of_utc"] == newest]
    spread = Measure("PredictionVariance", pvariance(places))
    return [spread, Measure("InferenceMilliseconds", result["inference_milliseconds"])]


def overdue_predictions(rows: Iterable[TrackingRow], now: datetime) -> list[str]:
    """List the events without a prediction from qualifying, `PREDICTION_DUE_AFTER` after it and before the race."""
    by_key = {key_of(row): row for row in rows}
    late, horizons = [], (Horizon.POST_QUALIFYING, Horizon.PRE_RACE)
    predicted = [StageKey(Stage.PREDICT, horizon).sort_key for horizon in horizons]
    for (event, session), row in sorted(by_key.items()):
        race = by_key.get((event, "R"))
        if session != "Q" or race is None or "session_end_utc" not in row or row.get("is_cancelled"):
            continue
        due = parse_utc(row["session_end_utc"]) + PREDICTION_DUE_AFTER
        done = any(by_key.get((event, name), {}).get("finished_utc") for name in predicted)
        if due <= now < parse_utc(race["session_date_utc"]) and not done:
            late.append(event)
    return late


class Telemetry:
    """Writer of log lines and metrics of one Lambda function to standard output."""

    def __init__(self, namespace: str, service: str, request_id: str = "") -> None:
        from aws_lambda_powertools import Logger

        self.namespace, self.service = namespace, service
        self._logger = Logger(service=service, use_rfc3339=True)
        self._logger.append_keys(request_id=request_id)

    def line(self, message: str, *, failed: bool = False, **fields: Any) -> None:
        """Write one JSON line; ``fields`` beside time, level and service."""
        write = self._logger.error if failed else self._logger.info
        write(message, **fields)

    def begins(self, step: Step) -> None:
        """Write one line before a stage."""
        self.line("stage begins", stage=step.stage, reason=step.reason, event_partition_key=step.event_partition_key)

    def stage(self, run: StageRun, run_id: str) -> None:
        """Write one line after a stage."""
        fields: dict[str, Any] = {"run_id": run_id, "stage": run.step.stage, "reason": run.step.reason}
        fields |= {"event_partition_key": run.step.event_partition_key, "status": run.status}
        fields |= {"seconds": round(run.seconds, 3), "notebook": run.notebook_key, "error": run.error or None}
        self.line(f"stage {run.status}", failed=run.status == Outcome.FAILED, **fields)

    def measure(self, measures: Iterable[Measure]) -> None:
        """Write metrics in the embedded metric format, one line a measure."""
        from aws_lambda_powertools.metrics import MetricUnit, single_metric

        for measure in measures:
            unit, dimension, _ = METRICS[measure.name]
            where: dict[str, Any] = {"namespace": self.namespace, "default_dimensions": {"service": self.service}}
            with single_metric(measure.name, MetricUnit(unit), measure.value, **where) as metric:
                if dimension:
                    metric.add_dimension(dimension, measure.stage)
