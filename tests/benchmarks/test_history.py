"""The kept history: a line a release, and the page that shows the newest."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from benchmarks import chart, history
from benchmarks.figures import Figures

FIGURES: Figures = {
    "first run": {"wall": [20.0, 22.0, 21.0], "CPU": [18.0], "memory": [6e8]},
    "tick, nothing due, simulated": {"wall": [0.1], "CPU": [0.1]},
    "tick, nothing due, simulated, warm": {"CPU": [0.01]},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    kept = tmp_path / "history.jsonl"
    for version in ("0.1.0", "0.2.0"):
        history.record(history.line(version, "abc1234", FIGURES), kept)
    return kept


def test_a_release_is_one_line_with_medians_ratios_and_the_machine_without_its_name(file: Path) -> None:
    line = history.read(file)[0]
    assert set(line) == {"version", "date", "commit", "machine", "figures", "ratios"}
    assert line["figures"]["first run"] == {"wall": 21.0, "CPU": 18.0, "memory": 6e8}
    assert line["ratios"]["tick with nothing due, warm / cold"] == pytest.approx(0.1)
    assert set(line["machine"]) == {"cores", "memory_gb", "processor", "system", "python"}
    assert platform.node() not in json.dumps(line)


def test_a_version_that_is_measured_again_replaces_its_line(file: Path) -> None:
    history.record(history.line("0.1.0", "def5678", FIGURES), file)
    assert [(line["version"], line["commit"]) for line in history.read(file)] == [
        ("0.1.0", "def5678"),
        ("0.2.0", "abc1234"),
    ]


def test_the_kept_ratio_is_the_newest_release_s_that_has_it() -> None:
    lines = [{"ratios": {"a": 1.0, "b": 2.0}}, {"ratios": {"a": 3.0}}]
    assert history.kept_ratios(lines) == {"a": 3.0, "b": 2.0}


def test_the_page_has_the_newest_line_and_keeps_what_stands_around_it(file: Path) -> None:
    before = f"# Performance\n\n{history.BEGIN}\nlast year\n{history.END}\n\n## More\n"
    page = history.page_with(before, history.read(file))
    assert page.startswith("# Performance\n")
    assert page.endswith("\n## More\n")
    assert "last year" not in page
    assert "21.0 s" in page
    assert "f1lib 0.2.0 (abc1234)" in page
    assert history.page_with(page, history.read(file)) == page


def test_the_page_in_the_documentation_shows_the_newest_line_that_is_kept() -> None:
    page = history.PAGE.read_text(encoding="utf-8")
    assert history.page_with(page, history.read()) == page


def test_every_kept_line_is_of_a_version_of_its_own_and_every_gate_has_a_kept_value() -> None:
    from benchmarks.figures import RATIOS

    lines = history.read()
    assert len({line["version"] for line in lines}) == len(lines) > 0
    assert {ratio.name for ratio in RATIOS if ratio.gated} <= set(history.kept_ratios(lines))


def test_the_chart_has_a_panel_for_each_figure_that_people_meet(file: Path, tmp_path: Path) -> None:
    chart.draw(history.read(file), tmp_path / "docs" / "chart.svg")
    assert "<svg" in (tmp_path / "docs" / "chart.svg").read_text()
