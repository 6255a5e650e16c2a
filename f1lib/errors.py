"""Exceptions that f1lib raises.

::

    F1LibError
      SourceError            a source gave no usable answer
        RateLimited          it limits requests (``retry_after_seconds``)
        NotPublishedYet      the data does not exist yet at ``as_of``
          ClosedForNow       it answers nobody for the time being
        SourceBlocked        it refuses access (403, an account is needed)
        OtherEvent           its answer is for another event than requested
      TableError             a frame breaks the contract of its table
        MissingColumn
        BadGrain             two rows share a key, or a key is null
      RunError               the run cannot go on
        AlreadyRunning       another owner holds the claim
        BadParameters        a parameter is unknown, missing or of the wrong type
        PromotionRefused     the gate refuses to let a model serve
      StorageError           the lake or the tracking table cannot be read or written
        NoSuchKey            the lake has nothing under a key
        Damaged              a stored file is not the one that was written (``wrong``)

Each message says what was wrong, where, and what to do. The command line prints it as one line. Any other exception is
a bug and is shown with a traceback under ``--verbose``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class F1LibError(Exception):
    """Base class of all exceptions that f1lib raises on purpose."""


class SourceError(F1LibError):
    """A source gave no usable answer."""


class RateLimited(SourceError):
    """The source limits requests.

    ``retry_after_seconds`` is the time that it named, or the estimate of f1lib's own limiter.
    """

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotPublishedYet(SourceError):
    """The data does not exist yet at the requested time; try again later."""


class ClosedForNow(NotPublishedYet):
    """The source answers nobody for the time being, such as while a session runs: it is asked again later.

    Of several sources: those that answer have nothing, and the others may have it later.
    """


class SourceBlocked(SourceError):
    """The source refuses access; trying again without a change will not help."""


class OtherEvent(SourceError):
    """The answer is for another event than requested, and is refused."""


class TableError(F1LibError):
    """A frame breaks the contract of its table."""


class MissingColumn(TableError):
    """A column the contract requires is absent."""


class BadGrain(TableError):
    """Two rows share the table's key, or a key column is null."""


class RunError(F1LibError):
    """The run cannot go on."""


class AlreadyRunning(RunError):
    """Another owner holds the claim on this row, and its lease has not expired."""


class BadParameters(RunError):
    """A parameter is unknown, missing or of the wrong type."""


class PromotionRefused(RunError):
    """The gate refuses to let a model run serve; the message states the scores."""


class StorageError(F1LibError):
    """The lake or the tracking table cannot be read or written."""


class NoSuchKey(StorageError):
    """The lake has nothing under a key."""


class Damaged(StorageError):
    """Stored files are lost, unreadable or not those that were written; ``wrong`` says what is wrong with each key.

    ``f1 doctor --repair`` mends what can be mended.
    """

    def __init__(self, message: str, wrong: Mapping[str, str]) -> None:
        super().__init__(message)
        self.wrong = dict(wrong)
