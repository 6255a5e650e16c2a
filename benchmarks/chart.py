"""The chart of the kept history, which the documentation's build draws: ``python -m benchmarks.chart FILE.svg``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.history import read

SHOWN = {
    "first run": "first run, empty lake", "chain of the result": "Sunday's chain with the result",
    "walk-forward 2019-2025": "walk-forward 2019-2025", "replay of 2025": "replay of 2025",
    "tick, nothing due": "tick, nothing due", "f1 predictions": "f1 predictions",
}  # fmt: skip


def draw(lines: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Draw the wall seconds of the figures that people meet, a panel each, by release."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots(2, 3).flat
    for axis, (name, title) in zip(axes, SHOWN.items(), strict=True):
        known = [(line["version"], line["figures"][name]["wall"]) for line in lines if name in line["figures"]]
        if not known:
            axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center", color="grey")
            axis.set_xticks([])
        axis.plot([version for version, _ in known], [wall for _, wall in known], "o-", color="#1f77b4")
        for at, (_, wall) in enumerate(known):
            axis.annotate(f"{wall:.3g} s", (at, wall), (0, 6), textcoords="offset points", ha="center")
        axis.set_title(title, fontsize=10)
        axis.set_ylim(0, 1.25 * max((wall for _, wall in known), default=1))
        axis.set_xlim(-0.5, max(len(known), 1) - 0.5)
        axis.set_ylabel("s")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)


if __name__ == "__main__":
    draw(read(), Path(sys.argv[1]))
