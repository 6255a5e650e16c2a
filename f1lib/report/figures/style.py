"""Common style of all figures: colours of teams, labels, and SVG that follows the page's theme.

A figure is drawn with matplotlib (no pyplot, no state) and stored as SVG in the colours of the page's light or dark
theme. Colour never carries a meaning alone: drivers are lettered, teammates differ in hatching, shares are written
beside their bars.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import Any

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
# A figure's inch in CSS pixels, how far a page may enlarge it, and from which width on it scrolls on a phone.
_CSS_INCH, _LARGEST, WIDE_INCHES = 96, 1.2, 6.0
# Width of a letter at 10 points, margin, and height of the ticks and their label below.
_LETTER_INCHES, _MARGIN_INCHES, _BELOW_INCHES = 0.085, 0.1, 0.5
_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "f1lib", "font.size": 10.0, "hatch.linewidth": 0.6}


_DRIVER = "driver."
Note = tuple[float, float, str] | tuple[float, float, str, str]


@dataclass(frozen=True)
class Picture:
    """A drawn figure: ``svg`` to be put into a page, ``alt`` the same in words."""

    svg: str
    alt: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": self.alt}


def new_figure(width: float, height: float, longest_label: int = 0, *, grid: str = "") -> tuple[Any, Any]:
    """Create an empty figure with one pair of axes without frame.

    Parameters
    ----------
    width, height : float
        Size in inches.
    longest_label : int
        Characters of the longest label at the left, for a figure with nothing but ticks and a label below; 0: the room
        for labels is measured, which takes as long as drawing.
    grid : {"", "x", "y"}
        The axis whose ticks have lines.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        if longest_label:
            left = _LETTER_INCHES * longest_label + _MARGIN_INCHES
            size = (1 - (left + 2 * _MARGIN_INCHES) / width, 1 - (_BELOW_INCHES + _MARGIN_INCHES) / height)
            figure = Figure(figsize=(width, height))
            axes = figure.add_axes((left / width, _BELOW_INCHES / height, *size))
        else:
            figure = Figure(figsize=(width, height), layout="constrained")
            axes = figure.add_subplot()
    _bare(axes, grid)
    return figure, axes


def new_panels(names: Collection[str], width: float, height: float, *, grid: str = "", **options: Any) -> Any:
    """Create an empty figure with a row of panels, as `new_figure` does.

    Parameters
    ----------
    names : collection of str
        Names of the panels.
    width, height : float
        Size of a panel in inches.
    grid : {"", "x", "y"}
        The axis whose ticks have lines.
    **options
        For ``Figure.subplots``, such as ``sharey``.

    Returns
    -------
    figure : matplotlib.figure.Figure
    panels : sequence of matplotlib.axes.Axes
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * len(names), height), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False, **options)[0]
    for axes in panels:
        _bare(axes, grid)
    return figure, panels


def _bare(axes: Any, grid: str) -> None:
    """Remove frame and tick marks from ``axes`` and set the colours that follow the page's theme."""
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(colors=INK, length=0, labelsize=10)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=FAINT, linewidth=0.7)


def picture(figure: Any, alt: str, name: str, *notes: Iterable[Note]) -> Picture:
    """Render a figure to SVG.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    alt : str
        Alternative text.
    name : str
        Prefix of the ids in the SVG; unique on a page.
    *notes : iterable of tuple of (float, float, str) or (float, float, str, str)
        Of each axes, (x, y, text, driver or contender id) in its data coordinates: texts shown under the pointer.

    Returns
    -------
    Picture
        The figure.
    """
    from matplotlib import rc_context

    out = StringIO()
    with rc_context(_STYLE):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.S)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(rf'\bid="{name}-{_DRIVER}([^"]+)"', r'data-driver="\1"', text)
    for placeholder, colour in _THEMED.items():
        text = text.replace(placeholder, colour)
    text = re.sub(r"<svg ", f'<svg {_size(figure)} role="img" aria-label="{escape(alt)}" ', text, count=1)
    return Picture(text.replace("</svg>", _hover(figure, notes) + "</svg>").strip(), alt)


def _size(figure: Any) -> str:
    """Return the attributes of size: figures are drawn for a phone, a page may enlarge them and scrolls wide ones."""
    width = figure.get_figwidth()
    wide = 'class="wide" ' if width > WIDE_INCHES else ""
    return f'{wide}style="max-width:{width * _CSS_INCH * _LARGEST:.0f}px"'


