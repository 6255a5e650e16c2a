"""A sweep of configurations, a season a call: the folds, in any order, come to what one walk-forward gives."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from f1lib.aws import events, schema
from f1lib.aws.telemetry import Telemetry
from f1lib.errors import BadParameters
from f1lib.evaluation import backtest
from f1lib.lake.store import read_json
from f1lib.model.config import parse_config
from f1lib.scoring import metrics
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_training import CONFIG, training, training_workspace

OTHER = CONFIG.replace("name: small", "name: flat").replace("weight: 0.3", "weight: 0.05").replace("0.7", "0.95")


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    folder = tmp_path / "models"
    folder.mkdir()
    for name, text in (("small", CONFIG), ("flat", OTHER)):
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    monkeypatch.setattr("f1lib.model.config.folder", lambda: folder)
    return training_workspace(tmp_path / "lake", "2018-01-01T00:00:00Z")


def _asked(ws: Workspace, **event: Any) -> dict[str, Any]:
    with contextlib.redirect_stdout(io.StringIO()):
        return events.run_event(ws, schema.parse_event(event), Telemetry("f1lib/test", "sweep", "id"), lambda: True)


def test_folds_in_any_order_come_to_the_walk_forward_of_all_seasons(ws: Workspace) -> None:
    wanted = [(name, season) for season in (2017, 2016) for name in ("small", "flat")]
    for name, season in wanted:
        answer = _asked(ws, action="fold", sweep="autumn", model=name, season=season)
        assert (answer["model"], answer["season"], answer["races"]) == (name, season, 10)
        assert ws.store.exists(answer["key"])
    _asked(ws, action="fold", sweep="autumn", model="small", season=2016)  # delivered twice
    report = _asked(ws, action="sweep_report", sweep="autumn")
    assert report["folds"] == 4
    assert read_json(ws.store, "reports/sweeps/autumn/summary.json")["systems"] == report["systems"]
    found = {(row["model"], row["horizon"]): row for row in report["systems"]}
    assert set(found) == {(name, h) for name in ("small", "flat") for h in ("post_qualifying", "pre_race")}
    for name, text in (("small", CONFIG), ("flat", OTHER)):
        whole = backtest.walk_forward(training(), parse_config(text, "test"), "pre_race", 2016, 2017, 1, 1)
        scores = [metrics.score_race(race) for _, race in whole.groupby("event_partition_key")]
        assert found[name, "pre_race"]["races"] == 20
        assert found[name, "pre_race"]["mae"] == pytest.approx(sum(s["mae"] for s in scores) / 20)
    best = [row["mae"] for row in report["systems"] if row["horizon"] == "pre_race"]
    assert best == sorted(best)


def test_an_unknown_configuration_and_a_sweep_without_folds_are_refused(ws: Workspace) -> None:
    with pytest.raises(BadParameters, match="no model configuration 'tiny'"):
        _asked(ws, action="fold", sweep="autumn", model="tiny", season=2017)
    with pytest.raises(BadParameters, match="2031"):
        _asked(ws, action="fold", sweep="autumn", model="small", season=2031)
    with pytest.raises(BadParameters, match="sweep 'winter' has no folds"):
        _asked(ws, action="sweep_report", sweep="winter")
