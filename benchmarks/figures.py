"""Figures, the ratios between them, and how they are written: a table for people, pyperf's JSON for programs.

A figure is what one thing took, by kind: ``wall`` and ``CPU`` in seconds, ``memory`` and ``size`` in bytes, and
``requests`` as a count; each kind has all its measurements. The JSON is pyperf's, so that its statistics and
`python -m pyperf compare_to` work. Its runner is not used: it measures one process, and no CPU, memory or requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

Kinds = dict[str, list[float]]
Figures = dict[str, Kinds]
UNITS = {"wall": "second", "CPU": "second", "memory": "byte", "size": "byte", "requests": "integer"}
ALLOWED = 1.3  # a gated ratio may be this many times the kept one


@dataclass(frozen=True)
class Ratio:
    """``over`` by ``under``, each a figure and a kind; without ``under`` the figure itself. Less is better.

    ``gated`` are those that depend on the machine so little that a release's value holds anywhere: both sides are
    measured in one run, in CPU of one thread or as a count.
    """

    name: str
    over: tuple[str, str]
    under: tuple[str, str] | None
    gated: bool = False

    def of(self, figures: Figures) -> float | None:
        """The ratio of the medians; None where a side was not measured."""
        over, under = (value(figures, *side) if side else 1.0 for side in (self.over, self.under))
        return None if over is None or under is None else over / under


RATIOS = (
    Ratio(
        "tick with nothing due, warm / cold", ("tick, nothing due, simulated, warm", "CPU"),
        ("tick, nothing due, simulated", "CPU"), True,
    ),
    Ratio(
        "gold / pandas, all of history", ("gold, 7 groups, all of history, SQL, 1x", "CPU"),
        ("gold, 7 groups, all of history, pandas, 1x", "CPU"), True,
    ),
    Ratio("gold of the next race, 10x / 1x", ("gold, next race, 10x", "CPU"), ("gold, next race, 1x", "CPU"), True),
    Ratio("ONNX / native, 22 drivers", ("22 drivers, ONNX, p50", "CPU"), ("22 drivers, native, p50", "CPU"), True),
    Ratio("requests, nothing due", ("requests, nothing due", "requests"), None, True),
    Ratio("requests, chain of a grid", ("requests, chain of a grid", "requests"), None, True),
    Ratio("ONNX / xgboost alone", ("22 drivers, ONNX, p50", "CPU"), ("22 drivers, xgboost alone, p50", "CPU")),
    Ratio("gold of the next race, 100x / 1x", ("gold, next race, 100x", "CPU"), ("gold, next race, 1x", "CPU")),
    Ratio(
        "gold / pandas, next race in 100x", ("gold, 7 groups, next race, SQL, 100x", "CPU"),
        ("gold, 7 groups, next race, pandas, 100x", "CPU"),
    ),
)  # fmt: skip


def value(figures: Figures, name: str, kind: str) -> float | None:
    """The median of a kind of a figure; None where it was not measured."""
    values = figures.get(name, {}).get(kind)
    return median(values) if values else None


def ratios(figures: Figures) -> dict[str, float]:
    """Every ratio whose sides were measured."""
    found = {ratio.name: ratio.of(figures) for ratio in RATIOS}
    return {name: number for name, number in found.items() if number is not None}


def worse(now: Mapping[str, float], kept: Mapping[str, float]) -> list[str]:
    """Say which gated ratios are more than `ALLOWED` times the kept ones."""
    names = [r.name for r in RATIOS if r.gated and r.name in now and r.name in kept]
    return [
        f"{name}: {now[name]:.3g}, kept {kept[name]:.3g}; {now[name] / kept[name] - 1:+.0%}, allowed {ALLOWED - 1:+.0%}"
        for name in names
        if now[name] > ALLOWED * kept[name]
    ]


def table(figures: Figures, against: Figures | None = None) -> str:
    """The figures as a Markdown table, medians; beside the wall seconds of ``against``, where they are given."""
    heads = ["", "wall", "CPU", "memory", *(["against", "ratio"] if against else [])]
    rows = [_row(name, kinds, (against or {}).get(name), against is not None) for name, kinds in figures.items()]
    return markdown(heads, rows)


def ratio_table(now: Mapping[str, float], kept: Mapping[str, float]) -> str:
    """The ratios as a Markdown table: measured, kept, and whether a build fails on them."""
    gated = {ratio.name: ratio.gated for ratio in RATIOS}
    rows = [
        [name, f"{number:.3g}", f"{kept[name]:.3g}" if name in kept else "-", "yes" if gated[name] else "no"]
        for name, number in now.items()
    ]
    return markdown(["ratio", "now", "kept", "gated"], rows)


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with aligned columns, the first to the left."""
    lines = [[*map(str, heads)], *([*map(str, row)] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    cells = [
        [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    rule = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [cells[0], rule, *cells[1:]])


def _row(name: str, kinds: Kinds, other: Kinds | None, is_pair: bool) -> list[str]:
    wall = _seconds(kinds.get("wall"))
    if "requests" in kinds:
        wall = f"{median(kinds['requests']):.0f} requests"
    row = [name, wall, _seconds(kinds.get("CPU")), _bytes(kinds.get("memory") or kinds.get("size"))]
    if not is_pair:
        return row
    if not other:
        return [*row, "", ""]
    kind = "wall" if "wall" in kinds else "size"
    shown = _seconds(other.get("wall")) if kind == "wall" else _bytes(other.get("size"))
    return [*row, shown, f"{median(kinds[kind]) / median(other[kind]):.2f}"]


def _seconds(values: list[float] | None) -> str:
    if not values:
        return ""
    number = median(values)
    return f"{number:.1f} s" if number >= 10 else f"{number:.2f} s" if number >= 0.1 else f"{number * 1000:.3g} ms"


def _bytes(values: list[float] | None) -> str:
    return f"{median(values) / 1e6:.0f} MB" if values else ""


def write(figures: Figures, file: Path) -> None:
    """Write the measurements as a suite of pyperf, without the name of the machine."""
    import pyperf

    suite = [
        pyperf.Benchmark([
            pyperf.Run(
                [max(number, 1e-9) for number in values],
                metadata={"name": f"{name} ({kind})" if kind in ("CPU", "memory") else name, "unit": UNITS[kind]},
                collect_metadata=False,
            )
        ])
        for name, kinds in figures.items()
        for kind, values in kinds.items()
        if values
    ]  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    pyperf.BenchmarkSuite(suite).dump(str(file), replace=True)
