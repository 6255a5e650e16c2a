"""The plan of a tick: what is due at ``now``, as a pure function of the tracking rows.

Input rows (a season's schedule, a session, a starting grid, an event's forecast) climb ``ingested -> silver
-> gold`` as the layers take them in; a stage is due while a row waits on the step below it. Nothing here
does I/O, and every rule is one named function and one named test.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from f1lib.domain.moments import format_utc, has_come
from f1lib.pipeline.rules import (
    Step,
    gold,
    ingest,
    past_and_coming_weather,
    predict,
    predict_sprint,
    report,
    schedule,
    score,
    silver,
    train,
    weather,
)
from f1lib.tracking.index import Rows
from f1lib.tracking.stage_keys import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from f1lib.tracking.rows import SessionRow, TrackingRow

# After a second failure in a row these wait for 15 minutes, after each further one twice as long, at most 6 hours; new
# data in bronze or silver ends the wait. The stages that ask sources have rules of their own (`f1lib.bronze.due`).
BACKS_OFF = frozenset({Stage.SILVER, Stage.GOLD, Stage.TRAIN, Stage.PREDICT, Stage.SCORE, Stage.REPORT})


def due_steps(
    rows: Iterable[TrackingRow],
    now: datetime,
    *,
    has_weather: bool = False,
    has_past_weather: bool = False,
    tried: frozenset[tuple[str, str]] = frozenset(),
) -> list[Step]:
    """List the steps that can be run now.

    Only the earliest layer with work is returned, because what comes after it depends on its outcome: run it, read
    the rows again, ask again.

    Parameters
    ----------
    rows : iterable of Row
        The whole tracking table.
    now : datetime
        The moment, aware UTC.
    has_weather, has_past_weather : bool
        Whether forecasts are fetched, and whether those of past races are too.
    tried : frozenset
        Keys of the steps that this tick has run already.

    Returns
    -------
    list of Step
        In order; empty when nothing is due.
    """
    known = Rows(rows)
    rules = [schedule, ingest, silver, gold, train, predict, predict_sprint, score, report]
    if has_weather:
        rules.insert(2, past_and_coming_weather if has_past_weather else weather)
    for rule in rules:
        steps = [step for step in rule(known, now) if step.key not in tried and not _waits(known, step, now)]
        if steps:
            return steps
    return []


def _waits(known: Rows, step: Step, now: datetime) -> bool:
    """Whether a stage that failed again and again is left alone until its ``next_attempt_utc``: unless data is new."""
    row = known.by_key.get(step.key, {})
    again, failed = row.get("next_attempt_utc"), row.get("updated_at_utc", "")
    if step.stage not in BACKS_OFF or not again or has_come(again, format_utc(now)):
        return False
    return not any(found.get("updated_at_utc", "") > failed for found in known.inputs)


def next_race(rows: Iterable[TrackingRow], now: datetime) -> SessionRow | None:
    """See `Rows.next_race`."""
    return Rows(rows).next_race(now)
