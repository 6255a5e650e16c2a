"""What has to happen for a title, against cases worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from f1lib.scoring.seasons import Outing, best_gains
from f1lib.scoring.standings import key_of_places, key_of_points
from f1lib.scoring.title_needs import DECIDED, OUT, needs

SCALE = (25, 18, 15, 12, 10, 8, 6, 4, 2, 1)
# The eve of Abu Dhabi 2025: points, and how often first, second and third in 23 races.
EVE = {
    "Lando Norris": (408, 7, 8, 3),
    "Max Verstappen": (396, 7, 5, 2),
    "Oscar Piastri": (392, 7, 3, 4),
    "George Russell": (309, 2, 3, 4),
}


def _race(weekend: int = 0, *, lap: bool = False) -> Outing:
    return Outing(weekend, np.zeros(20), np.ones(20), np.zeros(20), SCALE, True, lap)


def _said(standing: Mapping[str, tuple[int, ...]], outings: list[Outing], kind: str = "drivers") -> dict[str, str]:
    counts = {name: np.repeat([1, 2, 3], places) for name, (_, *places) in standing.items()}
    keys = [int(key_of_points(row[0]) + key_of_places(counts[name]).sum()) for name, row in standing.items()]
    best = best_gains(outings, 2 if kind == "teams" else 1)
    table = pd.DataFrame({"championship": kind, "full_name": list(standing), "team_name": list(standing), "key": keys})
    alive = table["key"] + best.sum() >= table["key"].max()
    events = [f"race {n}" for n in dict.fromkeys(o.weekend for o in outings)]
    return dict(zip(standing, needs(table.assign(can_still_win=alive), outings, best, events), strict=True))


def test_the_eve_of_abu_dhabi_2025_has_three_contenders_and_these_ways() -> None:
    said = _said(EVE, [_race()])
    assert said["George Russell"] == OUT
    assert said["Lando Norris"] == (
        "is champion finishing 1st to 3rd; 4th to 5th with Max Verstappen 2nd or lower; "
        "6th to 7th with Max Verstappen 2nd or lower and Oscar Piastri 2nd or lower; "
        "8th with Max Verstappen 3rd or lower and Oscar Piastri 2nd or lower; "
        "9th with Max Verstappen 4th or lower and Oscar Piastri 2nd or lower; "
        "10th or lower with Max Verstappen 4th or lower and Oscar Piastri 3rd or lower"
    )
    assert said["Max Verstappen"] == (
        "is champion finishing 1st with Lando Norris 4th or lower; "
        "2nd with Lando Norris 8th or lower and Oscar Piastri 3rd or lower; "  # 7th: level, Norris by second places
        "3rd with Lando Norris 9th or lower and Oscar Piastri 2nd or lower"
    )
    assert said["Oscar Piastri"] == (
        "is champion finishing 1st with Lando Norris 6th or lower; "
        "2nd with Lando Norris 10th or lower and Max Verstappen 4th or lower"
    )


def test_what_is_enough_is_enough_whoever_sets_the_fastest_lap() -> None:
    standing = {"A": (100, 3, 0, 0), "B": (92, 3, 0, 0)}  # second against first: 118 against 117
    assert _said(standing, [_race()])["A"].startswith(
        "is champion finishing 1st to 2nd; 3rd to 4th with B 2nd or lower; "
    )
    assert _said(standing, [_race(lap=True)])["A"].startswith("is champion finishing 1st; 2nd with B 3rd or lower; ")


def test_with_several_races_left_the_points_to_gain_are_said() -> None:
    said = _said({"A": (100, 3, 0, 0), "B": (80, 1, 0, 0), "C": (40, 0, 0, 0)}, [_race(), _race(1)])
    assert said == {
        "A": (
            "has the title with 31 points more, whatever the others do; "
            "at the race 0 already with 6 points more than B"  # with 5 each could have three wins
        ),
        "B": "must outscore A by more than 20 points; at most 50 points are left",
        "C": OUT,
    }


def test_of_many_ahead_the_leader_is_named() -> None:
    standing = {name: (100 - 10 * place, 3 - place, 0, 0) for place, name in enumerate("ABCD")}
    said = _said(standing, [_race(), _race(1)])
    assert said["C"].startswith("must outscore A by more than 20 points and B by more than 10 points; at most 50 ")
    assert said["D"].startswith("must outscore A by more than 30 points and overtake the 2 between; at most 50 ")


def test_the_only_one_who_can_still_win_is_champion() -> None:
    said = _said({"A": (100, 3, 0, 0), "B": (70, 1, 0, 0)}, [_race()])
    assert said == {"A": DECIDED, "B": OUT}
    over = _said({"A": (100, 3, 0, 0), "B": (100, 1, 0, 0)}, [])
    assert over == {"A": DECIDED, "B": OUT}


def test_teams_count_two_cars_and_points_to_gain_also_at_the_last_race() -> None:
    said = _said({"A": (400, 9, 0, 0), "B": (360, 5, 0, 0), "C": (356, 0, 0, 0)}, [_race()], "teams")
    assert said["B"] == "must outscore A by more than 40 points; at most 43 points are left"
    assert said["C"] == OUT
    assert said["A"] == "has the title with 3 points more, whatever the others do"
