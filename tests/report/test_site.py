"""What makes ``reports/`` a site: its files are there, say what the lake says, and stay as they are while it does."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from f1lib.lake import paths_published as paths
from f1lib.lake.store import LocalStore
from f1lib.predictions import issue
from f1lib.report import build
from f1lib.report.figures.share import share_picture
from f1lib.workspace.workspace import Workspace
from tests.support.made_up_predictions import prediction_frame
from tests.support.report_rows import EVENT, ROWS
from tests.support.site_lake import SITE, round_of
from tests.support.workspaces import make_workspace

PICTURE = paths.race_picture_key(EVENT)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    opened = make_workspace(tmp_path / "lake", "2025-12-06T16:00:00Z")
    opened.tracking.put_rows(ROWS)
    issue.publish(opened.store, opened.tracking, prediction_frame())
    return opened


def _written(store: LocalStore) -> dict[str, int]:
    """When each file of the site was last written."""
    return {key: store.path(key).stat().st_mtime_ns for key in store.list(paths.REPORTS_PREFIX)}


def test_the_report_writes_the_files_of_the_site(ws: Workspace) -> None:
    build.build_summary(ws)
    assert ws.store.read(paths.INDEX) == ws.store.read(paths.DASHBOARD)
    assert b"Driver Number 0" in ws.store.read(paths.FEED)
    assert b"Abu Dhabi Grand Prix: Race" in ws.store.read(paths.CALENDAR)
    copy = json.loads(ws.store.read("reports/latest.json"))
    assert copy == json.loads(ws.store.read(paths.LATEST))
    assert ws.store.exists(f"reports/{copy['$schema']}")


def test_a_report_on_the_same_lake_writes_none_of_them_again(ws: Workspace) -> None:
    assert isinstance(ws.store, LocalStore)
    build.build_summary(ws)
    before = _written(ws.store)
    build.build_summary(ws)
    changed = {key for key, when in _written(ws.store).items() if before[key] != when}
    assert changed == {paths.INDEX, paths.DASHBOARD, paths.HEALTH_PAGE, paths.SUMMARY, paths.NEXT_RACES}


def test_a_picture_is_drawn_anew_when_the_chances_changed_or_it_is_gone(ws: Workspace) -> None:
    build.build_summary(ws)
    drawn = ws.store.read(PICTURE)
    ws.store.write(PICTURE, b"as it was")
    build.build_summary(ws)
    assert ws.store.read(PICTURE) == b"as it was"
    issue.publish(ws.store, ws.tracking, prediction_frame().assign(p_win=0.1))
    build.build_summary(ws)
    changed = ws.store.read(PICTURE)
    assert changed not in (drawn, b"as it was")
    ws.store.delete(PICTURE)
    build.build_summary(ws)
    assert ws.store.read(PICTURE) == changed


def test_the_site_s_address_stands_in_feed_and_calendar(ws: Workspace) -> None:
    page = f"{SITE}races/2025/Abu_Dhabi_Grand_Prix.html".encode()
    build.build_summary(ws)
    assert page not in ws.store.read(paths.FEED)
    build.build_summary(replace(ws, settings=replace(ws.settings, site=SITE.rstrip("/"))))
    assert page in ws.store.read(paths.FEED)
    assert page in ws.store.read(paths.CALENDAR).replace(b"\r\n ", b"")


def test_a_picture_has_the_size_that_sites_ask_for_and_is_small() -> None:
    data = share_picture("2025 Abu Dhabi Grand Prix", "Sunday", round_of().forecast, "SIMULATED DATA")
    assert Image.open(BytesIO(data)).size == (1200, 630)
    assert len(data) < 60_000
    assert share_picture("2025 Abu Dhabi Grand Prix", "Sunday", round_of().forecast, "SIMULATED DATA") == data
    assert share_picture("2025 Abu Dhabi Grand Prix", "Sunday", round_of().forecast) != data
