"""A lived lake whose files are damaged at random: a tick heals it or stops with an error that names the file.

Never is there silently less: the training dataset and the predictions are those of a lake that nothing happened to.
After ``f1 doctor --repair`` the next tick ends there in any case.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from f1lib.cli.main import main
from tests.support.poison import HOWS, KINDS, damage, data_of, differing

# The race after the one that the lake has lived through, the morning after it, and the race that is predicted then.
MONDAY, NEXT = "2025-04-14T12:00:00Z", "2025_Miami_Grand_Prix"
TRIALS = 50


def command(lake: Path, *words: str) -> int:
    """A command on the simulated lake on that Monday, its notebooks run in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("F1_ENGINE", "inprocess")
        return main([*words, "--source", "simulated", "--lake", str(lake), "--now", MONDAY])


@pytest.fixture(scope="module")
def undisturbed(replayed_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the lake holds after the tick on Monday when nothing was damaged."""
    lake = shutil.copytree(replayed_lake / "lake", tmp_path_factory.mktemp("undisturbed") / "lake")
    assert command(lake, "run") == 0
    assert command(lake, "doctor") == 0
    return data_of(lake, NEXT)


@dataclass
class Trial:
    """How one trial ended: the files that were damaged, and ``healed`` by the tick, or ``stopped`` and repaired."""

    keys: list[str]
    ended: str


def run_trial(lake: Path, plan: list[tuple[str, str]], seed: int, sound: dict[str, Any], capsys: Any) -> Trial:
    """Damage files, tick, repair where the tick could not, tick again; assert what must hold each time."""
    rng = np.random.default_rng(seed)
    keys = [key for kind, how in plan if (key := damage(lake, kind, how, rng))]
    capsys.readouterr()
    status = command(lake, "run")
    said = " ".join(capsys.readouterr().err.split())
    if status == 0:
        differs = differing(data_of(lake, NEXT), sound)
        assert not differs, (keys, "silently less", differs, said)
    else:
        assert any(key in said or key.rpartition("/")[0] in said for key in keys), (keys, said)
        assert "unexpected" not in said, (keys, said)
    command(lake, "doctor", "--repair")
    said = capsys.readouterr()
    assert command(lake, "run") == 0, (keys, said, capsys.readouterr().err)
    assert not differing(data_of(lake, NEXT), sound), (keys, said.out)
    capsys.readouterr()
    assert command(lake, "doctor") == 0, (keys, capsys.readouterr().out)
    return Trial(keys, "stopped" if status else "healed")


@pytest.mark.campaign
def test_random_damage_is_healed_or_named_and_repaired(
    replayed_lake: Path, undisturbed: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trials, kinds, wrong = [], list(KINDS), []
    for seed in range(TRIALS):
        rng = np.random.default_rng(1000 + seed)
        chosen = [kinds[seed % len(kinds)], *rng.choice(kinds, int(rng.integers(0, 3)))]
        plan = [(str(kind), str(rng.choice(HOWS))) for kind in chosen]
        lake = shutil.copytree(replayed_lake / "lake", tmp_path / "lake")
        try:
            trials.append(run_trial(lake, plan, seed, undisturbed, capsys))
        except AssertionError as error:
            wrong.append(f"seed {seed} {plan}: {error}")
        shutil.rmtree(lake)
    healed = sum(trial.ended == "healed" for trial in trials)
    files = sum(len(trial.keys) for trial in trials)
    with capsys.disabled():
        print(
            f"\npoisoned lakes {TRIALS}: {files} files damaged; healed by the tick {healed}, stopped with an error that"
        )
        print(f"names the file {len(trials) - healed}, silently less or not repaired {len(wrong)}")
    assert not wrong, "\n".join(wrong)
