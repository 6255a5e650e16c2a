"""The rules of the orchestrator: for each stage, when it is due, as a pure function of the tracking rows.

Input rows (a season's schedule, a session, a starting grid, an event's forecast) climb ``ingested -> silver
-> gold`` as the layers take them in; a stage is due while a row waits on the step below it. Nothing here
does I/O, and every rule is one named function and one named test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from f1lib.bronze.due import due_rows
from f1lib.domain.moments import format_utc, has_come, parse_utc
from f1lib.domain.weekend import gridding_session
from f1lib.lake import fingerprint
from f1lib.model import FEWEST_RACES
from f1lib.tracking.index import Rows
from f1lib.tracking.rows import PIPELINE, SETTLED, STORED, SessionRow, Status
from f1lib.tracking.stage_keys import GRID_ROWS, SESSIONS, Stage, StageKey, suffix_of

SCHEDULE_EVERY = timedelta(hours=24)
FORECAST_REACH = timedelta(days=16)
FORECAST_CLOSE = timedelta(hours=72)
FORECAST_EVERY = timedelta(hours=24)
UNFINISHED = "its last run did not end"
SPRINT = "_sprint"  # what the name of a sprint's prediction ends in


@dataclass(frozen=True)
class Step:
    """One stage to run: its parameters, the row that is claimed for it, and why it is due.

    ``events``: those whose rows it moves, be they settled or not.
    """

    stage: str
    reason: str
    parameters: dict[str, Any] = field(default_factory=dict)
    event_partition_key: str = PIPELINE
    suffix: str = ""
    input_hash: str = ""
    events: frozenset[str] = frozenset()

    @property
    def sort_key(self) -> str:
        """The sort key of the row that is claimed."""
        return StageKey(self.stage, self.suffix).sort_key

    @property
    def key(self) -> tuple[str, str]:
        """What tells this step from another in one tick."""
        return (self.event_partition_key, self.sort_key)


def horizon_known(known: Rows, event: str, now: datetime, session: str = "R") -> str:
    """Return the last horizon of an event whose data is in gold.

    Parameters
    ----------
    known : Rows
        The tracking table.
    event : str
        The event's partition key.
    now : datetime
        The moment, aware UTC.
    session : str
        ``R`` for the race, ``S`` for the sprint.

    Returns
    -------
    str
        ``post_practice`` begins with the first session before qualifying and is renewed with each further one.
    """
    if known.by_key.get((event, GRID_ROWS[session]), {}).get("status") == Status.GOLD:
        return "pre_race"
    sessions = known.sessions.get(event, {})
    own = sessions.get(session, {})
    qualifying = sessions.get(gridding_session(str(own.get("event_format", "")), session))
    if qualifying is None:
        return "pre_weekend"
    if qualifying.get("status") == Status.GOLD:
        return "post_qualifying"
    before = [row for row in sessions.values() if row["session_date_utc"] < qualifying["session_date_utc"]]
    held = [row for row in before if row["available_utc"] <= format_utc(now)]
    some = any(row.get("status") == Status.GOLD for row in held)
    settled = len(held) == len(before) and all(row.get("status") in SETTLED for row in held)
    return "post_practice" if before and (some or settled) else "pre_weekend"


def schedule(known: Rows, now: datetime) -> list[Step]:
    """Read the calendar once a day, and sooner after another source had to stand in for it.

    Near a weekend every tick reads that season's: sessions are put off, brought forward and called off at short notice.
    """
    row = known.stage(Stage.SCHEDULE)
    finished = row.get("finished_utc")
    is_fresh = finished and parse_utc(finished) + SCHEDULE_EVERY > now and row.get("status") != Status.FAILED
    if is_fresh and not has_come(row.get("next_attempt_utc"), format_utc(now)):
        near = known.seasons_near_a_weekend(now) if finished != format_utc(now) else []
        return [Step(Stage.SCHEDULE, "a weekend is near", {"seasons": near})] if near else []
    reason = "the calendar has never been read" if not finished else f"the calendar was last read {finished}"
    return [Step(Stage.SCHEDULE, reason)]


def ingest(known: Rows, now: datetime) -> list[Step]:
    """Fetch a session from when it is visible until it is whole, and after its race again (`f1lib.bronze.due`)."""
    due = due_rows(known.by_key.values(), now)
    again = sum(row.get("status") in STORED for row in due)
    parts = [f"{len(due) - again} sessions are visible and not ingested"] if len(due) > again else []
    parts += [f"{again} are read again"] if again else []
    events = frozenset(str(row["event_partition_key"]) for row in due)
    if not due:
        return [Step(Stage.INGEST, UNFINISHED)] if _is_unfinished(known, Stage.INGEST) else []
    return [Step(Stage.INGEST, "; ".join(parts), events=events)]


def weather(known: Rows, now: datetime) -> list[Step]:
    """Fetch a forecast daily within `FORECAST_REACH` of a race, and every tick within `FORECAST_CLOSE`."""
    ahead = [race for race in known.races if race["session_date_utc"] > format_utc(now)]
    return _forecasts(known, [race["event_partition_key"] for race in ahead if _forecast_due(known, race, now)])


def past_and_coming_weather(known: Rows, now: datetime) -> list[Step]:
    """Fetch forecasts as `weather` does, and once for every past race: for a source that has them at hand."""
    return _forecasts(known, [race["event_partition_key"] for race in known.races if _forecast_due(known, race, now)])


def _forecasts(known: Rows, due: list[str]) -> list[Step]:
    if not due:
        return [Step(Stage.WEATHER, UNFINISHED)] if _is_unfinished(known, Stage.WEATHER) else []
    named = due[0] if len(due) == 1 else f"{len(due)} events"
    return [Step(Stage.WEATHER, f"a forecast is due for {named}", {"events": due}, events=frozenset(due))]


def _forecast_due(known: Rows, race: SessionRow, now: datetime) -> bool:
    start = parse_utc(race["session_date_utc"])
    row = known.stage(Stage.WEATHER, race["event_partition_key"])
    if start > now + FORECAST_REACH or (row.get("next_attempt_utc") or "") > format_utc(now):
        return False
    fetched = row.get("finished_utc")
    if not fetched:
        return True
    every = timedelta(0) if start - now <= FORECAST_CLOSE else FORECAST_EVERY
    return now < start and parse_utc(fetched) + every < now


def silver(known: Rows, now: datetime) -> list[Step]:
    """Rebuild silver for the seasons that have new bronze."""
    seasons = sorted({int(row["event_year"]) for row in known.inputs if row.get("status") == Status.INGESTED})
    if not seasons and _is_unfinished(known, Stage.SILVER):
        stored = [row["event_year"] for row in known.inputs if row.get("status") in STORED and "event_year" in row]
        return [Step(Stage.SILVER, UNFINISHED, {"seasons": [max(stored)]})] if stored else []
    text = f"new bronze in {len(seasons)} season{'s' * (len(seasons) > 1)}"
    return [Step(Stage.SILVER, text, {"seasons": seasons})] if seasons else []


def gold(known: Rows, now: datetime) -> list[Step]:
    """Rebuild gold when silver has rows it has not taken in, and when another race is the next one.

    The step's ``input_hash`` is the key of the race whose features it builds. From a race's start until its result is
    expected the next race waits: a tick meanwhile has nothing to do.
    """
    waiting = [row for row in known.inputs if row.get("status") == Status.SILVER]
    race = known.next_race(now)
    coming = race["event_partition_key"] if race else ""
    if waiting:
        count = "1 input is" if len(waiting) == 1 else f"{len(waiting)} inputs are"
        return [Step(Stage.GOLD, f"{count} new in silver", input_hash=coming)]
    if _is_unfinished(known, Stage.GOLD):
        return [Step(Stage.GOLD, UNFINISHED, input_hash=coming)]
    if not coming or _built_for(known) in (None, coming) or known.is_under_way(now):
        return []
    return [Step(Stage.GOLD, f"{coming} is the next race now", input_hash=coming)]


def _is_unfinished(known: Rows, stage: Stage) -> bool:
    """Whether the last run of a stage ended before it was recorded, though its inputs have moved on.

    What it has left to do is little; that it was done is recorded then.
    """
    return known.stage(stage).get("status") == Status.FAILED


def _built_for(known: Rows) -> str | None:
    """Return the key of the race whose features gold built last; None when gold was never built.

    A row of an older version does not name it: it was the next race when that gold was finished.
    """
    row = known.stage(Stage.GOLD)
    if row.get("input_hash") or not row.get("finished_utc"):
        return row.get("input_hash")
    race = known.next_race(parse_utc(row["finished_utc"]))
    return race["event_partition_key"] if race else ""


def train(known: Rows, now: datetime) -> list[Step]:
    """Train when a race's result has come in since the last training."""
    raced = [row for row in known.races if row.get("status") == Status.GOLD]
    if not raced:
        return []
    latest = raced[-1]["event_partition_key"]
    digest = _digest([(row["event_partition_key"], row.get("content_hash")) for row in raced])
    if known.stage(Stage.TRAIN).get("input_hash") == digest:
        return []
    return [Step(Stage.TRAIN, f"the result of {latest} is new", input_hash=digest)]


