"""Work on several processors in forks of this process, which hold what it has read."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

Part = TypeVar("Part")
Answer = TypeVar("Answer")


def in_forks(work: Callable[[Part], Answer], parts: list[Part], *, connected: bool = False) -> list[Answer]:
    """Do the work on each part, all at once where this process can be forked and has more than one processor.

    Parameters
    ----------
    work : callable
        Is called with a part. It may be called twice: a part of which a fork gives no answer is worked on again here,
        so that its error is the caller's.
    parts : list
        What is to be worked on; the last is this process's own.
    connected : bool
        Whether the work uses connections that this process has open, to S3 or DynamoDB: then nothing is forked, for a
        fork would write and read on the same ones.

    Returns
    -------
    list
        The answers, which are pickled, in the order of ``parts``.
    """
    # A fork has none of the other threads, and the locks that they held for ever.
    may_fork = sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1
    if len(parts) < 2 or connected or not may_fork:
        return [work(part) for part in parts]
    gc.freeze()  # else a collection in a fork copies every page that holds an object
    context = multiprocessing.get_context("fork")
    begun: list[tuple[Any, Any]] = []
    for part in parts[:-1]:
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_answer, args=(there, work, part), daemon=True)
        process.start()
        there.close()
        begun.append((process, here))
    try:
        own = [work(part) for part in parts[-1:]]
        answers = [_received(here) for _, here in begun]
        again = [work(part) if answer is None else answer for answer, part in zip(answers, parts, strict=False)]
        return [*again, *own]
    finally:
        for process, _ in begun:
            process.kill()
            process.join()
        gc.unfreeze()


def _answer(there: Any, work: Callable[[Part], Answer], part: Part) -> None:
    with suppress(Exception):  # the caller meets it as well
        there.send(work(part))


def _received(here: Any) -> Any:
    """Return what a fork has sent, or None when it ended without an answer."""
    with suppress(EOFError):
        return here.recv()
    return None
