"""Stages of the pipeline and the sort keys of their rows in the tracking table.

No other module spells the name of a stage or the prefix of its rows. A session's row has the session's code as its sort
key; every other row has ``STAGE#<name>`` or ``STAGE#<name>#<suffix>``:

>>> StageKey(Stage.PREDICT, "pre_race").sort_key
'STAGE#06_predict#pre_race'
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from f1lib.domain.weekend import SessionCode

_PREFIX = "STAGE#"


class Stage(StrEnum):
    """Stages in the order in which they run; the value is the file stem of the stage's notebook."""

    SCHEDULE = "00_schedule"
    INGEST = "01_ingest"
    WEATHER = "02_weather"
    SILVER = "03_silver"
    GOLD = "04_gold"
    TRAIN = "05_train"
    PREDICT = "06_predict"
    SCORE = "07_score"
    REPORT = "08_report"


STAGES: tuple[str, ...] = tuple(stage.value for stage in Stage)
SESSIONS = frozenset(code.value for code in SessionCode)


@dataclass(frozen=True)
class StageKey:
    """Parts of the sort key of a row that is not a session's.

    ``name`` is a stage, or for starting grids a name of its own without ``#``; ``suffix`` tells several rows of one
    stage apart (a horizon, a season).
    """

    name: str
    suffix: str = ""

    @property
    def sort_key(self) -> str:
        """The sort key in the tracking table."""
        return f"{_PREFIX}{self.name}#{self.suffix}" if self.suffix else f"{_PREFIX}{self.name}"

    @classmethod
    def parse(cls, sort_key: str) -> StageKey | None:
        """Parse a sort key; None for a session's."""
        if not sort_key.startswith(_PREFIX):
            return None
        name, _, suffix = sort_key.removeprefix(_PREFIX).partition("#")
        return cls(name, suffix)


def suffix_of(stage: Stage, sort_key: str) -> str | None:
    """Return the suffix of a row of ``stage``, empty where it has none; None for any other row."""
    key = StageKey.parse(sort_key)
    return key.suffix if key and key.name == stage else None


def short_name(sort_key: str) -> str:
    """Return a sort key without the prefix of stages, for display."""
    return sort_key.removeprefix(_PREFIX)


WEATHER_ROW = StageKey(Stage.WEATHER).sort_key
PENALTIES_ROW = StageKey("penalties").sort_key
# The official starting grids of race and sprint: inputs beside the sessions.
GRID_ROWS = {"R": StageKey("starting_grid").sort_key, "S": StageKey("sprint_grid").sort_key}
