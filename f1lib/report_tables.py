"""Frames as tables that a reader can take in: the first and last rows, short moments, no cut-off texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib import attribution, gold_features
from f1lib.html import Html, macro
from f1lib.predictions import records
from f1lib.terms import HORIZONS, format_utc

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.workspace import Workspace

SHOWN_ROWS = 12
SHOWN_COLUMNS = 24  # of the text; the table has all


def table(frame: pd.DataFrame, rows: int = SHOWN_ROWS) -> Html:
    """``frame`` as a sortable table: the first and last rows where there are more than ``rows``, every column."""
    import pandas as pd

    half = (rows + 1) // 2
    shown = frame if len(frame) <= rows else pd.concat([frame.head(half), frame.tail(rows - half)])
    note = f"{len(frame)} rows" if len(shown) == len(frame) else f"{len(shown)} of {len(frame)} rows: first and last"
    markup = macro("tables.html.j2", "plain")(list(frame.columns), [list(r.values()) for r in records(shown)], note)
    return Html(str(markup), frame.to_string(max_rows=rows, max_cols=SHOWN_COLUMNS))


def credits(ws: Workspace) -> Html:
    """Where the data of the cells below comes from, as its licence asks; loud when it is simulated."""
    where = f"Lake {ws.store.url} at {format_utc(ws.as_of)}."
    said = attribution.of_lake(ws.store, ws.source_name)
    loud = "SIMULATED DATA - nothing below happened. " if ws.source_name == "simulated" else ""
    return Html(str(macro("tables.html.j2", "credits")(ws.source_name, said, where)), f"{loud}Data: {said}. {where}")


def features(rows: pd.DataFrame) -> Html:
    """What gold knows: a row a feature with its meaning and, for each horizon in ``rows``, the share that is known."""
    import numpy as np

    at = rows["horizon"].to_numpy()
    known = [h for h in HORIZONS if (at == h).any()]
    of_horizon = [at == h for h in known]
    lines: list[dict[str, Any]] = []
    for feature in gold_features.features():  # a column at a time: all of them at once are a copy of gold
        is_known = ~np.isnan(rows[feature.name].to_numpy())
        shares = [float(is_known[those].mean()) for those in of_horizon]
        lines.append({"name": feature.name, "group": feature.group, "unit": feature.unit, "meaning": feature.meaning,
                      "null_when": feature.null_when, "shares": shares})  # fmt: skip
    caption = f"{len(lines)} features of {len(rows)} rows, and how often each is known"
    markup = macro("tables.html.j2", "features")(known, lines, caption)
    return Html(str(markup), "\n".join(f"{line['name']}: {line['meaning']}" for line in lines))
