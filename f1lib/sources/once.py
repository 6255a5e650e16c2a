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
        """Return the answer for ``key`` at a moment, read only where it is not kept.

        Parameters
        ----------
        key : Hashable
            What is asked for.
        as_of : datetime
            The moment.
        read : callable
            Returns the answer.
        age : timedelta
            How old a kept answer may be at ``as_of``; an error is kept for its moment only.

        Returns
        -------
        Any
            What ``read`` returned now or earlier.

        Raises
        ------
        SourceError
            That ``read`` raised at the same ``as_of``.
        """
        when, found = self._kept.get(key, (None, None))
        longest = timedelta(0) if isinstance(found, SourceError) else age
        if found is None or when is None or not timedelta(0) <= as_of - when <= longest:
            try:
                found = read()
            except SourceError as error:
                found = error
            self._kept[key] = (as_of, found)
        if isinstance(found, SourceError):
            raise found
        return found
