"""Cost model of a backfill and of a season in operation on AWS: list prices times measured amounts."""

from __future__ import annotations

from dataclasses import dataclass

from f1lib.bronze.timing_cost import CALLS, CALLS_AN_HOUR
from f1lib.errors import BadParameters

# US East list prices in dollars, November 2025 (aws.amazon.com/<service>/pricing); arm64; free tiers not counted.
PRICES = {
    "Lambda GB-seconds": 0.0000133334,
    "Lambda requests": 0.20e-6,
    "Step Functions transitions": 25e-6,
    "S3 writes and lists": 5e-6,
    "S3 reads": 0.4e-6,
    "S3 GB-months": 0.023,
    "DynamoDB writes": 0.625e-6,
    "DynamoDB reads": 0.125e-6,
    "Log GB": 0.50,
}
LAMBDA_GB = 2.0
# A Distributed Map starts a child execution an item: start, task, end.
TRANSITIONS_A_UNIT = 3
# A tick that finds nothing to do, and what reading every row costs it: half a unit for 4 kB from the index
# (2,500 rows of 0.6 kB), one for each event still moving.
TICK_SECONDS = 0.25
READS_A_TICK = 2500 * 0.6 / 4 * 0.5 + 30
READS_A_UNIT = READS_A_TICK
# A session that comes in by itself, in season: the chain from ingest to report, with 16 seasons of history.
# 6 to 12 s of CPU and up to 648 MB (benchmarks/lambda_sandbox.py); the share of a core that 2 GB buys is 1.16.
# Requests counted over the grid of a season's last race: 70 objects written and 44 listings, 545 read and 2 looked for,
# most of them the season's bronze; all rows are read 7 times, and the other requests cost a fifth of one reading.
CHAIN_SECONDS, CHAIN_MEGABYTES, CHAIN_WRITES, CHAIN_READS, CHAIN_ROWS = 20.0, 2.5, 114, 547, 7.2


@dataclass(frozen=True)
class Upstream:
    """Measured cost of one session of a source (docs/aws.md says how), and what the source allows."""

    seconds: float  # of Lambda, start of a sandbox left out
    megabytes: float  # into the lake, the run's record included
    writes: float  # objects into S3
    calls: float  # to the upstream
    calls_per_hour: float  # that it allows one address; 0 = it is one file and asks for nothing
    concurrency: int  # sessions at once that respects it


# f1db: one release, read from the sandbox's own copy. live: FastF1's limiter allows 500 calls an hour in all and 200
# to Jolpica (FastF1 3.9, fastf1.req); a session asks for some twenty topics and two or three result pages.
UPSTREAMS = {
    "f1db": Upstream(seconds=3.0, megabytes=0.05, writes=6, calls=0, calls_per_hour=0, concurrency=8),
    "simulated": Upstream(seconds=3.0, megabytes=0.1, writes=8, calls=0, calls_per_hour=0, concurrency=8),
    "live": Upstream(seconds=25.0, megabytes=0.6, writes=9, calls=CALLS, calls_per_hour=CALLS_AN_HOUR, concurrency=2),
}


@dataclass(frozen=True)
class Estimate:
    """Estimate of a backfill or season; ``amounts`` are in the units of `PRICES`."""

    sessions: int
    source: str
    concurrency: int
    hours: float
    amounts: dict[str, float]

    @property
    def dollars(self) -> float:
        """Sum over `PRICES`, storage for one month."""
        return sum(PRICES[name] * amount for name, amount in self.amounts.items())

    @property
    def title(self) -> str:
        """What is estimated: the sessions, their source, how many at once, and how long they take."""
        return f"{self.sessions} sessions from {self.source}, {self.concurrency} at once: {_hours(self.hours)}"

    def items(self) -> list[tuple[str, str, str, str]]:
        """Write out the arithmetic: item, amount, price and dollars."""
        return [
            (name, f"{amount:.3f}", f"{PRICES[name]:.10f}", f"{amount * PRICES[name]:.4f}")
            for name, amount in self.amounts.items()
        ]

    def lines(self) -> list[str]:
        """Write out the arithmetic as text, a line an item."""
        items = [f"  {name}: {amount} x ${price} = ${dollars}" for name, amount, price, dollars in self.items()]
        return [self.title, *items, f"  in all: ${self.dollars:.2f}"]

    def summary(self, name: str) -> str:
        """Summarize in one line: sessions, hours, Lambda seconds, GB, dollars."""
        seconds, gigabytes = self.amounts["Lambda GB-seconds"] / LAMBDA_GB, self.amounts["S3 GB-months"]
        taken = f"{_hours(self.hours)}, {seconds:.0f} Lambda seconds, {gigabytes:.2f} GB, ${self.dollars:.2f}"
        return f"{name}: {self.sessions} sessions, {taken}"


def _hours(hours: float) -> str:
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"


def estimate(sessions: int, source: str, *, days: int = 0, factor: float = 1.0) -> Estimate:
    """Estimate a backfill of sessions, or a season in operation.

    Parameters
    ----------
    sessions : int
        Sessions and starting grids.
    source : str
        A name of `UPSTREAMS`.
    days : int
        0 for a backfill; otherwise a season of so many days, with the chain that follows each session and
        the idle ticks between.
    factor : float
        Multiplies the sessions, not the days.

    Returns
    -------
    Estimate
        Amounts, hours and dollars.

    Raises
    ------
    BadParameters
        The sessions of the source were never measured.
    """
    if source not in UPSTREAMS:
        raise BadParameters(f"source {source!r} has no cost model; known: {', '.join(UPSTREAMS)}")
    upstream = UPSTREAMS[source]
    units, ticks = sessions * factor, days * 12
    chains = units if days else 0.0
    gigabytes = (units * upstream.megabytes + chains * CHAIN_MEGABYTES) / 1024
    by_limit = units * upstream.calls / upstream.calls_per_hour if upstream.calls_per_hour else 0.0
    seconds = units * upstream.seconds + chains * CHAIN_SECONDS + ticks * TICK_SECONDS
    amounts = {
        "Lambda GB-seconds": seconds * LAMBDA_GB,
        "Lambda requests": units + ticks,
        "Step Functions transitions": 0.0 if days else units * TRANSITIONS_A_UNIT,
        "S3 writes and lists": units * upstream.writes + chains * CHAIN_WRITES,
        "S3 reads": units * 4 + chains * CHAIN_READS,
        "S3 GB-months": gigabytes,
        "DynamoDB writes": units * 6,
        "DynamoDB reads": units * READS_A_UNIT + (ticks + CHAIN_ROWS * chains) * READS_A_TICK,
        "Log GB": (units + ticks) * 4 / 1024**2,
    }
    hours = max(units * upstream.seconds / upstream.concurrency / 3600, by_limit)
    return Estimate(round(units), source, upstream.concurrency, hours, amounts)
