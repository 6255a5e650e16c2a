"""Fixtures shared by all tests: the real data where it is present, and no network beyond loopback."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_real_connect = socket.socket.connect


def _guarded_connect(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in _LOOPBACK:
        raise RuntimeError(f"tests may not open a connection to {address!r}: only loopback is allowed")
    _real_connect(self, address)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _guarded_connect)


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


@pytest.fixture(scope="module")
def short_history_serves() -> Iterator[None]:
    """A model trained on one or two seasons does not pass the gate, rightly; for tests of the tick it serves."""
    from f1lib import registry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "NOISE", 1e9)
        yield
