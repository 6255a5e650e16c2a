"""Figures of a championship: the chances over the season, and the final points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from f1lib.report.figures import style
from f1lib.report.figures.style import INK, Picture
from f1lib.report.pages import percent

_TOP, _LEAST, _WIDTH = 10, 0.02, 4.6
_NAMES = {"drivers": "abbreviation", "teams": "team_name"}


def chances(issues: pd.DataFrame, kind: str) -> Picture:
    """Draw the chances of a title over the season, a line a contender who ever had more than 2 %.

    Parameters
    ----------
    issues : pandas.DataFrame
        Table ``championship``, of one season; of each round the last issue is drawn.
    kind : {"drivers", "teams"}
        The championship.

    Returns
    -------
    Picture
        The figure.
    """
    own = issues[issues["championship"] == kind].sort_values("as_of_utc", kind="stable")
    last = own.drop_duplicates(["after_round", "contender"], keep="last")
    wide = last.pivot(index="after_round", columns="contender", values="p_title").fillna(0.0).sort_index()
    facts = last.drop_duplicates("contender", keep="last").set_index("contender")
    shown = wide.columns[wide.max() >= min(_LEAST, wide.max().max())]
    colours, seen = style.team_colours(facts["team_id"].astype(str)), set[str]()
    notes: list[style.Note] = []
    figure, axes = style.new_figure(_WIDTH, 3.4, grid="y")
    for contender in wide.iloc[-1][shown].sort_values(ascending=False, kind="stable").index:
        team = str(facts.loc[contender, "team_id"])
        look = {"color": colours[team], "linestyle": "--" if team in seen else "-", "marker": "o", "markersize": 3}
        axes.plot(wide.index.astype(int), 100 * wide[contender], linewidth=2, gid=style.driver_mark(contender), **look)
        name = _name(facts.loc[contender])
        notes += [
            (int(after), 100 * share, f"{name} after round {after}: {percent(share, 1)}", contender)
            for after, share in wide[contender].items()
        ]
        seen.add(team)
    ends = [(str(facts.loc[c, _NAMES[kind]]), 100 * float(wide[c].iloc[-1])) for c in shown]
    style.end_labels(axes, float(wide.index[-1]), ends, gap=6.0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(ylim=(-4, 104), xlabel="after round", ylabel="chance of the title, %")
    said = ", ".join(f"{name} {share:.0f} %" for name, share in sorted(ends, key=lambda end: -end[1])[:5])
    return style.picture(figure, f"Chances of the {kind}' title round by round. Last: {said}.", f"title-{kind}", notes)


def final_points(table: pd.DataFrame, kind: str) -> Picture:
    """Draw the final points of the first ten: the interval of 80 %, its middle, and the points of now.

    Parameters
    ----------
    table : pandas.DataFrame
        Table ``championship``, one issue.
    kind : {"drivers", "teams"}
        The championship.

    Returns
    -------
    Picture
        The figure.
    """
    rows = table[table["championship"] == kind].head(_TOP)
    names = [str(name) for name in rows[_NAMES[kind]].fillna(rows["contender"])]
    colours = style.team_colours(rows["team_id"].astype(str))
    figure, axes = style.new_figure(_WIDTH, 0.32 * len(rows) + 0.8, style.longest(names), grid="x")
    notes: list[style.Note] = []
    for place, row in enumerate(rows.to_dict("records")):
        mark = style.driver_mark(row["contender"])
        bar = {"color": colours[str(row["team_id"])], "linewidth": 7, "alpha": 0.7, "solid_capstyle": "butt"}
        axes.plot([row["points_p10"], row["points_p90"]], [place, place], gid=mark, **bar)
        axes.plot(row["points_p50"], place, "o", color=INK, markersize=4, gid=mark)
        axes.plot(row["points_now"], place, "|", color=INK, markersize=12, gid=mark)
        notes.append((row["points_p50"], place, f"{_name(row)}: {_points(row)}", row["contender"]))
    axes.invert_yaxis()
    style.row_labels(axes, names)
    axes.set_xlabel("points")
    first = rows.iloc[0]
    alt = f"Final points of the first {len(rows)}. {names[0]}: {_points(first)}."
    return style.picture(figure, alt, f"points-{kind}", notes)


def _name(row: Mapping[Any, Any] | pd.Series[Any]) -> str:
    """Return the name of a contender: the driver's, or of a team that has none the team's."""
    return str(row["full_name"] if isinstance(row["full_name"], str) else row["team_name"])


def _points(row: Mapping[Any, Any] | pd.Series[Any]) -> str:
    return f"{row['points_now']:g} points now, {row['points_p10']:g} to {row['points_p90']:g} at the end"
