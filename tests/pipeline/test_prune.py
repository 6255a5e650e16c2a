"""Pruning a lake that was lived in: what goes, what never goes, and that everything still works afterwards."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest

from f1lib.cli.main import main
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import EventKey
from f1lib.model import registry
from f1lib.pipeline import doctor, rebuild
from f1lib.pipeline.prune import prunable
from f1lib.predictions import whatif
from f1lib.predictions.archive import find_newest
from f1lib.workspace.workspace import Workspace, open_workspace
from tests.support.lakes import AFTER, EVENT

LATER = format_utc(parse_utc(AFTER) + timedelta(hours=2))
LOCAL_LINK = re.compile(r'(?:href|src)="(?!https?:|#|data:|mailto:)([^"#]+)')


@dataclass
class Pruned:
    """A lake before and after `f1 prune --keep 0d`: its files, what was printed, and what a dry run printed before."""

    ws: Workspace
    before: dict[str, bytes]
    after: dict[str, bytes]
    recovered: Sequence[object]
    announced: str
    printed: str


def _files(lake: Path) -> dict[str, bytes]:
    paths = [path for path in lake.rglob("*") if path.is_file() and not path.name.startswith("tracking.db")]
    return {str(path.relative_to(lake)): path.read_bytes() for path in paths}


def _train_one_that_never_served(ws: Workspace) -> None:
    """A run of the days before: in this lake every other one serves, or has served and may again."""
    run = registry.list_runs(ws.store)[0]["run_id"]
    for key in ws.store.list(f"models/run_id={run}/"):
        ws.store.write(key.replace(f"run_id={run[:8]}", "run_id=20250101"), ws.store.read(key))


@pytest.fixture(scope="module")
def pruned(replayed_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pruned]:
    lake = shutil.copytree(replayed_lake / "lake", tmp_path_factory.mktemp("pruned") / "lake")
    words = ["prune", "--keep", "0d", "--lake", str(lake), "--source", "simulated", "--now", LATER]
    ws = open_workspace(lake=str(lake), source="simulated", as_of=LATER)
    _train_one_that_never_served(ws)
    before, recovered = _files(lake), rebuild.recovered_rows(ws)
    said, announced = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("F1_ENGINE", "inprocess")
        with redirect_stdout(announced):
            assert main([*words, "--dry-run"]) == 0
        assert _files(lake) == before
        with redirect_stdout(said):
            assert main(words) == 0
        yield Pruned(ws, before, _files(lake), recovered, announced.getvalue().rstrip(), said.getvalue().rstrip())


def test_what_cannot_be_made_again_is_never_removed(pruned: Pruned) -> None:
    kept = ("bronze/", "silver/", "predictions/", "gold/training_dataset", "reports/races/", "lake.json")
    assert {k: v for k, v in pruned.before.items() if k.startswith(kept)} == {
        k: v for k, v in pruned.after.items() if k.startswith(kept)
    }


def test_runs_of_each_kind_are_removed_and_nothing_else_is_changed(pruned: Pruned) -> None:
    gone = pruned.before.keys() - pruned.after.keys()
    assert {key.split("/")[0] for key in gone} == {"reports", "gold", "models"}
    assert {k for k in pruned.after if pruned.before.get(k) != pruned.after[k]} <= {"models/champion.json"}


def test_the_dry_run_announces_what_is_then_freed(pruned: Pruned) -> None:
    freed = sum(len(pruned.before[key]) for key in pruned.before.keys() - pruned.after.keys())
    assert f"{freed / 1e6:,.1f} MB would be freed in " in pruned.announced
    assert pruned.announced.replace("would be freed", "freed") == pruned.printed


def test_a_lost_tracking_table_is_rebuilt_as_it_would_have_been_before(pruned: Pruned) -> None:
    assert rebuild.recovered_rows(pruned.ws) == pruned.recovered


def test_the_lake_is_sound_and_each_horizon_can_be_rolled_back_to_a_run_that_is_there(pruned: Pruned) -> None:
    assert doctor.examine(pruned.ws) == []
    runs = {run["run_id"] for run in registry.list_runs(pruned.ws.store)}
    entries = registry.champion(pruned.ws.store)["horizons"].values()
    assert entries
    assert {served["run_id"] for entry in entries for served in (entry, *entry["previous"])} <= runs
    assert any(entry["previous"] for entry in entries)


def test_what_if_still_works_for_a_race_that_was_run(pruned: Pruned) -> None:
    prediction = find_newest(pruned.ws.store, EventKey.parse(EVENT))
    assert prediction is not None
    changes = [whatif.parse_change("weather=wet")]
    said: list[str] = []
    changed = whatif.predict_changed(pruned.ws.store, prediction, changes, source="simulated", say=said.append)
    assert len(changed) == len(prediction)


def test_nothing_is_left_to_prune_and_what_is_young_would_have_stayed(pruned: Pruned, replayed_lake: Path) -> None:
    at = parse_utc(LATER)
    assert not any(prunable(pruned.ws.store, at, timedelta(0)).values())
    whole = open_workspace(lake=str(replayed_lake / "lake"), source="simulated", as_of=LATER)
    assert not any(prunable(whole.store, at, timedelta(days=800)).values())


def test_after_the_next_tick_no_page_links_to_what_is_gone(pruned: Pruned) -> None:
    lake = pruned.ws.store.url.removeprefix("file://")
    assert main(["run", "--lake", lake, "--source", "simulated", "--now", LATER]) == 0
    broken = [
        f"{page}: {link}"
        for page in Path(lake, "reports").rglob("*.html")
        for link in LOCAL_LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert not broken


@pytest.mark.parametrize("age", ["90", "3 months", "-1d", "d"])
def test_an_age_that_is_none_is_refused(age: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["prune", f"--keep={age}"])
    assert "write a number of days, such as 90d" in capsys.readouterr().err
