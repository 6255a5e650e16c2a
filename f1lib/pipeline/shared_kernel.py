"""A Jupyter kernel that the notebooks of a tick share, each with a fresh namespace.

Starting a kernel and importing the libraries takes longer than most notebooks (docs/performance.md). After an error,
and when the kernel has grown, the next notebook gets a new one.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

_log = logging.getLogger(__name__)
EXECUTION_TIMEOUT_SECONDS = 1800
# Above this the kernel is given up after a notebook, so that no stage adds its memory to that of the ones before.
MOST_BYTES = 400_000_000
_RESET = """
import gc, sys
"matplotlib.pyplot" in sys.modules and sys.modules["matplotlib.pyplot"].close("all")
get_ipython().reset(new_session=True)
import gc
gc.collect()
del gc
"""
_SIZE = "__import__('psutil').Process().memory_info().rss"  # ipykernel needs psutil


class SharedKernel:
    """The kernel of a tick's notebooks, started by the first of them and ended with `close`."""

    def __init__(self) -> None:
        self._manager: Any = None

    def __enter__(self) -> SharedKernel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, nb_man: Any, kernel_name: str) -> None:
        """Execute a notebook up to its first failing cell, of which papermill raises afterwards."""
        from papermill.clientwrap import PapermillNotebookClient

        client = PapermillNotebookClient(
            nb_man,
            km=self._manager,
            kernel_name=kernel_name,
            timeout=EXECUTION_TIMEOUT_SECONDS,
            startup_timeout=60,
            shutdown_kernel="immediate",
            extra_arguments=["--IPKernelApp.log_level=40"],  # its talk of TCP is no news to the user
        )
        try:
            client.execute(cleanup_kc=False)
            size = self._reset(client)
        finally:
            self._manager = client.km
            if client.kc is not None:
                client.kc.stop_channels()
        _log.debug("the kernel has %.0f MB", size / 1e6)
        if size > MOST_BYTES:
            self.close()

    def _reset(self, client: Any) -> int:
        """Empty the namespace and return the size of the kernel's process in bytes."""
        asked = client.kc.execute(_RESET, silent=True, user_expressions={"size": _SIZE})
        reply = client.wait_for_reply(asked)
        return int(reply["content"]["user_expressions"]["size"]["data"]["text/plain"])

    def close(self) -> None:
        """End the kernel, if there is one."""
        manager, self._manager = self._manager, None
        if manager is None:
            return
        from jupyter_core.utils import run_sync

        with suppress(RuntimeError):  # it has died already
            run_sync(manager.shutdown_kernel)(now=True)
        run_sync(manager.cleanup_resources)()
