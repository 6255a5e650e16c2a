"""Figures of one race's prediction: expected order, position matrix, reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from f1lib.report.figures import style
from f1lib.report.figures.style import FILL, INK, ON_FILL, Picture
from f1lib.report.pages import percent

_RIDGE_ROWS = 1.6  # height in rows of the race's largest probability of one position


def order(predictions: pd.DataFrame) -> Picture:
    """Draw the predicted order: each driver's position distribution, 10th to 90th percentile and mean.

    Parameters
    ----------
    predictions : pandas.DataFrame
        A prediction, one row per driver with `archive.COLUMNS`.

    Returns
    -------
    Picture
        The figure; all distributions share one scale.
    """
    frame = predictions.sort_values("predicted_rank", ignore_index=True)
    colours, second, n = style.team_colours(frame["team_id"]), style.second_drivers(frame), len(frame)
    labels = [f"{i + 1}  {label}" for i, label in enumerate(style.driver_labels(frame))]
    figure, axes = style.new_figure(4.6, 0.25 * (n + 1) + 0.7, style.longest(labels), grid="x")
    highest = max(max(row) for row in frame["position_probabilities"])
    rows: list[dict[Any, Any]] = frame.to_dict("records")
    for place, row in enumerate(rows):
        _distribution(axes, place, row, highest, colours[row["team_id"]], row["driver_id"] in second)
    _intervals(axes, frame)
    style.row_labels(axes, labels)
    axes.set(ylim=(n - 0.4, 0.2 - _RIDGE_ROWS), xlim=(0.3, n + 0.7))
    axes.set(xticks=[1, *range(5, n + 1, 5)], xlabel="finishing position")
    notes: list[style.Note] = [
        (r["predicted_position"], i + 0.4, f"{_expected(r)}, wins in {percent(r['p_win'], 1)}", r["driver_id"])
        for i, r in enumerate(rows)
    ]
    top = "; ".join(_expected(row) for row in rows[:5])
    return style.picture(figure, f"Predicted order with intervals. The first five: {top}.", "order", notes)


def _distribution(axes: Any, place: int, row: Mapping[Any, Any], highest: float, colour: str, second: bool) -> None:
    """Draw one driver's probabilities as steps."""
    base, chances = place + 0.4, list(row["position_probabilities"])
    edges = [0.5 + i for i in range(len(chances) + 1)]
    tops = [base - _RIDGE_ROWS * share / highest for share in [*chances, chances[-1]]]
    axes.fill_between(
        edges, base, tops, step="post", facecolor=colour, edgecolor=INK, linewidth=0.5,
        hatch="//////" if second else None, gid=style.driver_mark(row["driver_id"]),
    )  # fmt: skip


def _intervals(axes: Any, frame: pd.DataFrame) -> None:
    """Draw below each distribution a line from p10 to p90 and a dot at the mean."""
    from matplotlib.collections import LineCollection

    bases = [place + 0.4 for place in range(len(frame))]
    ends = zip(frame["position_p10"] - 0.4, frame["position_p90"] + 0.4, bases, strict=True)
    lines = [[(low, base), (high, base)] for low, high, base in ends]
    axes.add_collection(LineCollection(lines, colors=INK, linewidths=1.7, capstyle="projecting", zorder=2))
    axes.plot(frame["predicted_position"], bases, "o", color="white", markeredgecolor="black", markersize=5)


def _expected(row: Mapping[Any, Any]) -> str:
    return f"{row['full_name']}: expected {row['predicted_position']:.1f}"


def matrix(predictions: pd.DataFrame) -> Picture:
    """Draw the position matrix as a heat map: a row per driver in the predicted order, a column per position.

    Parameters
    ----------
    predictions : pandas.DataFrame
        A prediction, one row per driver with `archive.COLUMNS`.

    Returns
    -------
    Picture
        The figure; the percentages of likely positions are written into their cells.
    """
    frame = predictions.sort_values("predicted_rank", ignore_index=True)
    shares = [list(row) for row in frame["position_probabilities"]]
    n = len(shares[0])
    labels = style.driver_labels(frame)
    figure, axes = style.new_figure(4.6, 0.25 * (len(frame) + 1) + 0.7, style.longest(labels))
    highest = max(max(row) for row in shares)
    # The square root keeps small probabilities distinguishable.
    strengths = {(x, y): (share / highest) ** 0.5 for y, row in enumerate(shares) for x, share in enumerate(row)}
    axes.add_collection(_squares({cell: strength for cell, strength in strengths.items() if strength >= 0.05}))
    for place, row in enumerate(shares):
        for column, share in enumerate(row):
            if share >= 0.095:
                axes.text(
                    column + 1, place, f"{100 * share:.0f}", ha="center", va="center", fontsize=8,
                    color=ON_FILL if strengths[column, place] > 0.85 else INK,
                )  # fmt: skip
    axes.set(xlim=(0.5, n + 0.5), ylim=(len(frame) - 0.5, -0.5))
    axes.set(xticks=[1, *range(5, n + 1, 5)], xlabel="finishing position")
    style.row_labels(axes, labels)
    best = [f"{r['full_name']} {max(r['position_probabilities']):.0%}" for r in frame.head(3).to_dict("records")]
    alt = f"Chance of each finishing position, a row a driver; likeliest single places: {', '.join(best)}."
    return style.picture(figure, alt, "matrix")


def _squares(strengths: Mapping[tuple[int, int], float]) -> Any:
    """Return a square at each (column, row), darker for a larger strength."""
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import to_rgba

    corners = [
        [(x + dx, y + dy) for dx, dy in ((0.5, -0.5), (1.5, -0.5), (1.5, 0.5), (0.5, 0.5))] for x, y in strengths
    ]
    colours = [to_rgba(FILL, 0.04 + 0.96 * strength) for strength in strengths.values()]
    return PolyCollection(corners, facecolors=colours, linewidths=0)


def reasons(name: str, rows: Sequence[tuple[str, float]]) -> Picture:
    """Draw the places that each feature group gains (left) or loses one driver, largest first."""
    figure, axes = style.new_figure(4.6, 0.27 * len(rows) + 0.8, style.longest(label for label, _ in rows))
    for place, (_, moved) in enumerate(rows):
        axes.barh(place, moved, height=0.6, color="#0072b2" if moved < 0 else "#d55e00")
        side = {"ha": "right", "xytext": (-4, 0)} if moved < 0 else {"ha": "left", "xytext": (4, 0)}
        axes.annotate(
            f"{moved:+.2f}", (moved, place), textcoords="offset points", va="center", fontsize=9, color=INK, **side
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.margins(x=0.18)
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="places; to the left is further ahead")
    words = ", ".join(f"{label} {moved:+.2f}" for label, moved in rows)
    return style.picture(figure, f"What moves {name}: {words} places.", "reasons-" + re.sub(r"\W+", "-", name.lower()))
