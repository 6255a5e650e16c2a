"""Picture of a race for where its page is shared (``og:image``): the favourites with their chances, as a small PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from f1lib.predictions.words import percent
from f1lib.report.figures.style import team_colours

_INCHES, _DPI, _SHOWN, _COLOURS = (12, 6.3), 100, 5, 48
_PAGE, _INK, _MUTED, _BAR = "#0e1217", "#e8ecf1", "#a2adb9", "#1f262f"


def share_picture(title: str, note: str, forecast: Sequence[Mapping[str, Any]], warning: str = "") -> bytes:
    """Draw the likeliest winners of a race.

    Parameters
    ----------
    title : str
        The race.
    note : str
        A line below the title.
    forecast : sequence of mapping
        A row a driver with ``full_name team_id p_win``.
    warning : str
        A line over the picture, such as that its data is simulated.

    Returns
    -------
    bytes
        A PNG of 1200 x 630 pixels, the size that sites ask for.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from PIL import Image

    rows = sorted(forecast, key=lambda row: -row["p_win"])[:_SHOWN]
    colours = team_colours(row["team_id"] for row in forecast)
    figure = Figure(figsize=_INCHES, dpi=_DPI, facecolor=_PAGE)
    figure.text(0.05, 0.875, title, fontsize=40, fontweight="bold", color=_INK, va="center")
    figure.text(0.05, 0.77, note, fontsize=21, color=_MUTED, va="center")
    for place, row in enumerate(rows):
        y = 0.62 - 0.115 * place
        for share, colour in ((1, _BAR), (row["p_win"], colours[row["team_id"]])):
            bar = Rectangle((0.42, y - 0.026), 0.42 * share, 0.052, color=colour, linewidth=0)
            bar.set_transform(figure.transFigure)
            figure.add_artist(bar)
        figure.text(0.05, y, row["full_name"], fontsize=25, color=_INK, va="center")
        figure.text(0.95, y, percent(row["p_win"]), fontsize=25, fontweight="bold", color=_INK, va="center", ha="right")
    figure.text(0.05, 0.05, "f1lib: chance of winning", fontsize=16, color=_MUTED, va="center")
    if warning:
        figure.text(0.95, 0.05, warning, fontsize=20, fontweight="bold", color="#ffd400", va="center", ha="right")
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    size = canvas.get_width_height()
    drawn = Image.frombuffer("RGBA", size, bytes(canvas.buffer_rgba())).convert("RGB")
    out = BytesIO()
    drawn.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE).save(out, "PNG")
    return out.getvalue()
