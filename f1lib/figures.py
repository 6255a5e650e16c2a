"""Pictures of one race's prediction, and what every picture of the report shares.

A picture is drawn once with matplotlib (no pyplot, no state) and kept as a vector that follows the page's
light or dark theme. Colour never carries a meaning alone: drivers are lettered, teammates differ in hatching,
shares are written beside their bars.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

from f1lib.figures_kept import drawn_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

# FastF1's team colours (fastf1.plotting, MIT), newest livery, by F1DB's constructor id; the team's own shade where
# FastF1's is too dark to be seen on a dark page.
TEAM_COLOURS = {
    "alfa-romeo": "#b12039", "alphatauri": "#4e7c9b", "alpine": "#ff87bc", "aston-martin": "#229971",
    "audi": "#ff2d00", "cadillac": "#7d7d7d", "caterham": "#0b9a4a", "ferrari": "#e80020", "force-india": "#ff87bc",
    "haas": "#b6babd", "kick-sauber": "#00e700", "lotus-f1": "#b8a15a", "manor": "#b3303a", "marussia": "#b3303a",
    "mclaren": "#ff8000", "mercedes": "#27f4d2", "racing-bulls": "#fcd700", "racing-point": "#ff87bc", "rb": "#6692ff",
    "red-bull": "#3671c6", "renault": "#fff500", "sauber": "#b12039", "toro-rosso": "#469bff", "williams": "#00a0dd",
}  # fmt: skip
# Okabe and Ito's palette, told apart by every common form of colour blindness: for teams without a livery.
_PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c7a00", "#999999")
# Placeholders that the vector's text and lines are drawn in; the page replaces them by its own colours.
INK, FAINT, FILL, ON_FILL = "#010203", "#020304", "#030405", "#040506"
_THEMED = {
    INK: "currentColor", FAINT: "var(--line, #d5dbe1)", FILL: "var(--bar, #2f6fbd)", ON_FILL: "var(--surface, #ffffff)",
}  # fmt: skip
_RIDGE_ROWS = 1.6  # the likeliest single place of the race stands this many rows high
# A figure's inch in CSS pixels, how far a page may enlarge it, and from which width on it scrolls on a phone.
_CSS_INCH, _LARGEST, WIDE_INCHES = 96, 1.2, 6.0
# A letter of a tick's label at 10 points, the empty rim, and what ticks and their label below take.
_LETTER_INCHES, _MARGIN_INCHES, _BELOW_INCHES = 0.085, 0.1, 0.5
_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "f1lib", "font.size": 10.0, "hatch.linewidth": 0.6}


@dataclass(frozen=True)
class Picture:
    """A drawn figure: ``svg`` to be put into a page, ``alt`` the same in words."""

    svg: str
    alt: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": self.alt}


def new_figure(width: float, height: float, longest_label: int = 0) -> tuple[Any, Any]:
    """An empty figure of ``width`` x ``height`` inches and its one pair of axes, bare of frames.

    Room for labels is measured, which takes as long as drawing; a figure with nothing but ticks and a label below
    can say instead how many letters stand at its left.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        if longest_label:
            left = _LETTER_INCHES * longest_label + _MARGIN_INCHES
            size = (1 - (left + _MARGIN_INCHES) / width, 1 - (_BELOW_INCHES + _MARGIN_INCHES) / height)
            figure = Figure(figsize=(width, height))
            axes = figure.add_axes((left / width, _BELOW_INCHES / height, *size))
        else:
            figure = Figure(figsize=(width, height), layout="constrained")
            axes = figure.add_subplot()
    bare(axes)
    return figure, axes


def bare(axes: Any) -> None:
    """Strip ``axes`` of what carries no data and colour the rest in the page's own."""
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(colors=INK, length=0, labelsize=10)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.set_axisbelow(True)


def picture(figure: Any, alt: str, name: str, notes: Iterable[tuple[float, float, str]] = ()) -> Picture:
    """Freeze ``figure``: ``name`` keeps its ids apart from other pictures' on one page.

    ``notes`` are (x, y, text) in the data of the first axes: shown when a reader points there.
    """
    from matplotlib import rc_context

    out = StringIO()
    with rc_context(_STYLE):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.S)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    for placeholder, colour in _THEMED.items():
        text = text.replace(placeholder, colour)
    text = re.sub(r"<svg ", f'<svg {_size(figure)} role="img" aria-label="{escape(alt)}" ', text, count=1)
    return Picture(text.replace("</svg>", _hover(figure, notes) + "</svg>").strip(), alt)


