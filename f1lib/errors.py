"""Every exception f1lib raises on purpose.

::

    F1LibError
      SourceError            an upstream gave no usable answer
        RateLimited          it asks us to wait (``retry_after_seconds``)
        NotPublishedYet      the data does not exist yet at ``as_of``
        SourceBlocked        it refuses us (403, an account is needed)
        OtherEvent           its answer is of another event than the one that was asked for
      TableError             a frame breaks the contract of its table
        MissingColumn
        BadGrain             two rows share a key, or a key is null
      RunError               the run itself cannot go on
        AlreadyRunning       somebody else holds the claim
        BadParameters        a parameter is unknown, missing or of the wrong type
        PromotionRefused     the gate keeps a model from serving
      StorageError           the lake or the tracking table cannot be read or written
        NoSuchKey            the lake holds nothing under a key

Each message says what was wrong, where, and what to do. The command line prints the message as its one
line of error; everything else is a bug and shows as a traceback with ``--verbose``.
"""

from __future__ import annotations


class F1LibError(Exception):
    """Base class: catching it catches everything f1lib raises on purpose."""


class SourceError(F1LibError):
    """An upstream source gave no usable answer."""


class RateLimited(SourceError):
    """The upstream asks us to wait.

    ``retry_after_seconds`` is the time it named, or our own limiter's estimate.
    """

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotPublishedYet(SourceError):
    """The data does not exist yet at the asked moment; asking later is the remedy."""


class SourceBlocked(SourceError):
    """The upstream refuses us; asking again without a change will not help."""


class OtherEvent(SourceError):
    """The answer is of another event than the one that was asked for; it is refused."""


class TableError(F1LibError):
    """A frame breaks the contract of its table."""


class MissingColumn(TableError):
    """A column the contract requires is absent."""


class BadGrain(TableError):
    """Two rows share the table's key, or a key column is null."""


class RunError(F1LibError):
    """The run itself cannot go on."""


class AlreadyRunning(RunError):
    """Somebody else holds the claim on this piece of work, and its lease has not expired."""


class BadParameters(RunError):
    """A parameter is unknown, missing or of the wrong type."""


class PromotionRefused(RunError):
    """The gate keeps a model run from serving; the message holds the figures."""


class StorageError(F1LibError):
    """The lake or the tracking table cannot be read or written."""


class NoSuchKey(StorageError):
    """The lake holds nothing under a key."""