def results_lacking(known: Rows) -> int:
    """Return how many results of races and sprints are still lacking before a first model can be trained."""
    sessions = [own[name] for own in known.sessions.values() for name in ("R", "S") if name in own]
    return max(FEWEST_RACES - sum(row.get("status") == Status.GOLD for row in sessions), 0)


def predict(known: Rows, now: datetime) -> list[Step]:
    """Predict the next race once at each horizon that its data has reached."""
    race = known.next_race(now)
    return _prediction(known, race, now) if race else []


def predict_sprint(known: Rows, now: datetime) -> list[Step]:
    """Predict the sprint of the next race's weekend likewise, until it starts."""
    sprint = known.next_sprint(now)
    return _prediction(known, sprint, now) if sprint else []


def _prediction(known: Rows, raced: SessionRow, now: datetime) -> list[Step]:
    if not known.stage(Stage.TRAIN):
        return []
    event, session = raced["event_partition_key"], raced["session_name_abr"]
    if _built_for(known) not in (None, event):  # its features do not exist yet
        return []
    horizon = horizon_known(known, event, now, session)
    digest = _digest([event, horizon, known.stage(Stage.TRAIN).get("input_hash"), _inputs_of(known, event, horizon)])
    suffix = horizon if session == "R" else f"{horizon}{SPRINT}"
    done = known.stage(Stage.PREDICT, event, suffix)
    if done.get("input_hash") == digest:
        return []
    what = horizon if session == "R" else f"the sprint's {horizon}"
    reason = f"{what} data is there" if not done else f"the inputs changed since {done.get('finished_utc')}"
    parameters = {"event": event, "horizon": horizon} | ({"session": session} if session != "R" else {})
    return [Step(Stage.PREDICT, reason, parameters, event, suffix, digest)]


