"""What was read at one moment, kept for that moment: a tick asks for a thing once, also when it could not be had."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from f1lib.errors import SourceError

_Found = TypeVar("_Found")


class OnceAMoment(Generic[_Found]):
    """Answers by key, each with the ``as_of`` it was read at; errors are kept beside them and raised again."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[datetime, _Found | SourceError]] = {}

    def get(self, key: Hashable, as_of: datetime, read: Callable[[], _Found], age: timedelta = timedelta(0)) -> _Found:
        """Return what ``read`` returned for ``key`` at ``as_of``, or an answer up to ``age`` older.

        Raises the `SourceError` that it raised at the same ``as_of``.
        """
        when, found = self._kept.get(key, (None, None))
        fresh = when is not None and timedelta(0) <= as_of - when <= (
            timedelta(0) if isinstance(found, SourceError) else age
        )
        if not fresh or found is None:
            try:
                found = read()
            except SourceError as error:
                found = error
            self._kept[key] = (as_of, found)
        if isinstance(found, SourceError):
            raise found
        return found
