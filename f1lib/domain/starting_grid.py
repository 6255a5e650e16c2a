"""The starting grid that a qualifying classification and the announced grid penalties give.

Pure: the method of Article 42.3 of the FIA Formula One Sporting Regulations 2025, first written down in October 2022
(Article 42.2). It gives the official order in 145 of the 152 races of 2019-2025 (`f1 penalty backtest`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

PIT_LANE, BACK = "pit_lane", "back_of_grid"
# A driver with more places than this starts behind every other classified driver (42.3 d).
MOST_PLACES = 15

Penalty = int | str  # places, or one of `PIT_LANE` and `BACK`


def added_up(penalties: Iterable[tuple[str, Penalty]]) -> dict[str, Penalty]:
    """Add up the penalties of each driver: a start from the pit lane counts first, then one from the back of the grid.

    >>> added_up([("a", 10), ("a", 5), ("b", 10), ("b", 10), ("c", 3), ("c", "pit_lane")])
    {'a': 15, 'b': 'back_of_grid', 'c': 'pit_lane'}
    """
    found: dict[str, Penalty] = {}
    for driver, penalty in penalties:
        before = found.get(driver, 0)
        if PIT_LANE in (penalty, before):
            found[driver] = PIT_LANE
        elif isinstance(penalty, int) and isinstance(before, int) and penalty + before <= MOST_PLACES:
            found[driver] = penalty + before
        else:
            found[driver] = BACK
    return found


def provisional_grid(
    classified: Sequence[str], unclassified: Sequence[str], penalties: Mapping[str, Penalty]
) -> list[str]:
    """Compose the grid from the classification of qualifying and the penalties.

    Parameters
    ----------
    classified : sequence of str
        Drivers classified in qualifying, in its order.
    unclassified : sequence of str
        Further drivers who may start, in their order behind the classified.
    penalties : mapping
        Driver -> places, `PIT_LANE` or `BACK`, as `added_up` returns them; drivers who are not there are passed over.

    Returns
    -------
    list of str
        All drivers in the order of the grid, from pole position; who starts from the pit lane is last.

    Notes
    -----
    FIA Formula One Sporting Regulations 2025, Article 42.3: (a) a penalised driver gets the place in qualifying plus
    the places lost; where that is taken, the slowest keeps it and the others go immediately ahead; (b) the others fill
    the free places in order; (c) penalised drivers move up to close gaps; (d) behind them those with more than
    `MOST_PLACES`, in the order of qualifying; (e) then the unclassified. A start from the pit lane is behind them all.
    """
    pit = [driver for driver in (*classified, *unclassified) if penalties.get(driver) == PIT_LANE]
    back = [driver for driver in classified if penalties.get(driver) == BACK]
    slots: dict[int, str] = {}
    for place, driver in reversed(list(enumerate(classified, 1))):
        lost = penalties.get(driver)
        if isinstance(lost, int):
            slot = place + lost
            while slot in slots:
                slot -= 1
            slots[slot] = driver
    free = (slot for slot in range(1, len(classified) + 1) if slot not in slots)
    slots |= {next(free): driver for driver in classified if driver not in penalties}
    return [slots[slot] for slot in sorted(slots)] + back + [d for d in unclassified if d not in pit] + pit
