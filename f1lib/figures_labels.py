"""Letters at the ends of lines, pushed apart so that they can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib.figures import INK

if TYPE_CHECKING:
    from collections.abc import Iterable


def end_labels(axes: Any, x: float, ends: Iterable[tuple[str, float]], gap: float) -> None:
    """Letters at the right ends of lines, pushed apart so that they can be read.

    ``ends`` holds the letters and the height of each line's end; ``gap`` is the least distance, both in the axes' data.
    """
    for letters, y in spread(ends, gap):
        axes.annotate(letters, (x, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9, color=INK)


def spread(ends: Iterable[tuple[str, float]], gap: float) -> list[tuple[str, float]]:
    """``ends`` by height, moved as little as keeps them ``gap`` apart: those who collide stand about their mean."""
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
