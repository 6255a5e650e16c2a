"""What was read at a moment is read once at it, errors too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from f1lib.errors import SourceError
from f1lib.sources.once import OnceAMoment

NOW = datetime(2025, 3, 14, tzinfo=UTC)


def test_an_answer_is_kept_for_its_moment_and_for_as_long_as_it_may_be_old() -> None:
    kept, reads = OnceAMoment[int](), iter(range(10))
    read = lambda: next(reads)  # noqa: E731
    assert [kept.get("a", NOW, read), kept.get("a", NOW, read), kept.get("b", NOW, read)] == [0, 0, 1]
    later = NOW + timedelta(hours=1)
    assert kept.get("a", later, read, timedelta(hours=1)) == 0
    assert kept.get("a", later, read) == 2
    assert kept.get("a", NOW, read, timedelta(hours=1)) == 3, "an earlier moment knows nothing of a later one"


def test_an_error_is_raised_again_at_its_moment_and_forgotten_with_it() -> None:
    kept, asked = OnceAMoment[int](), []

    def fail() -> int:
        asked.append(1)
        raise SourceError("gone")

    for _ in range(3):
        with pytest.raises(SourceError, match="gone"):
            kept.get("a", NOW, fail, timedelta(hours=6))
    assert len(asked) == 1
    assert kept.get("a", NOW + timedelta(seconds=1), lambda: 7, timedelta(hours=6)) == 7
