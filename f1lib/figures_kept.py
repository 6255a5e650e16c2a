"""Pictures of a prediction that are kept: its notebook, the dashboard and its page show the same."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from f1lib.figures import Picture

# What `figures.order` and `figures.matrix` show of a prediction beside its chances.
_SHOWN = (
    "predicted_rank predicted_position position_p10 position_p90 p_win driver_id abbreviation full_name team_id"
).split()
KEPT = 40  # pictures of a kind: a season's newest


def drawn_once(draw: Callable[[pd.DataFrame], Picture]) -> Callable[[pd.DataFrame], Picture]:
    """``draw`` for each content once a process: all that is shown is compared, value by value."""
    kept: dict[str, Picture] = {}

    @wraps(draw)
    def found(predictions: pd.DataFrame) -> Picture:
        shown = predictions[[c for c in _SHOWN if c in predictions]].to_dict("list")
        chances = [[float(share) for share in row] for row in predictions["position_probabilities"]]
        content = repr((shown, chances))
        if content not in kept:
            for oldest in list(kept)[: len(kept) - KEPT + 1]:
                kept.pop(oldest, None)
            kept[content] = draw(predictions)
        return kept[content]

    return found
