"""A workspace for tests: the real one, made without the clock, the environment and the project's parameter files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from f1lib.domain.moments import parse_utc
from f1lib.lake.store import LocalStore
from f1lib.tracking.table import open_tracking
from f1lib.workspace.settings import Settings
from f1lib.workspace.sources import Upstreams
from f1lib.workspace.workspace import Workspace


def make_workspace(
    lake: Path, as_of: str | datetime, source: str = "f1db", *, run_id: str = "", **settings: Any
) -> Workspace:
    """Make a workspace over a lake in a folder, with its tracking table in SQLite beside the data.

    Parameters
    ----------
    lake
        The folder of the lake; the data and ``tracking.db`` are made in it on the first write.
    as_of
        The moment the workspace stands at; its sources take this for the clock too.
    source
        ``live``, ``f1db`` or ``simulated``. Nothing is opened before it is asked, so a test that asks no source
        needs no release; one that brings its own puts it into ``upstreams.session_source``.
    run_id
        The run it belongs to.
    settings
        Settings that differ from the defaults, such as ``threads=1`` or ``f1db=str(release)``.
    """
    moment = parse_utc(as_of) if isinstance(as_of, str) else as_of
    store = LocalStore(lake)
    chosen = Settings(lake=str(lake), source=source, **settings)
    return Workspace(
        store=store,
        tracking=open_tracking(f"sqlite:///{lake / 'tracking.db'}"),
        settings=chosen,
        upstreams=Upstreams(source, chosen, store, opened_utc=moment),
        as_of=moment,
        run_id=run_id,
        owner="test:1",
    )
