"""Times as text: ISO 8601 in UTC, as in JSON, parameters and the tracking table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from f1lib.errors import BadParameters

# Two machines on one lake need not agree on the time to the second.
CLOCKS_DIFFER = timedelta(minutes=10)
# A moment this close to the clock is the present: live upstreams are asked for it.
PRESENT = timedelta(hours=3)
# Text for an unknown time: sorts after every time that `format_utc` writes (before the year 9000).
NEVER = "9"


def parse_utc(text: str) -> datetime:
    """Read an ISO 8601 time as aware UTC; one without an offset is taken as UTC.

    Raises `BadParameters` when it is not the text of a time between the years 1000 and 9000.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        if not 1000 <= moment.year < 9000:  # `format_utc` would not sort as text
            raise ValueError
    except (ValueError, OverflowError, AttributeError):
        said = ascii(text)[:60]
        raise BadParameters(f"{said} is not an ISO 8601 moment such as 2025-12-06T16:00:00Z") from None
    return moment


def is_utc(text: object) -> bool:
    """Whether `parse_utc` reads ``text``."""
    try:
        return isinstance(text, str) and bool(parse_utc(text))
    except BadParameters:
        return False


def format_utc(moment: datetime) -> str:
    """Format a time as ``2025-12-06T16:00:00Z``, as in JSON, parameters and the tracking table.

    Raises `BadParameters` for a time without a time zone.
    """
    if moment.tzinfo is None:
        raise BadParameters(f"{moment!r} has no time zone; moments are aware UTC throughout")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(moment: datetime) -> str:
    """Format a time as ``20251206T160000Z``, for file names and run ids (no colons)."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def has_come(moment: str | None, now: str) -> bool:
    """Whether ``moment`` is ``now`` or before it, both as text of `format_utc`; None and empty stand for never."""
    return (moment or NEVER) <= now
