"""Pictures of a prediction that are held in the cache: its notebook, the dashboard and its page show the same."""

from collections.abc import Callable

import pandas as pd

from f1lib.lake.cache import Cache
from f1lib.report.figures.style import Picture

# What `race.order` and `race.matrix` show of a prediction beside its chances.
_SHOWN = (
    "predicted_rank predicted_position position_p10 position_p90 p_win driver_id abbreviation full_name team_id"
).split()
_RACE = ("event_year", "event_name", "session")
HELD = 80  # two pictures a race: more than a season's


def drawn_once(draw: Callable[[pd.DataFrame], Picture], predictions: pd.DataFrame, cache: Cache) -> Picture:
    """Draw ``predictions``, or take the picture from ``cache`` while nothing that it shows has changed.

    Parameters
    ----------
    draw : Callable[[pd.DataFrame], Picture]
        `race.order` or `race.matrix`.
    predictions : pd.DataFrame
        One row a driver of one race, with docs/lake.md's columns.
    cache : Cache
        Holds the last picture of each race.

    Returns
    -------
    Picture
        What ``draw`` makes of ``predictions``.
    """
    shown = predictions[[c for c in _SHOWN if c in predictions]].to_dict("list")
    chances = [[float(share) for share in row] for row in predictions["position_probabilities"]]
    race = tuple(predictions[c].iloc[0] for c in _RACE if c in predictions)
    content = repr((shown, chances))
    # Saves 13 % of a tick with all stages.
    return cache.one("report: pictures", (draw.__name__, *race), content, lambda: draw(predictions), HELD)
