"""Score another forecaster on the same races, paired with f1lib's own forecasts (docs/scoring.md).

Ours are those of the walk-forward backtest, refitted before each race, at the horizon whose data was out when theirs
was issued. Forecasts that carry a moment before the start are ``live``; those without one, whose file names the
horizon, are ``undated`` and stand apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from f1lib.domain.moments import NEVER, format_utc, parse_utc
from f1lib.domain.weekend import GRID_LEAD, HORIZONS, RACE_OR_SPRINT, EventKey
from f1lib.errors import BadParameters
from f1lib.evaluation import backtest
from f1lib.evaluation.forecast_file import Forecast
from f1lib.evaluation.issued import cutoffs_of, joined_with_result, results_of
from f1lib.lake import silver_tables
from f1lib.lake.store import ObjectStore
from f1lib.model.config import ModelConfig
from f1lib.scoring import baselines, metrics, scorecard
from f1lib.scoring.partial import score_known

_GROUP = ["system", "session", "kind", "horizon"]


def score_forecasts(
    store: ObjectStore,
    forecasts: Sequence[Forecast],
    training: pd.DataFrame,
    config: ModelConfig,
    as_of: datetime,
    threads: int,
    skip_incomplete: bool = False,
) -> dict[str, Any]:
    """Score forecasts of races that are over, beside ours and the baseline of the horizon.

    Of several forecasts of one system, race and horizon the last issued counts.

    Parameters
    ----------
    store : ObjectStore
        The lake with results and calendar.
    forecasts : sequence of Forecast
        From `f1lib.evaluation.forecast_file.read_forecasts`.
    training : pandas.DataFrame
        Gold's training dataset.
    config : ModelConfig
        Our configuration.
    as_of : datetime
        Results available by then count, aware UTC.
    threads : int
        Races computed at once.
    skip_incomplete : bool
        Leave out races of which a starter is not forecast, instead of refusing the file.

    Returns
    -------
    dict
        ``groups``: one a system, session, kind (``live`` or ``undated``) and horizon, see `_group`; ``skipped`` and
        ``no_result_yet``: races that were left out.

    Raises
    ------
    BadParameters
        A forecast was issued at or after the start, has neither moment nor horizon, or lacks a starter; or no race has
        a result.
    """
    placed = _placed(store, forecasts)
    raced = {(f.event, f.session) for f in placed.values()}
    results = results_of(store, raced, as_of)
    scores, skipped = [], []
    for (*_, kind, horizon), forecast in placed.items():
        result = results.get((forecast.event, forecast.session))
        if result is None:
            continue
        joined = joined_with_result(forecast.rows, result)
        lacking = sorted(set(result.loc[result["is_entrant"].astype(bool), "driver_id"]) - set(joined["driver_id"]))
        if lacking and not skip_incomplete:
            raise BadParameters(
                f"{forecast.event} {forecast.session}: {', '.join(lacking)} started and is not forecast by "
                f"{forecast.system}; add the driver, or leave such races out with --skip-incomplete"
            )
        if lacking:
            skipped.append(
                f"{forecast.event} {forecast.session}, {horizon}: {forecast.system} lacks {', '.join(lacking)}"
            )
            continue
        head = {"system": forecast.system, "session": forecast.session, "kind": kind, "horizon": horizon}
        scores.append({**head, "event_partition_key": forecast.event, **score_known(joined)})
    waiting = sorted({f"{event} {session}" for event, session in raced - set(results)})
    if not scores:
        left = "; ".join([*skipped, *(f"{race} has no result" for race in waiting)][:3])
        raise BadParameters(f"none of the forecasts can be scored: {left}")
    table = pd.DataFrame(scores)
    ours = _ours(training, config, table, threads)
    groups = [_group(key, part, ours, config.name) for key, part in table.groupby(_GROUP, sort=False)]
    return {"groups": groups, "skipped": skipped, "no_result_yet": waiting}


def _placed(store: ObjectStore, forecasts: Sequence[Forecast]) -> dict[tuple[str, ...], Forecast]:
    """Return the last forecast of each system, event, session, kind and horizon; refuse one made after the start."""
    events = {forecast.event for forecast in forecasts}
    begins, starts = cutoffs_of(store, events), _starts(store, events)
    found: dict[tuple[str, ...], Forecast] = {}
    for forecast in sorted(forecasts, key=lambda f: f.issued_utc):
        kind, horizon = "undated", forecast.horizon
        if forecast.issued_utc:
            kind, horizon = "live", _horizon(forecast, begins, *starts[forecast.event, forecast.session])
        if not horizon:
            where = f"{forecast.event} {forecast.session}"
            raise BadParameters(f"{where}: neither issued_utc nor horizon says what {forecast.system} could know")
        found[forecast.system, forecast.event, forecast.session, kind, horizon] = forecast
    return found


def _horizon(
    forecast: Forecast, begins: Mapping[tuple[str, str, str], str], start: datetime, is_estimated: bool
) -> str:
    """Return the last horizon whose data was out when a forecast was issued; refuse one issued after the start."""
    race, told = (forecast.event, forecast.session), ""
    begun = {name: begins.get((*race, name), NEVER) for name in HORIZONS}
    if is_estimated and forecast.start_utc:
        start = parse_utc(forecast.start_utc)
        begun["pre_race"] = format_utc(start - GRID_LEAD)
    elif is_estimated:
        told = " (estimated: the column start_utc gives a better one)"
    if forecast.issued_utc >= format_utc(start):
        raise BadParameters(
            f"{' '.join(race)}: {forecast.system} issued it at {forecast.issued_utc}, and it started at "
            f"{format_utc(start)}{told}: no forecast; without issued_utc, with its horizon, it is scored apart"
        )
    return next((name for name in reversed(HORIZONS) if begun[name] <= forecast.issued_utc), HORIZONS[0])


def _starts(store: ObjectStore, events: set[str]) -> dict[tuple[str, str], tuple[datetime, bool]]:
    """Map (event, session) to its start and whether that is estimated."""
    rows = silver_tables.read_table(store, "sessions", sorted({EventKey.parse(event).season for event in events}))
    return {
        (row["event_partition_key"], row["session"]): (
            row["session_start_utc"].to_pydatetime(),
            row["time_is_estimated"],
        )
        for row in rows.to_dict("records")
    }


def _ours(training: pd.DataFrame, config: ModelConfig, table: pd.DataFrame, threads: int) -> pd.DataFrame:
    """Score our forecasts and the baseline's of every session and horizon that theirs are of."""
    parts = []
    for (session, horizon), part in table.groupby(["session", "horizon"]):
        events = set(part["event_partition_key"])
        seasons = [EventKey.parse(event).season for event in events]
        span = min(seasons), max(seasons)
        slots = baselines.BY_HORIZON[str(horizon)][0]
        made = {
            ("models", config.name, str(horizon)): backtest.walk_forward(
                training, config, str(horizon), *span, 1, threads, str(session), events
            ),
            ("baselines", slots, str(horizon)): backtest.walk_baseline(
                training, slots, str(horizon), *span, events, str(session)
            ),
        }
        parts.append(scorecard.scorecard(made, {})[1].assign(session=str(session)))
    return pd.concat(parts, ignore_index=True)


