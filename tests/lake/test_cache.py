"""The cache makes a value once a fingerprint, keeps its uses apart, and every use has a bound."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest

from f1lib.lake.cache import Cache

USE = "test: files"


def _many(cache: Cache, prints: dict[str, str], threads: int = 1) -> tuple[dict[str, str], list[str]]:
    """What ``cache`` answers, and the names it had to make."""
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return f"{name} of {prints[name]}"

    return cache.many(USE, prints, make, threads), sorted(made)


def _is_made(cache: Cache, name: str, fingerprint: Any, keep: int = 1) -> bool:
    made: list[str] = []
    cache.one(USE, name, fingerprint, lambda: made.append(name), keep)
    return made == [name]


@pytest.mark.parametrize("threads", [1, 3])
def test_of_many_only_what_is_new_or_has_changed_is_made(threads: int) -> None:
    cache = Cache()
    assert _many(cache, {"a": "1", "b": "1"}, threads)[1] == ["a", "b"]
    answer, made = _many(cache, {"a": "1", "b": "2", "c": "1"}, threads)
    assert list(answer.items()) == [("a", "a of 1"), ("b", "b of 2"), ("c", "c of 1")]
    assert made == ["b", "c"]


def test_of_many_what_is_not_asked_for_is_forgotten() -> None:
    cache = Cache()
    _many(cache, {"a": "1", "b": "1"})
    _many(cache, {"b": "1"})
    assert _many(cache, {"a": "1", "b": "1"})[1] == ["a"]


def test_what_cannot_be_made_leaves_what_is_held() -> None:
    cache = Cache()
    _many(cache, {"a": "1"})
    with pytest.raises(ZeroDivisionError):
        cache.many(USE, {"a": "1", "b": "1"}, lambda name: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cache.one(USE, "a", "2", lambda: 1 / 0)
    assert _many(cache, {"a": "1"})[1] == []


def test_one_value_is_made_again_only_when_its_fingerprint_changes() -> None:
    cache = Cache()
    assert [_is_made(cache, "a", fingerprint) for fingerprint in ("1", "1", "2", "1")] == [True, False, True, True]


def test_contents_can_be_their_own_fingerprint() -> None:
    cache = Cache()
    tables = [{"laps": pa.table({"lap": [1, last]})} for last in (2, 2, 3)]
    assert [_is_made(cache, "a", table) for table in tables] == [True, False, True]


def test_a_use_holds_as_many_names_as_it_may_and_the_one_asked_for_longest_ago_goes_first() -> None:
    cache = Cache()
    for name in ("a", "b", "a", "c"):
        _is_made(cache, name, "1", keep=2)
    assert not _is_made(cache, "a", "1", keep=2)
    assert _is_made(cache, "b", "1", keep=2)


def test_two_uses_and_two_caches_share_nothing() -> None:
    cache = Cache()
    cache.put(USE, "a", "1", "held", 1)
    assert cache.one("test: another use", "a", "1", lambda: "made") == "made"
    assert Cache().one(USE, "a", "1", lambda: "made") == "made"
    assert cache.one(USE, "a", "1", lambda: "made") == "held"


def test_what_was_dropped_is_made_again() -> None:
    cache = Cache()
    cache.put(USE, "a", None, "held", 1)
    cache.drop(USE, "a")
    cache.drop(USE, "never there")
    assert cache.one(USE, "a", None, lambda: "made") == "made"


def test_threads_that_share_a_cache_each_get_the_value_of_the_name_they_asked_for() -> None:
    cache, names = Cache(), [str(number % 7) for number in range(2000)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda name: cache.one(USE, name, None, lambda: f"of {name}", keep=3), names))
    assert found == [f"of {name}" for name in names]
