"""What a command takes, its children included."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.processes import Failed, Measured, Sample, run

CHILD = "held = b'x' * 80_000_000; n = sum(range(20_000_000)); print(n > 0)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}], check=True)"


def test_a_command_s_children_count_with_it(tmp_path: Path) -> None:
    done = run([sys.executable, "-c", PARENT], tmp_path)
    assert done.output == "True\n"
    assert done.peak > 80_000_000
    assert done.cpu > 0
    assert [sample.cpu for sample in done.samples] == sorted(sample.cpu for sample in done.samples)


def test_a_command_that_fails_is_an_error_with_its_status(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="ended with status 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


def test_a_part_of_a_run_has_its_own_cpu_and_peak() -> None:
    samples = [Sample(when, cpu, memory) for when, cpu, memory in ((0, 0.0, 5), (1, 0.5, 9), (2, 2.5, 7), (3, 3.0, 1))]
    done = Measured(3.0, 3.0, "", samples)
    assert done.between(1, 2) == (2.0, 9)
    assert done.between(1.5, 3) == (2.5, 9)
    assert done.peak == 9
    assert Measured(3.0, 3.0, "", samples, largest=12).peak == 12
