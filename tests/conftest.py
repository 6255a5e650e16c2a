"""Fixtures shared by all tests: the real data where it is present, and no network beyond loopback."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from f1lib.tracking import sqlite
from tests.support.lakes import built_once, replay_a_weekend, tick_on_saturday
from tests.support.standins import aws_environment, dynalite, moto

__all__ = ["aws_environment", "dynalite", "moto"]

# However busy the machine is, no example is too slow.
settings.register_profile("usual", deadline=None)
settings.load_profile("usual")
# `pytest --hypothesis-profile=nightly`: five times as many examples, as long as it takes.
settings.register_profile("nightly", max_examples=500, deadline=None)
ROOT = Path(__file__).resolve().parents[1]
# The workers take whole modules in this order: those that take longest begin, so that none is left over at the end.
SLOWEST_FIRST = """
    pipeline/test_replay real/test_pipeline faults/test_live_ticks faults/test_upstreams report/test_pages
    faults/test_year_of_ticks aws/test_weekend real/test_fastf1_sessions tracking/test_dynamodb report/test_browser
    pipeline/test_notebook real/test_openf1_agreement lake/test_s3 notebooks/test_lived_pages
    notebooks/test_stage_notebooks notebooks/test_explore_notebooks architecture/test_wheel gold/test_incremental
    gold/test_leaks cli/test_widths aws/test_two_ticks pipeline/test_older_lakes pipeline/test_known_answer
    sources/simulated/test_source pipeline/test_doctor silver/test_build cli/test_penalty aws/test_runtime
    pipeline/test_claims cli/test_run gold/test_manifest sources/simulated/test_world real/test_fastf1_agreement
    gold/test_field cli/test_ingest real/test_f1db_history
""".split()
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_real_connect = socket.socket.connect


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {ROOT / "tests" / f"{name}.py": rank for rank, name in enumerate(SLOWEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


def _guarded_connect(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in _LOOPBACK:
        raise RuntimeError(f"tests may not open a connection to {address!r}: only loopback is allowed")
    _real_connect(self, address)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _guarded_connect)


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """The power is cut by a campaign, in processes of its own; here fsync would only make the tests wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _handle: None)
        patch.setattr(sqlite, "SYNCHRONOUS", "OFF")
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, or a skip where it is absent."""
    folder = Path(os.environ.get("F1_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data is not here: no folder {folder.name!r} beside the project (set F1_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def f1db_zip(shared_data: Path) -> Path:
    """The F1DB release of the real data."""
    return shared_data / "f1db" / "f1db-csv.zip"


@pytest.fixture(scope="session")
def loaded(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """``loaded(key, "Q")``: see `upstreams.loaded_once`."""
    from tests.support.upstreams import loaded_once

    return loaded_once(shared_data, tmp_path_factory)


@pytest.fixture(scope="session")
def replayed_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ``lake`` that `lakes.replay_a_weekend` leaves, to be read only."""
    return built_once(tmp_path_factory, "replayed", replay_a_weekend)


@pytest.fixture(scope="session")
def saturday_lake(tmp_path_factory: pytest.TempPathFactory, f1db_zip: Path) -> Path:
    """The lake that `lakes.tick_on_saturday` leaves, to be read only."""
    return built_once(tmp_path_factory, "saturday", tick_on_saturday(f1db_zip)) / "lake"


@pytest.fixture(scope="module")
def short_history_serves() -> Iterator[None]:
    """A model trained on one or two seasons does not pass the gate, rightly; for tests of the tick it serves."""
    from f1lib.evaluation import gate

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "CHANCE", 0.0)
        yield