def _size(figure: Any) -> str:
    """Drawn to be read on a phone; a page makes it a little larger, and scrolls what is too wide to shrink."""
    width = figure.get_figwidth()
    wide = 'class="wide" ' if width > WIDE_INCHES else ""
    return f'{wide}style="max-width:{width * _CSS_INCH * _LARGEST:.0f}px"'


def _hover(figure: Any, notes: Iterable[tuple[float, float, str]]) -> str:
    """Invisible discs that show a text under the pointer."""
    height = figure.get_figheight() * 72
    scale = 72 / figure.dpi
    spots = []
    for x, y, text in notes:
        px, py = figure.axes[0].transData.transform((x, y)) * scale
        spots.append(
            f'<circle cx="{px:.1f}" cy="{height - py:.1f}" r="9" fill="transparent">'
            f"<title>{escape(text)}</title></circle>"
        )
    return "".join(spots)


def team_colours(team_ids: Iterable[str]) -> dict[str, str]:
    """A colour for every team: its livery's, or one of a colour-blind safe palette in order of the ids."""
    ids = sorted(set(team_ids))
    unknown = [team for team in ids if team not in TEAM_COLOURS]
    spare = {team: _PALETTE[place % len(_PALETTE)] for place, team in enumerate(unknown)}
    return {team: TEAM_COLOURS.get(team) or spare[team] for team in ids}


def _second_drivers(frame: pd.DataFrame) -> set[str]:
    """The drivers behind their teammate in the predicted order: drawn hatched."""
    ordered = frame.sort_values("predicted_rank")
    return set(ordered.loc[ordered.duplicated("team_id"), "driver_id"])


def letters_of(row: Mapping[Any, Any] | pd.Series[Any]) -> str:
    """A driver's three letters, or the start of his name where he has none."""
    letters = row["abbreviation"]
    return letters if isinstance(letters, str) and letters else str(row["full_name"])[:3].upper()


def _labels(frame: pd.DataFrame) -> list[str]:
    return [letters_of(row) for row in frame.to_dict("records")]


def _row_labels(axes: Any, labels: Sequence[str]) -> None:
    """What stands at the left of rows 0, 1, 2, ...; ticks, which bring lines of their own, take twice as long."""
    axes.set_yticks([])
    place = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "center_baseline", "family": "monospace"}
    for row, label in enumerate(labels):
        axes.text(-0.01, row, label, fontsize=10, color=INK, **place)


def _longest(labels: Iterable[str]) -> int:
    return max(len(label) for label in labels)


@drawn_once
def order(predictions: pd.DataFrame) -> Picture:
    """The predicted order, a row a driver: his position distribution, his 10th to 90th percentile, his mean.

    ``predictions`` has LAKE.md's columns, one row a driver of one race. All distributions share one scale.
    """
    frame = predictions.sort_values("predicted_rank", ignore_index=True)
    colours, second, n = team_colours(frame["team_id"]), _second_drivers(frame), len(frame)
    labels = [f"{i + 1}  {label}" for i, label in enumerate(_labels(frame))]
    figure, axes = new_figure(4.6, 0.25 * (n + 1) + 0.7, _longest(labels))
    highest = max(max(row) for row in frame["position_probabilities"])
    rows: list[dict[Any, Any]] = frame.to_dict("records")
    for place, row in enumerate(rows):
        _distribution(axes, place, row, highest, colours[row["team_id"]], row["driver_id"] in second)
    _intervals(axes, frame)
    _row_labels(axes, labels)
    axes.set_ylim(n - 0.4, 0.2 - _RIDGE_ROWS)
    axes.set_xlim(0.3, n + 0.7)
    axes.set_xticks([1, *range(5, n + 1, 5)])
    axes.grid(axis="x", color=FAINT, linewidth=0.7)
    axes.set_xlabel("finishing position")
    notes = [(r["predicted_position"], i + 0.4, f"{_expected(r)}, P(win) {r['p_win']:.1%}") for i, r in enumerate(rows)]
    return picture(figure, _order_alt(frame), "order", notes)


def _distribution(axes: Any, place: int, row: Mapping[Any, Any], highest: float, colour: str, second: bool) -> None:
    """One driver's row: steps of the chances."""
    base, chances = place + 0.4, list(row["position_probabilities"])
    edges = [0.5 + i for i in range(len(chances) + 1)]
    tops = [base - _RIDGE_ROWS * share / highest for share in [*chances, chances[-1]]]
    axes.fill_between(
        edges, base, tops, step="post", facecolor=colour, edgecolor=INK, linewidth=0.5,
        hatch="//////" if second else None,
    )  # fmt: skip


