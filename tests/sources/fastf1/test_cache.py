"""FastF1's cache folder: no name from upstream leads out of it, and a disk that is full is one clear error."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.domain.weekend import EventKey
from f1lib.errors import SourceError
from f1lib.lake.paths import check_key, session_note
from f1lib.sources.fastf1.cache import CacheFolder
from tests.support.upstreams import LATER, replayed

GOOD = "/static/2023/2023-04-30_Azerbaijan_Grand_Prix/2023-04-29_Sprint/"


@pytest.fixture
def cache(tmp_path: Path) -> CacheFolder:
    made = CacheFolder(tmp_path / "cache", 1000)
    made.make()
    return made


@pytest.mark.parametrize(
    "api_path",
    [
        "/static/2023/2023-04-30_../../../../etc/2023-04-29_Sprint/",
        "/static/2023/2023-04-30_a/../2023-04-29_Sprint/",
        "/static/2023/2023-04-30_a\\..\\b/2023-04-29_Sprint/",
        "/static/2023/2023-04-30_a\0b/2023-04-29_Sprint/",
        "/static/2023/2023-04-30_a\nb/2023-04-29_Sprint/",
        f"/static/2023/2023-04-30_{'x' * 300}/2023-04-29_Sprint/",
        "/static//etc/passwd",
        "/etc/passwd",
        "/static/../../etc",
        "",
    ],
)
def test_a_path_that_leads_out_of_the_cache_is_refused(cache: CacheFolder, api_path: str) -> None:
    for use in (cache.session, cache.claim, cache.drop):
        with pytest.raises(SourceError, match="is no folder of a season, an event and a session"):
            use(api_path)
    assert list(cache.path.iterdir()) == []


@pytest.mark.parametrize("name", ["São Paulo Grand Prix", "70th Anniversary Grand Prix", "..", "Gran Premio d'Italia"])
def test_an_events_own_name_is_a_folder_of_the_cache(cache: CacheFolder, name: str) -> None:
    path = f"/static/2023/2023-04-30_{name}/2023-04-29_Sprint/".replace(" ", "_")
    cache.claim(path)
    assert cache.session(path).resolve().is_relative_to(cache.path.resolve())


@given(st.text(), st.text())
def test_no_name_of_an_event_or_session_leads_out_of_cache_or_lake(event: str, session: str) -> None:
    cache = CacheFolder(Path("/tmp/cache"), 0)
    try:
        folder = cache.session(f"/static/2023/2023-04-30_{event}/2023-04-29_{session}/".replace(" ", "_"))
    except SourceError:
        folder = cache.path
    assert ".." not in folder.parts
    assert len(folder.parts) in (3, 6)
    assert check_key(session_note(EventKey(2023, event), "Q")).startswith("bronze/sessions/2023/")


@pytest.mark.parametrize(
    "listed", ['["/etc", "../x", "2023/../..", 5, {"a": 1}]', "[" * 100_000, "5", '{"a": NaN}', "null"]
)
def test_a_list_of_sessions_that_somebody_has_changed_removes_nothing_elsewhere(
    cache: CacheFolder, tmp_path: Path, listed: str
) -> None:
    mine = tmp_path / "x"
    mine.mkdir()
    (mine / "mine.ff1pkl").write_bytes(b"x" * 5000)
    (cache.path / "f1lib-sessions.json").write_text(listed, encoding="utf-8")
    if listed.startswith('["/etc"'):
        cache.trim()
    else:
        with pytest.raises(SourceError, match=r"f1lib-sessions\.json is damaged"):
            cache.trim()
    assert (mine / "mine.ff1pkl").exists()


@pytest.mark.parametrize("step", ["write_text", "replace", "unlink"])
def test_a_full_disk_or_a_read_only_folder_is_named_and_the_list_stays_whole(
    cache: CacheFolder, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    cache.claim(GOOD)
    before = (cache.path / "f1lib-sessions.json").read_bytes()
    folder = cache.session(GOOD)
    folder.mkdir(parents=True)
    (folder / "laps.ff1pkl").write_bytes(b"x" * 5000)

    def full(path: Path, *_: Any, **_options: Any) -> None:
        raise OSError(28 if step == "write_text" else 30, "No space left on device", str(path))

    monkeypatch.setattr(Path, step, full)
    work = cache.trim if step == "unlink" else lambda: cache.claim(GOOD.replace("Sprint", "Race"))
    with pytest.raises(SourceError, match=r"cannot be written \(No space left on device\): set FASTF1_CACHE"):
        work()
    monkeypatch.undo()
    assert (cache.path / "f1lib-sessions.json").read_bytes() == before
    assert [file.name for file in cache.path.glob(".f1lib-*")] == []
    assert json.loads(before) == [GOOD.removeprefix("/static/").rstrip("/")]


def test_a_calendar_whose_event_is_named_like_a_path_stores_nothing_outside(shared_data: Path, tmp_path: Path) -> None:
    with replayed(shared_data / "recordings", tmp_path / "cache") as (_server, source):
        source.schedule(2023, LATER)
        season = source._read_season(2023, LATER)
        at = season.raw.index[season.raw["EventName"] == "Azerbaijan Grand Prix"][0]
        season.raw.loc[at, "EventName"] = "../../../outside"
        with pytest.raises(SourceError, match="is no folder of a season"):
            source.session(EventKey(2023, "Azerbaijan Grand Prix"), "S", LATER)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert isinstance(season.raw, pd.DataFrame)


def test_workers_that_begin_at_the_same_moment_do_not_take_the_folder_for_unwritable(tmp_path: Path) -> None:
    def begin(_: int) -> None:
        for _ in range(100):
            CacheFolder(tmp_path / "shared", 1).make()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(begin, range(8)))
    assert [*(tmp_path / "shared").iterdir()] == []
