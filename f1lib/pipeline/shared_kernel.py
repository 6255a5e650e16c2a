"""A Jupyter kernel that the notebooks of a tick share, each with a fresh namespace.

Starting a kernel and importing the libraries takes longer than most notebooks (docs/performance.md). After an error,
when a notebook has replaced something of f1lib, and when the kernel has grown, the next notebook gets a new one.
"""

from __future__ import annotations

import logging
import sys
from ast import literal_eval
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from f1lib.workspace.project import project_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger(__name__)
EXECUTION_TIMEOUT_SECONDS = 1800
KERNEL = "python3"
# Above this the kernel is given up after a notebook, so that no stage adds its memory to that of the ones before.
MOST_BYTES = 400_000_000
# Run by the kernel as it starts, while this process imports papermill: what every stage imports; what it began with.
_BEGIN = (
    "[__import__(f'f1lib.{name}') for name in ('bronze.ingest', 'report.cells')]; "
    "get_ipython().begun = __import__('os').getcwd(), [*__import__('sys').path], {**__import__('os').environ}; "
    "get_ipython().known = __import__('f1lib.pipeline.shared_kernel').pipeline.shared_kernel.loaded()"
)
_RESET = """
import gc, os, sys
from f1lib.pipeline.shared_kernel import is_replaced, loaded
"matplotlib.pyplot" in sys.modules and sys.modules["matplotlib.pyplot"].close("all")
folder, sys.path[:], environment = get_ipython().begun
os.chdir(folder)
os.environ.clear()
os.environ.update(environment)
get_ipython().is_clean = not is_replaced(get_ipython().known)
get_ipython().known = loaded()
get_ipython().reset(new_session=True)
import gc, sys
gc.collect()
"pyarrow" in sys.modules and sys.modules["pyarrow"].default_memory_pool().release_unused()
del gc, sys
"""
# ipykernel needs psutil
_STATE = "__import__('psutil').Process().memory_info().rss, get_ipython().is_clean"


class SharedKernel:
    """The kernel of a tick's notebooks, started by the first of them and ended with `close`."""

    def __init__(self) -> None:
        self._manager: Any = None

    def __enter__(self) -> SharedKernel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the kernel where there is none, without waiting until it is ready."""
        if self._manager is not None:
            return
        from jupyter_client.manager import AsyncKernelManager
        from jupyter_core.utils import run_sync

        manager = AsyncKernelManager(kernel_name=KERNEL)
        # Its talk of TCP is no news to the user.
        arguments = ["--IPKernelApp.log_level=40", f"--IPKernelApp.exec_lines={_BEGIN}"]
        self._manager = manager
        run_sync(manager.start_kernel)(extra_arguments=arguments, cwd=str(project_folder()))

    def run(self, nb_man: Any) -> None:
        """Execute a notebook up to its first failing cell, of which papermill raises afterwards."""
        from papermill.clientwrap import PapermillNotebookClient

        self.start()
        client = PapermillNotebookClient(
            nb_man,
            km=self._manager,
            kernel_name=KERNEL,
            timeout=EXECUTION_TIMEOUT_SECONDS,
            startup_timeout=60,
            shutdown_kernel="immediate",
        )
        try:
            client.execute(cleanup_kc=False)
            size, is_clean = self._reset(client)
        finally:
            self._manager = client.km
            if client.kc is not None:
                client.kc.stop_channels()
        _log.debug("the kernel has %.0f MB", size / 1e6)
        if size > MOST_BYTES or not is_clean:
            self.close()
            self.start()  # while this process stores the record

    def _reset(self, client: Any) -> tuple[int, bool]:
        """Empty the namespace; return the bytes of the kernel's process, and whether f1lib is what it was."""
        asked = client.kc.execute(_RESET, silent=True, user_expressions={"state": _STATE})
        reply = client.wait_for_reply(asked)
        size, is_clean = literal_eval(reply["content"]["user_expressions"]["state"]["data"]["text/plain"])
        return size, is_clean

    def close(self) -> None:
        """End the kernel, if there is one."""
        manager, self._manager = self._manager, None
        if manager is None:
            return
        from jupyter_core.utils import run_sync

        with suppress(RuntimeError):  # it has died already
            run_sync(manager.shutdown_kernel)(now=True)
        run_sync(manager.cleanup_resources)()


def loaded() -> dict[tuple[str, str], Any]:
    """Return what the modules of f1lib that are loaded hold, by module and name."""
    modules = [(name, module) for name, module in sys.modules.items() if name.partition(".")[0] == "f1lib"]
    return {(module, name): value for module, held in modules for name, value in vars(held).items()}


def is_replaced(known: Mapping[tuple[str, str], Any]) -> bool:
    """Whether something of f1lib is not what was ``known``, or comes from a notebook: no module remembers anything."""
    now = loaded()
    changed = any(now.get(place) is not value for place, value in known.items())
    return changed or any(getattr(value, "__module__", "") == "__main__" for value in now.values())
