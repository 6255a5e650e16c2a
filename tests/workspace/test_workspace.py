"""A workspace owns its cache; what is lent is shared inside the block, in this thread, and nowhere else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from f1lib.lake.cache import Cache
from f1lib.workspace.workspace import Workspace, lending, open_workspace


def _opened(folder: Path, **given: Any) -> Workspace:
    return open_workspace(lake=str(folder / "lake"), source="simulated", as_of="2025-03-15T12:00:00Z", **given)


def test_two_workspaces_share_no_cache(tmp_path: Path) -> None:
    one, other = _opened(tmp_path), _opened(tmp_path)
    assert one.cache is not other.cache
    assert one.upstreams.cache is one.cache
    assert one.at(one.as_of).cache is one.cache


def test_a_cache_is_lent_inside_the_block_only(tmp_path: Path) -> None:
    cache = Cache()
    with lending(cache):
        assert _opened(tmp_path).cache is cache
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(_opened, tmp_path).result().cache is not cache
    assert _opened(tmp_path).cache is not cache


def test_a_block_that_fails_takes_the_cache_back(tmp_path: Path) -> None:
    cache = Cache()
    with pytest.raises(ZeroDivisionError), lending(cache):
        _ = 1 / 0
    assert _opened(tmp_path).cache is not cache


def _asked(release: Path, cache: Cache) -> object:
    with lending(cache):
        folder = release.parent
        return open_workspace(
            lake=str(folder / "lake"), source="f1db", f1db=str(release), as_of="2025-03-15T12:00:00Z"
        ).source


def test_a_release_is_opened_once_until_its_file_changes(tmp_path: Path, f1db_zip: Path) -> None:
    release, cache = tmp_path / "f1db-csv.zip", Cache()
    release.write_bytes(f1db_zip.read_bytes())
    first = _asked(release, cache)
    assert _asked(release, cache) is first
    assert _asked(release, Cache()) is not first
    with release.open("ab") as file:
        file.write(b"\0")
    assert _asked(release, cache) is not first