def _hover(figure: Any, notes: Iterable[Iterable[Note]]) -> str:
    """Return invisible discs that show a text under the pointer."""
    height = figure.get_figheight() * 72
    scale = 72 / figure.dpi
    spots = []
    of_axes = zip(figure.axes, notes, strict=False)
    for axes, (x, y, text, *of) in ((axes, note) for axes, own in of_axes for note in own):
        px, py = axes.transData.transform((x, y)) * scale
        spots.append(
            f'<circle cx="{px:.1f}" cy="{height - py:.1f}" r="9" fill="transparent"{_of(of)}>'
            f"<title>{escape(text)}</title></circle>"
        )
    return "".join(spots)


def _of(driver: Sequence[str]) -> str:
    return f' data-driver="{escape(driver[0])}"' if driver else ""


def driver_mark(driver_id: str) -> str:
    """Return the group id of what is drawn of a driver: the page lights up all that it shows of one."""
    return f"{_DRIVER}{driver_id}"


def team_colours(team_ids: Iterable[str]) -> dict[str, str]:
    """Map every team to a colour: its livery's, or one of a colour-blind safe palette in order of the ids."""
    ids = sorted(set(team_ids))
    unknown = [team for team in ids if team not in TEAM_COLOURS]
    spare = {team: _PALETTE[place % len(_PALETTE)] for place, team in enumerate(unknown)}
    return {team: TEAM_COLOURS.get(team) or spare[team] for team in ids}


def second_drivers(frame: pd.DataFrame) -> set[str]:
    """Find the drivers behind their teammate in the predicted order, who are drawn hatched.

    Parameters
    ----------
    frame : pandas.DataFrame
        A prediction, a row per driver.

    Returns
    -------
    set of str
        Their driver ids.
    """
    ordered = frame.sort_values("predicted_rank")
    return set(ordered.loc[ordered.duplicated("team_id"), "driver_id"])


def letters_of(row: Mapping[Any, Any] | pd.Series[Any]) -> str:
    """Return a driver's three letters.

    Parameters
    ----------
    row : mapping or pandas.Series
        ``abbreviation`` and ``full_name`` of the driver.

    Returns
    -------
    str
        The abbreviation, or the first three letters of the name when there is none.
    """
    letters = row["abbreviation"]
    return letters if isinstance(letters, str) and letters else str(row["full_name"])[:3].upper()


def driver_labels(frame: pd.DataFrame) -> list[str]:
    """Return the three letters of each driver.

    Parameters
    ----------
    frame : pandas.DataFrame
        A row per driver.

    Returns
    -------
    list of str
        One label per row, see `letters_of`.
    """
    return [letters_of(row) for row in frame.to_dict("records")]


def row_labels(axes: Any, labels: Sequence[str]) -> None:
    """Write labels at the left of rows 0, 1, 2, ... as texts: ticks would take twice as long to draw."""
    axes.set_yticks([])
    place = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "center_baseline", "family": "monospace"}
    for row, label in enumerate(labels):
        axes.text(-0.01, row, label, fontsize=10, color=INK, **place)


def longest(labels: Iterable[str]) -> int:
    """Return the length of the longest label."""
    return max(len(label) for label in labels)


def end_labels(axes: Any, x: float, ends: Iterable[tuple[str, float]], gap: float) -> None:
    """Write labels at the right ends of lines, moved apart so that they can be read.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The axes.
    x : float
        Where the lines end, in data coordinates.
    ends : iterable of tuple of (str, float)
        Label and height of each line's end.
    gap : float
        Least distance of two labels, in data coordinates.
    """
    for letters, y in spread(ends, gap):
        axes.annotate(letters, (x, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9, color=INK)


def spread(ends: Iterable[tuple[str, float]], gap: float) -> list[tuple[str, float]]:
    """Return ``ends`` by height, moved as little as keeps them ``gap`` apart: a cluster is centred on its mean."""
    heaps: list[tuple[list[str], float]] = []
    for letters, height in sorted(ends, key=lambda end: end[1]):
        heaps.append(([letters], height))
        while len(heaps) > 1 and heaps[-1][1] - heaps[-2][1] < (len(heaps[-2][0]) + len(heaps[-1][0])) / 2 * gap:
            (above, high), (below, low) = heaps.pop(), heaps.pop()
            count = len(above) + len(below)
            heaps.append((below + above, (low * len(below) + high * len(above)) / count))
    return [
        (letters, middle + (place - (len(names) - 1) / 2) * gap)
        for names, middle in heaps
        for place, letters in enumerate(names)
    ]
