"""The kept history: ``benchmarks/history.jsonl``, a line a release with its figures and ratios.

A line is ``{"version", "date", "commit", "machine", "figures", "ratios"}``; of the machine only what speed depends on,
never its name. Figures are medians, by kind.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.figures import Figures, markdown, ratio_table, ratios, table

FILE = Path(__file__).with_name("history.jsonl")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def read(file: Path = FILE) -> list[dict[str, Any]]:
    """Every kept line, the oldest first."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def kept_ratios(lines: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Of each ratio the newest value that is kept."""
    found: dict[str, float] = {}
    for line in lines:
        found |= line["ratios"]
    return found


def machine() -> dict[str, Any]:
    """What the speed depends on, without the name of the machine."""
    model = [line for line in _processor() if line.startswith("model name")]
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "processor": model[0].partition(":")[2].strip() if model else platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _processor() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.exists() else []


def commit_of(folder: Path) -> str:
    """The commit that is checked out in a folder."""
    git = ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()


def line(version: str, commit: str, figures: Figures) -> dict[str, Any]:
    """The line of a release."""
    medians = {n: {kind: _short(median(v)) for kind, v in kinds.items() if v} for n, kinds in figures.items()}
    return {
        "version": version,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit,
        "machine": machine(),
        "figures": medians,
        "ratios": {name: _short(number) for name, number in ratios(figures).items()},
    }


def _short(number: float) -> float:
    return float(f"{number:.4g}")


def record(new: Mapping[str, Any], file: Path = FILE) -> None:
    """Keep a line: in the place of one of the same version, else at the end."""
    lines = read(file)
    place = next((n for n, old in enumerate(lines) if old["version"] == new["version"]), len(lines))
    lines[place : place + 1] = [dict(new)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def page_with(text: str, lines: Sequence[Mapping[str, Any]]) -> str:
    """The page of the documentation with the tables of the newest line in their place."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{shown(lines)}\n{END}{rest.partition(END)[2]}"


def shown(lines: Sequence[Mapping[str, Any]]) -> str:
    """The newest line as Markdown: where it was measured, the figures, the ratios, the releases before."""
    newest = lines[-1]
    figures = {name: {kind: [number] for kind, number in kinds.items()} for name, kinds in newest["figures"].items()}
    about = newest["machine"]
    where = f"{about['cores']} cores ({about['processor']}), {about['memory_gb']} GB, Python {about['python']}"
    parts = [f"f1lib {newest['version']} ({newest['commit']}), {newest['date']}, {where}:", table(figures)]
    parts.append(ratio_table(newest["ratios"], kept_ratios(lines[:-1])))
    if len(lines) > 1:
        parts += ["Against the releases before, wall seconds:", _releases(lines)]
    return "\n\n".join(parts)


def _releases(lines: Sequence[Mapping[str, Any]]) -> str:
    """Wall seconds of every release, for the figures that more than one has."""
    walls = [{n: kinds["wall"] for n, kinds in line["figures"].items() if "wall" in kinds} for line in lines]
    names = [name for name in walls[-1] if any(name in wall for wall in walls[:-1])]
    rows = [[name, *(f"{wall[name]:.3g}" if name in wall else "" for wall in walls)] for name in names]
    return markdown(["", *(f"{line['version']}" for line in lines)], rows)
