"""What is kept between runs: made once a content, forgotten when it is no longer asked for."""

from __future__ import annotations

import pytest

from f1lib.lake.cache import Memory


def _noted(memory: Memory[str], prints: dict[str, str], threads: int = 1) -> tuple[dict[str, str], list[str]]:
    """What ``memory`` answers, and the names it had to make."""
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return f"{name} of {prints[name]}"

    return memory.of(prints, make, threads), sorted(made)


@pytest.mark.parametrize("threads", [1, 3])
def test_only_what_is_new_or_has_changed_is_made(threads: int) -> None:
    memory = Memory[str]()
    assert _noted(memory, {"a": "1", "b": "1"}, threads)[1] == ["a", "b"]
    answer, made = _noted(memory, {"a": "1", "b": "2", "c": "1"}, threads)
    assert answer == {"a": "a of 1", "b": "b of 2", "c": "c of 1"}
    assert made == ["b", "c"]


def test_what_is_not_asked_for_is_forgotten() -> None:
    memory = Memory[str]()
    _noted(memory, {"a": "1", "b": "1"})
    _noted(memory, {"b": "1"})
    assert _noted(memory, {"a": "1", "b": "1"})[1] == ["a"]


def test_what_cannot_be_made_leaves_what_is_known() -> None:
    memory = Memory[str]()
    _noted(memory, {"a": "1"})
    with pytest.raises(ZeroDivisionError):
        memory.of({"a": "1", "b": "1"}, lambda name: str(1 / 0))
    assert _noted(memory, {"a": "1"})[1] == []