def score(known: Rows, now: datetime) -> list[Step]:
    """Score issued predictions when the result of their race or sprint is in."""
    names = [(event, name) for event, name in known.by_key if suffix_of(Stage.PREDICT, name)]
    predicted = {(event, "S" if name.endswith(SPRINT) else "R") for event, name in names}
    raced = [known.sessions.get(event, {}).get(session, {}) for event, session in predicted]
    raced = sorted(
        (r for r in raced if r.get("status") == Status.GOLD),
        key=lambda r: (r["session_date_utc"], r["event_partition_key"]),
    )
    if not raced:
        return []
    digest = _digest([(row["event_partition_key"], row.get("content_hash")) for row in raced])
    if known.stage(Stage.SCORE).get("input_hash") == digest:
        return []
    return [Step(Stage.SCORE, f"{raced[-1]['event_partition_key']} can be scored", input_hash=digest)]


def report(known: Rows, now: datetime) -> list[Step]:
    """Rebuild the report when anything else has changed."""
    if not known.by_key:
        return []
    own = (PIPELINE, StageKey(Stage.REPORT).sort_key)
    calendar = (PIPELINE, StageKey(Stage.SCHEDULE).sort_key)  # of its readings the day counts
    seen = [
        (
            key,
            row.get("status"),
            row.get("input_hash"),
            row.get("finished_utc", "")[: len("2025-12-06") if key == calendar else None],
            row.get("last_error"),
        )
        for key, row in sorted(known.by_key.items())
        if key != own
    ]
    digest = _digest(seen)
    if known.stage(Stage.REPORT).get("input_hash") == digest:
        return []
    return [Step(Stage.REPORT, "something changed since the last report", input_hash=digest)]


def _inputs_of(known: Rows, event: str, horizon: str) -> list[tuple[str, Any]]:
    """List the content hashes of an event's inputs at ``horizon``; before the weekend no session is among them."""
    own = [row for row in known.inputs if row["event_partition_key"] == event]
    names = [(row["session_name_abr"], row.get("content_hash")) for row in own]
    unknown = SESSIONS | set(GRID_ROWS.values()) if horizon == "pre_weekend" else frozenset()
    return sorted((name, content) for name, content in names if content and name not in unknown)


def _digest(value: Any) -> str:
    return fingerprint.of_json(value)[: fingerprint.SHORT]
