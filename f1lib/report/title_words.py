"""Title chances in a sentence."""

from __future__ import annotations

import pandas as pd

from f1lib.report.pages import percent

_SHOWN = 3


def titles_in_words(table: pd.DataFrame) -> str:
    """Say who takes the titles with which chance.

    Parameters
    ----------
    table : pandas.DataFrame
        Table ``championship``.

    Returns
    -------
    str
        The likeliest drivers and teams who can still win, with their chances.
    """
    if table.empty:
        return "No forecast of the championship: it is made with the first forecast of a race."
    parts = []
    for kind, name in (("drivers", "full_name"), ("teams", "team_name")):
        open_to = table[(table["championship"] == kind) & table["can_still_win"]]
        best = open_to.sort_values("p_title", ascending=False, kind="stable").head(_SHOWN)
        if len(open_to) == 1:
            parts.append(f"{best[name].iloc[0]} is champion of the {kind}")
        else:
            given = zip(best[name], best["p_title"], strict=True)
            parts.append(f"the {kind}' title: {', '.join(f'{who} {percent(share)}' for who, share in given)}")
    season = int(table["event_year"].iloc[0])
    return f"Championship of {season}: {'; '.join(parts)}."
