"""The gate and the record of who serves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from f1lib.errors import AlreadyRunning, PromotionRefused
from f1lib.evaluation import gate
from f1lib.lake import parquet
from f1lib.lake.paths import CHAMPION_KEY, METADATA, SUCCESS, TRAINING_KEY, run_key
from f1lib.lake.store import read_json, write_json
from f1lib.model import registry, train
from f1lib.model.config import parse_config
from f1lib.model.serving import FORECAST
from f1lib.tracking.rows import PIPELINE
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_training import CONFIG, training, training_workspace

SMALL = parse_config(CONFIG, "test")


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return training_workspace(tmp_path / "lake", "2018-01-01T00:00:00Z")


def _scores(rps: float, spread: float = 0.0, races: int = 24, spearman: float = 0.6) -> list[dict[str, Any]]:
    noise = np.random.default_rng(1).normal(0, spread, races)
    return [
        {"event_partition_key": f"e{i}", "rps": rps + noise[i], "win_log_loss": 1.2, "spearman": spearman}
        for i in range(races)
    ]


def _shuffled(frame: Any) -> Any:
    generator = np.random.default_rng(2)
    labels = ["finishing_position", "is_dnf"]
    out = frame.copy()
    for _, race in frame.groupby(["event_partition_key", "horizon"]):
        out.loc[race.index, labels] = race[labels].to_numpy()[generator.permutation(len(race))]
    return out


def test_a_run_that_is_as_good_passes() -> None:
    assert gate.judge({"validation": _scores(0.12)}, {"champion": _scores(0.12)}).promoted


def test_a_run_worse_beyond_noise_is_refused_with_its_figures() -> None:
    verdict = gate.judge({"validation": _scores(0.14)}, {"champion": _scores(0.12)})
    assert not verdict.promoted
    assert "rps 0.1400 against 0.1200 of champion" in verdict.why


def test_rain_learned_from_too_few_wet_races_is_refused_and_rain_not_learned_is_not() -> None:
    for wet_races, learned, passes in ((7, True, False), (8, True, True), (7, False, True)):
        run = {"validation": _scores(0.12), "rain": {"learned": learned, "wet_races": wet_races}}
        verdict = gate.judge(run, {"champion": _scores(0.12)})
        assert verdict.promoted is passes
        assert passes or "learned rain from 7 wet races, fewer than 8" in verdict.why


def test_a_configuration_that_is_content_with_fewer_wet_races_trains_and_does_not_serve(ws: Workspace) -> None:
    rows = training().assign(is_wet=lambda f: (f["event_number"] == 1).astype(float), **{FORECAST: np.nan})
    parquet.write_parquet(ws.store, TRAINING_KEY, rows)
    run = train.train(ws, parse_config(CONFIG + "\nrain: {fewest_wet_races: 3}\n", "test"), "pre_race")
    assert run.metadata["rain"]["learned"]
    with pytest.raises(PromotionRefused, match="learned rain from 3 wet races, fewer than 8"):
        gate.promote(ws.store, run.run_id, ws.as_of)


def test_a_run_worse_within_noise_passes() -> None:
    assert gate.judge({"validation": _scores(0.123, spread=0.03)}, {"champion": _scores(0.12)}).promoted


@pytest.mark.parametrize("races", [5, 24])
def test_chance_refuses_an_equal_run_in_one_case_of_forty_however_few_the_races(races: int) -> None:
    theirs, tries = _scores(0.12, races=races), 1500
    noise = np.random.default_rng(3).normal(0, 0.03, (tries, races))
    ours = ([{**race, "rps": race["rps"] + n} for race, n in zip(theirs, row, strict=True)] for row in noise)
    refused = sum(not gate.judge({"validation": scores}, {"champion": theirs}).promoted for scores in ours)
    assert 0.015 < refused / tries < 0.035


def test_a_certain_but_trivial_difference_passes() -> None:
    assert gate.judge({"validation": _scores(0.1205)}, {"champion": _scores(0.12)}).promoted


def test_a_run_better_than_the_champion_and_worse_than_a_baseline_is_refused() -> None:
    verdict = gate.judge({"validation": _scores(0.14)}, {"champion": _scores(0.16), "grid_slot_table": _scores(0.12)})
    assert not verdict.promoted
    assert "champion" not in verdict.why


def test_a_correlation_too_good_to_be_true_raises_the_alarm() -> None:
    verdict = gate.judge({"validation": _scores(0.01, spearman=0.9)}, {})
    assert not verdict.promoted
    assert verdict.why.startswith("leak alarm")


def test_too_few_common_races_say_nothing() -> None:
    assert gate.judge({"validation": _scores(0.14)}, {"champion": _scores(0.12, races=3)}).comparisons == ()


def test_the_first_good_run_serves_and_the_decision_is_kept(ws: Workspace) -> None:
    run = train.train(ws, SMALL, "pre_race")
    decided = gate.consider(ws.store, [run.run_id], ws.as_of, training(), True)
    assert decided["promoted"].tolist() == [True]
    entry = read_json(ws.store, "models/champion.json")["horizons"]["pre_race"]
    assert (entry["run_id"], entry["model"], entry["since"]) == (run.run_id, "small", "2018-01-01T00:00:00Z")
    assert registry.show(ws.store, run.run_id)["decision"]["promoted"] is True


def test_a_model_trained_on_shuffled_labels_is_refused_and_the_champion_stays(ws: Workspace) -> None:
    good = train.train(ws, SMALL, "pre_race")
    gate.promote(ws.store, good.run_id, ws.as_of)
    real = parquet.read_parquet(ws.store, TRAINING_KEY)
    parquet.write_parquet(ws.store, TRAINING_KEY, _shuffled(real))
    bad = train.train(ws, SMALL, "pre_race")
    parquet.write_parquet(ws.store, TRAINING_KEY, real)
    decided = gate.consider(ws.store, [bad.run_id], ws.as_of, training(), True)
    assert decided["promoted"].tolist() == [False]
    assert registry.champion_of(ws.store, "pre_race")["run_id"] == good.run_id
    assert "worse beyond noise" in registry.show(ws.store, bad.run_id)["decision"]["why"]


def test_a_run_trained_on_fewer_events_than_the_champion_needs_a_recorded_reason(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "CHANCE", 0.0)  # noise alone refuses nothing here
    good = train.train(ws, SMALL, "pre_race")
    gate.promote(ws.store, good.run_id, ws.as_of)
    real = parquet.read_parquet(ws.store, TRAINING_KEY)
    lost = real["event_partition_key"] == real["event_partition_key"].iloc[0]
    parquet.write_parquet(ws.store, TRAINING_KEY, real[~lost].reset_index(drop=True))
    less = train.train(ws, SMALL, "pre_race")
    parquet.write_parquet(ws.store, TRAINING_KEY, real)
    events = real["event_partition_key"].nunique()
    with pytest.raises(PromotionRefused, match=rf"trained on {events - 1} events, the champion .* on {events}"):
        gate.promote(ws.store, less.run_id, ws.as_of)
    assert registry.champion_of(ws.store, "pre_race")["run_id"] == good.run_id
    gate.promote(ws.store, less.run_id, ws.as_of, fewer_events="the result was annulled")
    assert registry.champion_of(ws.store, "pre_race")["run_id"] == less.run_id
    assert registry.show(ws.store, less.run_id)["decision"]["fewer_events"] == "the result was annulled"


def test_a_run_whose_lease_ran_out_while_it_trained_does_not_become_champion(ws: Workspace) -> None:
    run = train.train(ws, SMALL, "pre_race")
    lost = replace(ws, run_id="20251201T000000Z-slow")
    lost.tracking.claim(
        PIPELINE, "STAGE#05_train", owner="a", run_id="20251201T000000Z-slow", now=ws.as_of, lease=ws.lease
    )
    lost.hold()
    later = ws.as_of + 3 * ws.lease
    lost.tracking.claim(
        PIPELINE, "STAGE#05_train", owner="b", run_id="20251201T000000Z-quick", now=later, lease=ws.lease
    )
    with pytest.raises(AlreadyRunning, match="slow holds no claim"):
        gate.consider(ws.store, [run.run_id], ws.as_of, training(), True, lost.hold)
    assert not ws.store.exists(CHAMPION_KEY)
    gate.consider(ws.store, [run.run_id], ws.as_of, training(), True, replace(ws, run_id="20251201T000000Z-quick").hold)
    assert registry.champion_of(ws.store, "pre_race")["run_id"] == run.run_id


def test_a_leaked_feature_raises_the_alarm(ws: Workspace) -> None:
    rows = training()
    leak = rows["finishing_position"] + np.random.default_rng(4).normal(0, 0.5, len(rows))
    parquet.write_parquet(ws.store, TRAINING_KEY, rows.assign(practice_best_gap_pct=leak))
    run = train.train(ws, SMALL, "pre_race")
    with pytest.raises(PromotionRefused, match="leak alarm"):
        gate.promote(ws.store, run.run_id, ws.as_of)


def test_horizons_have_champions_of_their_own(ws: Workspace) -> None:
    runs = [train.train(ws, SMALL, h).run_id for h in ("post_qualifying", "pre_race")]
    gate.consider(ws.store, runs, ws.as_of, training(), True)
    assert set(registry.champion(ws.store)["horizons"]) == {"post_qualifying", "pre_race"}


HORIZONS = ("pre_weekend", "post_practice", "post_qualifying", "pre_race")


@pytest.fixture
def one_run_a_horizon(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Horizon -> a finished run of it; the gate passes them all, and those who promote at once write at once."""
    run, together = train.train(ws, SMALL, "pre_race"), Barrier(len(HORIZONS))

    def passed(*_: object) -> gate.Verdict:
        together.wait()
        return gate.Verdict(True, "as good", ())

    monkeypatch.setattr(gate, "judge", passed)
    monkeypatch.setattr(gate, "_opponents", lambda *_: {})
    for horizon in HORIZONS:
        write_json(ws.store, run_key(horizon, METADATA), {**run.metadata, "run_id": horizon, "horizon": horizon})
        ws.store.write(run_key(horizon, SUCCESS), b"")
    return {horizon: horizon for horizon in HORIZONS}


def test_runs_of_different_horizons_promoted_at_the_same_moment_all_serve(
    ws: Workspace, one_run_a_horizon: dict[str, str]
) -> None:
    for _ in range(25):
        ws.store.delete("models/champion.json")
        with ThreadPoolExecutor(len(HORIZONS)) as pool:
            list(pool.map(lambda run_id: gate.promote(ws.store, run_id, ws.as_of), one_run_a_horizon.values()))
        serving = registry.champion(ws.store)["horizons"]
        assert {horizon: entry["run_id"] for horizon, entry in serving.items()} == one_run_a_horizon
