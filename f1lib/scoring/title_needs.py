"""What has to happen for a title, in words: exact for a single race that is left, otherwise points to be gained.

Everything said is sufficient, whoever sets the fastest lap. Points are compared with countback.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from f1lib.scoring.seasons import Outing
from f1lib.scoring.standings import gains, key_of_points, points_of_key

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Keys = NDArray[np.int64]

DECIDED, OUT = "is champion", "cannot win the title any more"
_NAMED = 2  # contenders ahead who are all named
_LAST_SCORED = 10  # places told apart, in a race that is the last


def needs(table: pd.DataFrame, outings: Sequence[Outing], best: Keys, events: Sequence[str]) -> list[str]:
    """Say for each contender what has to happen.

    Parameters
    ----------
    table : pandas.DataFrame
        Standings of one championship with ``can_still_win``, the leader first.
    outings : sequence of Outing
        Remaining races and sprints.
    best : NDArray[np.int64]
        The most that a contender gains in each, as keys (`f1lib.scoring.seasons.best_gains`).
    events : sequence of str
        The names of the remaining race weekends; the first is the next.

    Returns
    -------
    list of str
        One sentence, or several, a row.
    """
    keys, alive = table["key"].to_numpy(), table["can_still_win"].to_numpy()
    names = [str(n) for n in table["team_name" if table["championship"].iloc[0] == "teams" else "full_name"]]
    rivals = np.flatnonzero(alive)
    if len(rivals) == 1:
        return [DECIDED if a else OUT for a in alive]
    is_last_race = len(outings) == 1 and table["championship"].iloc[0] == "drivers"
    said = []
    for row in range(len(table)):
        others = [int(r) for r in rivals if r != row]
        if not alive[row]:
            said.append(OUT)
        elif is_last_race:
            said.append(_at_the_last_race(keys, names, row, others, outings[0]))
        elif row == 0:
            said.append(_leader(keys, names, others, best, outings, events))
        else:
            said.append(_chaser(keys, names, row, int(best.sum())))
    return said


def _number(points: float) -> str:
    return f"{points:g} point{'' if points == 1 else 's'}"


def _ahead_by(difference: int) -> float:
    """Return the fewest points that make up for being ``difference`` (a key) behind, and be ahead."""
    points = float(np.ceil(points_of_key(difference)))
    return points if key_of_points(points) > difference else points + 1


def _chaser(keys: Keys, names: Sequence[str], row: int, best: int) -> str:
    """Say by how much a contender must outscore those ahead, in the order of the standings."""
    behind = [(names[r], float(points_of_key(keys[r]) - points_of_key(keys[row]))) for r in range(row)]
    ahead = [f"{name} by more than {_number(points)}" if points else name for name, points in behind]
    if row > _NAMED:
        ahead[1:] = [f"overtake the {row - 1} between"]
    return f"must outscore {' and '.join(ahead)}; at most {_number(float(points_of_key(best)))} are left"


def _leader(
    keys: Keys,
    names: Sequence[str],
    others: Sequence[int],
    best: Keys,
    outings: Sequence[Outing],
    events: Sequence[str],
) -> str:
    """Say how many points settle the title, and whether the next weekend can."""
    enough = max(_ahead_by(int(keys[r] + best.sum() - keys[0])) for r in others)
    said = f"has the title with {_number(enough)} more, whatever the others do"
    first = [o.weekend == outings[0].weekend for o in outings]
    at_most = float(points_of_key(int(best[first].sum())))
    after = int(best.sum() - key_of_points(at_most))  # with the places of the next weekend, for the countback
    gain = {r: _ahead_by(int(keys[r] + after - keys[0])) for r in others}
    if len(events) < 2 or max(gain.values()) > at_most:
        return said
    wanted = [f"{_number(g)} more than {names[r]}" for r, g in gain.items() if g > -at_most]
    return f"{said}; at the {events[0]} already with {' and '.join(wanted) or 'any result'}"


def _at_the_last_race(keys: Keys, names: Sequence[str], row: int, others: Sequence[int], race: Outing) -> str:
    """Say for each place what the other contenders may reach at most."""
    table = np.append(gains(race.points, max(len(race.mu), _LAST_SCORED), is_race=race.is_race)[:_LAST_SCORED], 0)
    fastest = int(key_of_points(float(race.has_fastest_lap)))
    lines: list[tuple[int, str | None]] = []
    for place, gain in enumerate(table.tolist(), start=1):
        wanted = [_below(keys[r] - keys[row] - gain, table, fastest, place, names[r]) for r in others]
        met = None if None in wanted else " and ".join(w for w in wanted if w)
        lines.append((place, met))
    said = []
    for met, places in groupby(lines, key=lambda line: line[1]):
        group = [place for place, _ in places]
        if met is not None:
            said.append(f"{_places(group[0], group[-1])}{' with ' if met else ''}{met}")
    return f"is champion finishing {'; '.join(said)}"


def _below(behind: int, table: Keys, fastest: int, own: int, name: str) -> str | None:
    """Say which places of a rival, who is ``behind`` plus his gain ahead, are low enough; None when none is."""
    free = [p for p in range(1, len(table) + 1) if p != own or p > _LAST_SCORED]
    good = [p for p in free if behind + table[p - 1] + (fastest if p <= _LAST_SCORED else 0) < 0]
    if not good:
        return None
    return "" if good[0] == free[0] else f"{name} {_place(good[0])}{'' if good[0] > _LAST_SCORED else ' or lower'}"


def _places(first: int, last: int) -> str:
    if first == last:
        return _place(first)
    return f"{_place(first)} or lower" if last > _LAST_SCORED else f"{_place(first)} to {_place(last)}"


def _place(place: int) -> str:
    if place > _LAST_SCORED:
        return "outside the first ten"
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place, 'th') }"
