"""Pictures of a prediction that are kept: its notebook, the dashboard and its page show the same."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from f1lib.report.figures.style import Picture

# What `figures.order` and `figures.matrix` show of a prediction beside its chances.
_SHOWN = (
    "predicted_rank predicted_position position_p10 position_p90 p_win driver_id abbreviation full_name team_id"
).split()
_RACE = ("event_year", "event_name", "session")
KEPT = 40  # races: more than a season's


def drawn_once(draw: Callable[[pd.DataFrame], Picture]) -> Callable[[pd.DataFrame], Picture]:
    """``draw``, whose last picture of each race is kept: all that is shown is compared, value by value."""
    kept: dict[tuple[Any, ...], tuple[str, Picture]] = {}

    @wraps(draw)
    def found(predictions: pd.DataFrame) -> Picture:
        shown = predictions[[c for c in _SHOWN if c in predictions]].to_dict("list")
        chances = [[float(share) for share in row] for row in predictions["position_probabilities"]]
        race = tuple(predictions[c].iloc[0] for c in _RACE if c in predictions)
        content, last = repr((shown, chances)), kept.pop(race, None)
        drawn = kept[race] = last if last and last[0] == content else (content, draw(predictions))
        for oldest in list(kept)[:-KEPT]:
            kept.pop(oldest, None)
        return drawn[1]

    return found
