"""What several subcommands print with: the console, tables, JSON, progress. Nothing here decides anything."""

from __future__ import annotations

import codecs
import io
import json
import logging
import os
import shutil
import sys
import unicodedata
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import parse_utc
from f1lib.errors import BadParameters
from f1lib.lake.store import LocalStore, ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

    import pandas as pd
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

    from f1lib.cli.layout import Column

SCORING_METRICS = (
    "mae spearman rps win_log_loss podium_brier top10_brier winner_hit podium_overlap coverage dnf_log_loss"
).split()
_SHORT = {
    "spearman": "rho", "win_log_loss": "win ll", "podium_brier": "podium", "top10_brier": "points",
    "winner_hit": "winner", "podium_overlap": "overlap", "coverage": "cover", "dnf_log_loss": "dnf ll",
}  # fmt: skip
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


COLORS = ("auto", "always", "never")
_ENDLESS = 10_000  # columns of a file or a pipe
_color: ContextVar[str] = ContextVar("color", default="auto")


@contextmanager
def colored(when: str) -> Iterator[None]:
    """Print in colour ``auto`` (on a terminal, unless NO_COLOR is set), ``always`` or ``never`` inside the block."""
    token = _color.set(when)
    try:
        yield
    finally:
        _color.reset(token)


def console(*, stderr: bool = False) -> Console:
    """Make a console; one that is no terminal is as wide as its lines are long, unless COLUMNS says otherwise."""
    from rich.console import Console

    when = _color.get()
    file = sys.stderr if stderr else sys.stdout
    given: dict[str, Any] = {} if file.isatty() or os.environ.get("COLUMNS") else {"width": _ENDLESS}
    if when != "auto":
        given |= {"color_system": "standard" if when == "always" else None, "no_color": when == "never"}
    return Console(stderr=stderr, highlight=False, **given)


def _width(file: TextIO) -> int:
    """Return the width of `console` without rich, whose import a tick with nothing to do saves."""
    return shutil.get_terminal_size().columns if file.isatty() or os.environ.get("COLUMNS") else _ENDLESS


def local_time(moment: str) -> str:
    """Write a time of `format_utc` for the reader: ``Sunday 7 December 2025 at 14:00 CET``, in the time zone of TZ."""
    local = parse_utc(moment).astimezone()
    return f"{local:%A} {local.day} {local:%B %Y at %H:%M %Z}"


def print_notice(text: str) -> None:
    """Print what the user must know, on standard error."""
    print_line(f"*** {text} ***", stderr=True)


def print_line(text: str, *, stderr: bool = False) -> None:
    """Print text from data, wrapped at the console's width; nothing is broken within a word or before a % sign."""
    if stderr and not sys.stderr.isatty():  # a log has an error on one line
        return print_plain(text, sys.stderr)
    width = _width(sys.stderr if stderr else sys.stdout)
    together = (line.replace(" %", "\xa0%") for line in visible(text).splitlines())
    lines = [part for line in together for part in wrap(line, width, break_long_words=False, break_on_hyphens=False)]
    print_plain("\n".join(lines).replace("\xa0%", " %"), sys.stderr if stderr else None)


def print_table(
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Collection[str] = (),
    title: str = "",
    caption: str = "",
) -> None:
    """Print a table on standard output, as wide as fits: abbreviated on a narrow terminal, then with fewer columns.

    Parameters
    ----------
    columns : sequence of Column or str
        The columns; a text is one that is always shown and never broken.
    rows : iterable of sequences
        The cells of each row, in the order of ``columns``; printed by ``str`` and never read as markup. A tuple is
        the long and the short form of a cell.
    right : collection of str
        Those of the columns given as text that are aligned right.
    title, caption : str
        Lines above and below the table.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from f1lib.cli.layout import GAP, Column, fitted

    known = [column if isinstance(column, Column) else Column(column, right=column in right) for column in columns]
    screen = console()
    laid = fitted(known, [[_forms(cell) for cell in row] for row in rows], screen.width)
    screen.width = max(screen.width, laid.width)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for column, heading, width in zip(laid.columns, laid.headings, laid.widths, strict=True):
        justify: Any = "right" if column.right else "left"
        table.add_column(escape(visible(heading)), justify=justify, no_wrap=not column.wraps, width=width)
    for row in laid.rows:
        table.add_row(*map(escape, row))
    if title:
        screen.print(visible(title), markup=False, style="bold")
    screen.print(table)
    left = [f"not shown at this width: {', '.join(laid.left_out)}"] if laid.left_out else []
    for line in [*caption.splitlines(), *left]:
        print_line(line)


def _forms(cell: Any) -> tuple[str, str]:
    long, short = cell if isinstance(cell, tuple) else (cell, cell)
    return visible(long), visible(short)


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
    heads = [label.replace("_", " ") for label in labels]
    print_table([*heads, *_metric_columns(metrics)], cells, title=title)


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
    print_table(["", *_metric_columns(metrics)], cells, title=title)


def _metric_columns(metrics: Iterable[str]) -> list[Column]:
    from f1lib.cli.layout import Column

    return [Column(n.replace("_", " "), _SHORT.get(n, ""), right=True, rank=rank) for rank, n in enumerate(metrics)]


def print_json(document: Any) -> None:
    """Print a document as indented JSON, in ASCII where the output cannot hold every letter."""
    print(visible(json.dumps(document, indent=2, ensure_ascii=not _is_unicode(sys.stdout))))


def plain_letters() -> None:
    """Let standard output and error print every text: a letter that they cannot hold loses its accent, or is ``?``."""
    codecs.register_error("f1lib", _without_accents)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not _is_unicode(stream):
            stream.reconfigure(errors="f1lib")


def _is_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "utf-8").lower().startswith("utf")


def _without_accents(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = unicodedata.normalize("NFKD", error.object[error.start : error.end])
    plain = "".join(c if c.isascii() else "" if unicodedata.combining(c) else "?" for c in letters)
    return plain, error.end


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
    from rich.table import Column

    words = TextColumn("{task.description}", table_column=Column(no_wrap=False))  # goes on over lines, is not cut
    return _progress(SpinnerColumn("line"), words, TimeElapsedColumn())


def bar() -> Progress:
    """Make a display of countable work on standard error: description, bar, count, time remaining."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column

    words = TextColumn("{task.description}", table_column=Column(no_wrap=False))
    return _progress(words, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def _progress(*columns: ProgressColumn) -> Progress:
    """Make a progress display, unless the log is shown: its lines would be written across the display."""
    from rich.progress import Progress

    return Progress(*columns, console=console(stderr=True), disable=_log.isEnabledFor(logging.INFO))