def _group(key: Any, theirs: pd.DataFrame, ours: pd.DataFrame, model: str) -> dict[str, Any]:
    """Compare one system with ours and the baseline over the same races.

    ``{"system", "session", "kind", "horizon", "races", "means": {system: {metric, <metric>_se}}, "paired": {metric:
    theirs minus ours, <metric>_se}, "excess": {system: `scorecard.real_and_expected`}}``; theirs first.
    """
    named = dict(zip(_GROUP, key, strict=True))
    same = (ours["session"] == named["session"]) & (ours["horizon"] == named["horizon"])
    same &= ours["event_partition_key"].isin(theirs["event_partition_key"])
    given = [name for name in metrics.METRICS if name in theirs and theirs[name].notna().all()]
    frames = {named["system"]: theirs} | {str(name): part for name, part in ours[same].groupby("system", sort=False)}
    base = frames[model].set_index("event_partition_key").reindex(theirs["event_partition_key"])
    paired: dict[str, float] = {}
    for name in given:
        paired[name], paired[f"{name}_se"] = metrics.paired_difference(theirs[name], base[name])
    return {
        **named,
        "races": len(theirs),
        "means": {name: _means(part, given if part is theirs else metrics.METRICS) for name, part in frames.items()},
        "paired": paired,
        "excess": {name: scorecard.real_and_expected(part.dropna(axis=1)) for name, part in frames.items()},
    }


def title_of(group: Mapping[str, Any]) -> str:
    """Return what a group of `score_forecasts` compares: ``f1predict, 31 races, live, post qualifying``."""
    kind = RACE_OR_SPRINT[group["session"]] + ("s" if group["races"] != 1 else "")
    return f"{group['system']}, {group['races']} {kind}, {group['kind']}, {group['horizon'].replace('_', ' ')}"


def _means(scores: pd.DataFrame, names: Sequence[str]) -> dict[str, float]:
    races: list[Mapping[str, float]] = [
        {str(name): value for name, value in row.items()} for row in scores[list(names)].to_dict("records")
    ]
    return metrics.summarize(races)
