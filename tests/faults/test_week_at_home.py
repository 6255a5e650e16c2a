"""A week of a home machine's cron: what `f1 run --quiet` prints around Qatar 2025, then pruning, backup and restore."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from f1lib.cli.main import main
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.workspace.project import begin_project

FIRST, LAST = parse_utc("2025-11-25T09:00:00Z"), parse_utc("2025-12-03T09:00:00Z")
FULL_DISK, SPRING = "2025-11-27T21:00:00Z", "2026-03-15T09:00:00Z"
QATAR, ABU_DHABI = "2025_Qatar_Grand_Prix", "2025_Abu_Dhabi_Grand_Prix"
RACE = (
    r"[A-Z]\w+ wins with a chance of \d+ %, \w+ \d+ %, \w+ \d+ %\. The race starts on Sunday {} 2025 at \d\d:00 UTC\."
)
RACE_TO_COME = f"{QATAR}: {RACE.format('30 November')}"
SPRINT_TO_COME = rf"{QATAR}, Sprint: \w+ wins with .* The sprint starts on Saturday 29 November 2025 at 14:00 UTC\."
NEXT_RACE = f"{ABU_DHABI}: {RACE.format('7 December')}"
# What is news, and the tick of two hours that brings it; every other tick prints nothing.
NEWS = {
    "2025-11-28T15:00:00Z": [RACE_TO_COME, SPRINT_TO_COME],  # practice
    "2025-11-28T19:00:00Z": [RACE_TO_COME, SPRINT_TO_COME],  # sprint qualifying
    "2025-11-29T13:00:00Z": [SPRINT_TO_COME],  # the sprint's grid
    "2025-11-29T17:00:00Z": [RACE_TO_COME, rf"{QATAR}, Sprint: Piastri won \(given \d+ %\), [0-3] of 3 on the podium"],
    "2025-11-29T21:00:00Z": [RACE_TO_COME],  # qualifying
    "2025-11-30T15:00:00Z": [RACE_TO_COME],  # the grid
    "2025-11-30T19:00:00Z": [NEXT_RACE, rf"{QATAR}: Verstappen won \(given \d+ %\), [0-3] of 3 on the podium"],
}


def _guide(root: Path, section: str) -> list[str]:
    """The commands of a section of the guide."""
    text = (root / "docs" / "home.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {section}\n(.*?)^## ", text, re.S | re.M)
    assert found
    return re.findall(r"^```bash\n(.*?)^```", found[1], re.S | re.M)


def _issued(lake: Path) -> dict[str, bytes]:
    return {str(path.relative_to(lake)): path.read_bytes() for path in lake.glob("predictions/*/history/**/*.parquet")}


@pytest.mark.campaign
def test_a_week_of_quiet_ticks_prints_what_matters_and_the_lake_is_pruned_and_restored(
    root: Path, f1db_zip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("F1_ENGINE", "inprocess")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    given = ["--source", "f1db", "--f1db", str(f1db_zip), "--now"]
    assert main(["run", *given, format_utc(FIRST)]) == 0
    capsys.readouterr()
    printed, moment = {}, FIRST
    while (moment := moment + timedelta(hours=2)) <= LAST:
        now = format_utc(moment)
        with monkeypatch.context() as disk:
            if now == FULL_DISK:
                disk.setattr("f1lib.bronze.schedule.refresh_schedule", _full_disk)
            assert main(["run", "--quiet", *given, now]) == (now == FULL_DISK)
        said = capsys.readouterr()
        if said.out:
            printed[now] = said.out.splitlines()
        assert bool(said.err) == (now == FULL_DISK), said.err
        assert "No space left on device" in said.err or not said.err
    print("\n".join(f"{now}  {line}" for now, lines in printed.items() for line in lines))
    assert list(printed) == list(NEWS)
    for now, lines in printed.items():
        assert len(lines) == len(NEWS[now])
        assert all(re.fullmatch(wanted, line) for wanted, line in zip(NEWS[now], lines, strict=True)), (now, lines)

    lake = tmp_path / "lake"
    before = _issued(lake)
    assert main(["prune", "--keep", "90d", *given, SPRING]) == 0
    freed = re.search(r"^([\d.]+) MB freed in", capsys.readouterr().out, re.M)
    assert freed
    assert float(freed[1]) > 5
    assert _issued(lake) == before
    make, restore = _guide(root, "Backup")
    options = " ".join([*given, SPRING])
    f1 = f'set -e; f1() {{ command {Path(sys.executable).with_name("f1")} "$@" {options}; }}\n'
    subprocess.run(["bash", "-c", f1 + make + "rm -r lake\n" + restore], cwd=tmp_path, check=True)
    assert before.items() <= _issued(lake).items()
    assert main(["doctor", *given, SPRING]) == 0


def _full_disk(*_: object) -> None:
    raise OSError("No space left on device")
