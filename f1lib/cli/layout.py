"""Layout of a table on a terminal of any width: no cell is cut.

Where the table is too wide, headings and cells are abbreviated, then columns are left out, the least important first.
Where even that is too wide, the table is wider than the terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

# Blanks between two columns, and the width that a column of sentences has at least.
GAP, SENTENCE = 2, 24
Cell = tuple[str, str]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        The heading.
    short : str
        The heading where the terminal is narrow; empty for the same.
    right : bool
        Whether cells are aligned right, as numbers are.
    wraps : bool
        Whether cells are sentences, which may go on over several lines. No other cell is ever broken.
    rank : int
        0 for a column that is always shown. Of the others the one with the highest rank is left out first, and one
        without any content is not shown.
    """

    name: str
    short: str = ""
    right: bool = False
    wraps: bool = False
    rank: int = 0


@dataclass(frozen=True)
class Layout:
    """The columns that fit, their headings and widths, the cells of each row, and the names of what was left out."""

    columns: list[Column]
    headings: list[str]
    widths: list[int]
    rows: list[list[str]]
    left_out: list[str]

    @property
    def width(self) -> int:
        """Width of the table with its gaps."""
        return sum(self.widths) + GAP * (len(self.widths) - 1)


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> Layout:
    """Lay a table out in ``width`` columns of a terminal.

    Parameters
    ----------
    columns : sequence of Column
        All columns.
    rows : sequence of sequences of (str, str)
        The long and the short form of each cell, in the order of ``columns``.
    width : int
        What there is room for.

    Returns
    -------
    Layout
        The most complete one that fits; one that does not where none does.
    """
    kept = [i for i, column in enumerate(columns) if not column.rank or any(row[i][0] for row in rows)]
    by_rank = sorted((i for i in kept if columns[i].rank), key=lambda i: -columns[i].rank)
    found = _laid(columns, rows, kept, width, short=False)
    for dropped in range(len(by_rank) + 1):
        if found.width <= width:
            break
        rest = [i for i in kept if i not in by_rank[:dropped]]
        found = _laid(columns, rows, rest, width, short=True)
    shown = set(found.columns)
    return Layout(
        found.columns,
        found.headings,
        found.widths,
        found.rows,
        [columns[i].name for i in kept if columns[i] not in shown],
    )


def _laid(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], kept: list[int], width: int, *, short: bool
) -> Layout:
    """Lay out the columns ``kept``; sentences share what the others leave."""
    chosen = [columns[i] for i in kept]
    headings = [(column.short if short else "") or column.name for column in chosen]
    cells = [[row[i][short] for i in kept] for row in rows]
    natural = [
        max(map(cell_len, [heading, *(row[n] for row in cells)]), default=0) for n, heading in enumerate(headings)
    ]
    widths = [min(wide, SENTENCE) if column.wraps else wide for column, wide in zip(chosen, natural, strict=True)]
    spare = width - sum(widths) - GAP * (len(widths) - 1)
    for n, column in enumerate(chosen):
        if column.wraps and spare > 0:
            more = min(spare, natural[n] - widths[n])
            widths[n], spare = widths[n] + more, spare - more
    return Layout(chosen, headings, widths, cells, [])