def _intervals(axes: Any, frame: pd.DataFrame) -> None:
    """Under each row of steps a line from p10 to p90, a dot at the mean."""
    from matplotlib.collections import LineCollection

    bases = [place + 0.4 for place in range(len(frame))]
    ends = zip(frame["position_p10"] - 0.4, frame["position_p90"] + 0.4, bases, strict=True)
    lines = [[(low, base), (high, base)] for low, high, base in ends]
    axes.add_collection(LineCollection(lines, colors=INK, linewidths=1.7, capstyle="projecting", zorder=2))
    axes.plot(frame["predicted_position"], bases, "o", color="white", markeredgecolor="black", markersize=5)


def _order_alt(frame: pd.DataFrame) -> str:
    top = "; ".join(_expected(row) for row in frame.head(5).to_dict("records"))
    return f"Predicted order with intervals. The first five: {top}."


def _expected(row: Mapping[Any, Any]) -> str:
    return f"{row['full_name']}: expected {row['predicted_position']:.1f}"


@drawn_once
def matrix(predictions: pd.DataFrame) -> Picture:
    """The position matrix as a heat map: a row a driver in the predicted order, a column a finishing position."""
    frame = predictions.sort_values("predicted_rank", ignore_index=True)
    shares = [list(row) for row in frame["position_probabilities"]]
    n = len(shares[0])
    labels = _labels(frame)
    figure, axes = new_figure(4.6, 0.25 * (len(frame) + 1) + 0.7, _longest(labels))
    highest = max(max(row) for row in shares)
    # The eye tells the faint ones apart, too.
    strengths = {(x, y): (share / highest) ** 0.5 for y, row in enumerate(shares) for x, share in enumerate(row)}
    axes.add_collection(_squares({cell: strength for cell, strength in strengths.items() if strength >= 0.05}))
    for place, row in enumerate(shares):
        for column, share in enumerate(row):
            if share >= 0.095:
                axes.text(
                    column + 1, place, f"{100 * share:.0f}", ha="center", va="center", fontsize=8,
                    color=ON_FILL if strengths[column, place] > 0.85 else INK,
                )  # fmt: skip
    axes.set_xlim(0.5, n + 0.5)
    axes.set_ylim(len(frame) - 0.5, -0.5)
    axes.set_xticks([1, *range(5, n + 1, 5)])
    _row_labels(axes, labels)
    axes.set_xlabel("finishing position")
    best = [f"{r['full_name']} {max(r['position_probabilities']):.0%}" for r in frame.head(3).to_dict("records")]
    alt = f"Chance of each finishing position, a row a driver; likeliest single places: {', '.join(best)}."
    return picture(figure, alt, "matrix")


def _squares(strengths: Mapping[tuple[int, int], float]) -> Any:
    """A square at each (column, row), the fuller the stronger."""
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import to_rgba

    corners = [
        [(x + dx, y + dy) for dx, dy in ((0.5, -0.5), (1.5, -0.5), (1.5, 0.5), (0.5, 0.5))] for x, y in strengths
    ]
    colours = [to_rgba(FILL, 0.04 + 0.96 * strength) for strength in strengths.values()]
    return PolyCollection(corners, facecolors=colours, linewidths=0)


def reasons(name: str, rows: Sequence[tuple[str, float]]) -> Picture:
    """Why one driver stands where he does: places gained (left) or lost by each feature, largest first."""
    figure, axes = new_figure(4.6, 0.27 * len(rows) + 0.8, _longest(label for label, _ in rows))
    for place, (_, moved) in enumerate(rows):
        axes.barh(place, moved, height=0.6, color="#0072b2" if moved < 0 else "#d55e00")
        side = {"ha": "right", "xytext": (-4, 0)} if moved < 0 else {"ha": "left", "xytext": (4, 0)}
        axes.annotate(
            f"{moved:+.2f}", (moved, place), textcoords="offset points", va="center", fontsize=9, color=INK, **side
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.18)
    axes.set_xlabel("places; to the left is further ahead")
    words = ", ".join(f"{label} {moved:+.2f}" for label, moved in rows)
    return picture(figure, f"What moves {name}: {words} places.", "reasons-" + re.sub(r"\W+", "-", name.lower()))
