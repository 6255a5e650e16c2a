"""The suite's tables and ratios, and the rule by which a build fails on one that is worse."""

from __future__ import annotations

from pathlib import Path

import pyperf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import figures
from benchmarks.figures import RATIOS, Figures, Ratio

GATED = [ratio.name for ratio in RATIOS if ratio.gated]


def _measured() -> Figures:
    return {
        "tick, nothing due, simulated": {"wall": [0.2, 0.1, 0.3], "CPU": [0.1], "memory": [60e6]},
        "tick, nothing due, simulated, warm": {"wall": [0.004], "CPU": [0.005]},
        "22 drivers, ONNX, p50": {"wall": [0.00005], "CPU": [0.00004]},
        "22 drivers, native, p50": {"wall": [0.0005], "CPU": [0.0004]},
        "requests, nothing due": {"requests": [36]},
        "base install": {"size": [800e6]},
    }


def test_a_ratio_is_of_medians_and_a_count_is_its_own_ratio() -> None:
    found = figures.ratios(_measured())
    assert found["tick with nothing due, warm / cold"] == pytest.approx(0.05)
    assert found["ONNX / native, 22 drivers"] == pytest.approx(0.1)
    assert found["requests, nothing due"] == 36


def test_a_ratio_with_a_side_that_was_not_measured_is_left_out() -> None:
    assert "gold / pandas, all of history" not in figures.ratios(_measured())


def test_the_gate_names_a_planted_regression_and_how_far_it_is_off() -> None:
    kept = figures.ratios(_measured())
    slower = _measured() | {
        "tick, nothing due, simulated, warm": {"CPU": [0.005 * 1.31]},
        "requests, nothing due": {"requests": [46]},
    }
    said = figures.worse(figures.ratios(slower), kept)
    assert len(said) == 1
    assert said[0] == "tick with nothing due, warm / cold: 0.0655, kept 0.05; +31%, allowed +30%"


@given(kept=st.floats(1e-6, 1e6), factor=st.floats(0.01, 100))
def test_a_gated_ratio_fails_exactly_when_it_is_more_than_thirty_percent_worse(kept: float, factor: float) -> None:
    name = GATED[0]
    assert bool(figures.worse({name: kept * factor}, {name: kept})) == (kept * factor > 1.3 * kept)


def test_a_better_ratio_one_without_a_kept_value_and_one_that_is_not_gated_never_fail() -> None:
    free = next(ratio.name for ratio in RATIOS if not ratio.gated)
    assert figures.worse({GATED[0]: 0.1, GATED[1]: 9.0, free: 9.0}, {GATED[0]: 1.0, free: 1.0}) == []


def test_every_gated_ratio_has_both_sides_in_cpu_or_is_a_count() -> None:
    def is_free_of_the_machine(ratio: Ratio) -> bool:
        kinds = {ratio.over[1], *([ratio.under[1]] if ratio.under else [])}
        return kinds in ({"CPU"}, {"requests"})

    assert len(GATED) == 6
    assert [ratio.name for ratio in RATIOS if ratio.gated and not is_free_of_the_machine(ratio)] == []


def test_the_table_has_a_row_a_figure_in_fitting_units() -> None:
    lines = figures.table(_measured()).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == ["", "wall", "CPU", "memory"]
    assert cells[2] == ["tick, nothing due, simulated", "0.20 s", "0.10 s", "60 MB"]
    assert ["22 drivers, ONNX, p50", "0.05 ms", "0.04 ms", ""] in cells
    assert ["requests, nothing due", "36 requests", "", ""] in cells
    assert ["base install", "", "", "800 MB"] in cells
    assert len({len(line) for line in lines}) == 1


def test_the_table_of_a_pair_shows_the_other_side_and_the_ratio_where_both_were_measured() -> None:
    lines = figures.table(_measured(), {"tick, nothing due, simulated": {"wall": [0.4]}}).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells[0][-2:] == ["against", "ratio"]
    assert cells[2][-2:] == ["0.40 s", "0.50"]
    assert cells[3][-2:] == ["", ""]


def test_the_json_is_pyperf_s_with_every_measurement_and_no_name_of_a_machine(tmp_path: Path) -> None:
    figures.write(_measured(), tmp_path / "new" / "bench.json")
    suite = pyperf.BenchmarkSuite.load(str(tmp_path / "new" / "bench.json"))
    tick = suite.get_benchmark("tick, nothing due, simulated")
    assert tick.get_values() == (0.2, 0.1, 0.3)
    assert suite.get_benchmark("tick, nothing due, simulated (memory)").get_unit() == "byte"
    assert "hostname" not in (tmp_path / "new" / "bench.json").read_text()
