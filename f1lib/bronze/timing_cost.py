"""What a backfill of timing will take, before it starts: calls to FastF1's upstreams, and hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from f1lib.bronze.due import PRACTICE

# Of practice: eight pages of live timing and Jolpica's results, counted on recordings (Italy 2021 P2, Britain 2024 P1),
# which took 12 and 10 s. An estimate for other sessions: some twenty topics and two or three pages of results.
CALLS_OF_PRACTICE, CALLS = 9, 22
CALLS_AN_HOUR = 500  # FastF1's limit, whatever the number of workers
SECONDS = 12.0


@dataclass(frozen=True)
class TimingCost:
    """Sessions to ask for, the calls they take, and about how many hours."""

    sessions: int
    calls: int
    hours: float

    def in_words(self) -> str:
        """Say it in a line."""
        taken = f"{self.hours:.1f} h" if self.hours >= 1 else f"{max(self.hours * 60, 1):.0f} min"
        return (
            f"{self.sessions} sessions, about {self.calls} calls (FastF1 allows {CALLS_AN_HOUR} an hour) and {taken}; "
            "it can be stopped, and the same command goes on"
        )


def estimate(units: Sequence[str], workers: int) -> TimingCost:
    """Estimate a backfill.

    Parameters
    ----------
    units : sequence of str
        What `f1lib.bronze.timing_backfill.wanted` returns.
    workers : int
        Sessions at once.

    Returns
    -------
    TimingCost
        Its hours are those of the limit of calls, or of the work where that takes longer.
    """
    practice = sum(unit.rsplit("/", 1)[1] in PRACTICE for unit in units)
    calls = practice * CALLS_OF_PRACTICE + (len(units) - practice) * CALLS
    # The first hour's calls are not waited for.
    limited = max(calls - CALLS_AN_HOUR, 0) / CALLS_AN_HOUR
    return TimingCost(len(units), calls, max(limited, len(units) * SECONDS / workers / 3600))
