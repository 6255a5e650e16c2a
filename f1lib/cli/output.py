"""What several subcommands print with: the console, tables, JSON, progress. Nothing here decides anything."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1lib.errors import BadParameters
from f1lib.lake.store import LocalStore, ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import TextIO

    import pandas as pd
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

SCORING_METRICS = (
    "mae spearman rps win_log_loss podium_brier top10_brier winner_hit podium_overlap coverage dnf_log_loss"
).split()
_log = logging.getLogger(__name__)


def visible(text: Any) -> str:
    """Return text for a terminal: what would move its cursor, hide or turn letters around is shown as a mark."""
    return "".join(c if c.isprintable() or c in "\n\t\xa0" else "\ufffd" for c in str(text))


def print_plain(text: str, file: TextIO | None = None) -> None:
    """Print text from data as it is, without wrapping; standard output by default."""
    print(visible(text), file=file, flush=file is not None)


def print_csv(frame: pd.DataFrame) -> None:
    """Print a frame as CSV.

    A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, "CSV Injection").

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of any grain; columns of numbers are left as they are.
    """

    def harmless(cell: Any) -> Any:
        is_formula = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        return f"'{cell}" if is_formula else cell

    shown = frame.apply(lambda column: column if column.dtype.kind in "biufcmM" else column.map(harmless))
    print_plain(shown.to_csv(index=False).rstrip("\n"))


def console(*, width: int = 0, stderr: bool = False) -> Console:
    """Make a console; one that is no terminal is ``width`` columns wide, where that is given."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False)
    if width and not made.is_terminal:
        made.width = width
    return made


def print_notice(text: str) -> None:
    """Print what the user must know, on standard error."""
    print_plain(f"*** {text} ***", sys.stderr)


def print_line(text: str) -> None:
    """Print text from data, wrapped at the console's width."""
    console().print(visible(text), markup=False)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Collection[str] = (),
    no_wrap: Collection[str] = (),
    width: int = 0,
    title: str = "",
    caption: str = "",
) -> None:
    """Print a table on standard output.

    Parameters
    ----------
    columns : sequence of str
        The headings.
    rows : iterable of sequences
        The cells of each row, in the order of ``columns``; printed by ``str`` and never read as markup.
    right, no_wrap : collections of str
        Columns that are aligned right, and columns whose cells stay on one line.
    width : int
        Columns of an output that is no terminal; 0 leaves it to the environment (80 by default).
    title, caption : str
        Lines above and below the table.
    """
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(visible(title)) or None, caption=escape(visible(caption)) or None)
    for column in columns:
        table.add_column(visible(column), justify="right" if column in right else "left", no_wrap=column in no_wrap)
    for row in rows:
        table.add_row(*(escape(visible(cell)) for cell in row))
    console(width=width).print(table)


def print_scores(title: str, rows: list[dict[str, Any]], labels: Sequence[str]) -> None:
    """Print a table of scores.

    Parameters
    ----------
    title : str
        The line above the table.
    rows : list of dict
        The labels and metrics of each row; a metric that is None or not there leaves its cell empty.
    labels : sequence of str
        The names that come first; of `SCORING_METRICS` those follow that any row has.
    """
    metrics = [name for name in SCORING_METRICS if any(name in row for row in rows)]
    figures = (["" if row.get(name) is None else f"{row[name]:.4f}" for name in metrics] for row in rows)
    cells = [[*(row[label] for label in labels), *values] for row, values in zip(rows, figures, strict=True)]
    heads = [name.replace("_", " ") for name in (*labels, *metrics)]
    right = heads[len(labels) :]
    print_table(heads, cells, right=right, no_wrap=heads[: len(labels)], width=160, title=title)


def difference(row: Mapping[str, float], metric: str) -> str:
    """Format a difference as ``-0.0009 ± 0.0002``; that of a single race has no standard error."""
    if metric not in row:
        return ""
    return f"{row[metric]:+.4f}" + (f" ± {row[f'{metric}_se']:.4f}" if row[f"{metric}_se"] else "")


def print_differences(title: str, systems: Mapping[str, Mapping[str, float]]) -> None:
    """Print paired differences of scores, each with its standard error.

    Parameters
    ----------
    title : str
        The line above the table.
    systems : mapping
        Name -> metric -> mean difference, and its standard error under ``<metric>_se``.
    """
    metrics = [name for name in SCORING_METRICS if any(name in row for row in systems.values())]
    cells = [[name, *(difference(row, metric) for metric in metrics)] for name, row in systems.items()]
    heads = ["", *(name.replace("_", " ") for name in metrics)]
    print_table(heads, cells, right=heads[1:], no_wrap=heads, width=240, title=title)


def print_json(document: Any) -> None:
    """Print a document as indented JSON."""
    print(visible(_json(document)))


def table_or_json(document: dict[str, Any], as_table: Callable[[dict[str, Any]], None], file: str) -> None:
    """Show a document in the form that ``--json`` asks for.

    Parameters
    ----------
    document : dict
        JSON values.
    as_table : callable
        Prints the document for people.
    file : str
        Empty: the table only. A path: the table, and the document into the file. ``-``: the document only.

    Raises
    ------
    BadParameters
        The file cannot be written.
    """
    if file == "-":
        print_json(document)
        return
    as_table(document)
    try:
        if file:
            Path(file).write_text(_json(document) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadParameters(f"cannot write {file}: {error.strerror}") from error


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def location(store: ObjectStore, key: str) -> str:
    """Where a person opens ``key``: a path for a folder, a URL otherwise."""
    return str(store.path(key)) if isinstance(store, LocalStore) else f"{store.url}/{key}"


def spinner() -> Progress:
    """Make a display of tasks of unknown length on standard error: spinner, description, time elapsed."""
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    return _progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())


def bar() -> Progress:
    """Make a display of countable work on standard error: description, bar, count, time remaining."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    return _progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def _progress(*columns: ProgressColumn) -> Progress:
    """Make a progress display, unless the log is shown: its lines would be written across the display."""
    from rich.progress import Progress

    return Progress(*columns, console=console(stderr=True), disable=_log.isEnabledFor(logging.INFO))
