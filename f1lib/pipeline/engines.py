"""Papermill engines: one runs a notebook in this very process, the other in a kernel that a tick's notebooks share.

In this process the cells, the parameters and the saved notebook are the same as in a kernel; what is given up is
isolation and the time-out.
"""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Any

from papermill.engines import Engine

if TYPE_CHECKING:
    from f1lib.pipeline.shared_kernel import SharedKernel


class SharedKernelEngine(Engine):  # type: ignore[misc]
    """See papermill's `Engine`; registered under the name ``kernel`` by `f1lib.pipeline.notebook`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, kernel: SharedKernel, **_: Any) -> None:
        """Run the cells in a kernel that is shared.

        Parameters
        ----------
        nb_man : papermill.engines.NotebookExecutionManager
            The notebook and what becomes of its cells.
        kernel_name : str
            Name of the Jupyter kernel; it is always `shared_kernel.KERNEL`.
        kernel : SharedKernel
            Started when it is not.
        """
        kernel.run(nb_man)


class InProcessEngine(Engine):  # type: ignore[misc]
    """See papermill's `Engine`; registered under the name ``inprocess`` by `f1lib.pipeline.notebook`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:
        """Run the cells in order in a fresh namespace, up to the first failure; papermill raises from its output."""
        main = sys.modules["__main__"]  # IPython puts its own in place, of which no process can be spawned
        shell = _shell()
        try:
            _run_cells(shell, nb_man)
        finally:
            sys.modules["__main__"] = main
            shell.reset(new_session=False)
            atexit.unregister(shell.atexit_operations)  # it would keep every shell to the end of the process


def _run_cells(shell: Any, nb_man: Any) -> None:
    code = [(index, cell) for index, cell in enumerate(nb_man.nb.cells) if cell.cell_type == "code"]
    for count, (index, cell) in enumerate(code, start=1):
        nb_man.cell_start(cell, index)
        error = _run(shell, cell, count)
        if error is not None:
            nb_man.cell_exception(cell, index)
            return
        nb_man.cell_complete(cell, index)


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    InteractiveShell.clear_instance()
    # A cache of outputs would be flushed, with a walk through all of memory, at the end of every notebook. A history
    # would be written beside the user's own, by a thread a notebook that ends with the process.
    settings = Config(InteractiveShell={"cache_size": 0}, HistoryManager={"enabled": False})
    shell: Any = InteractiveShell.instance(config=settings)
    shell._showtraceback = lambda *_: None  # the traceback goes to the error output, not among what was printed
    return shell


def _run(shell: Any, cell: Any, count: int) -> BaseException | None:
    """Run one cell, leave its outputs on it, and return what it raised."""
    from IPython.core.displayhook import CapturingDisplayHook
    from IPython.utils.capture import capture_output
    from nbformat.v4 import new_output

    results: list[dict[str, Any]] = []
    hook: Any = CapturingDisplayHook
    shell.display_trap.hook = hook(shell=shell, outputs=results)
    with capture_output() as captured:
        result = shell.run_cell(cell.source, store_history=False)
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    cell.execution_count = count
    streams = (("stdout", captured.stdout), ("stderr", captured.stderr))
    make: Any = new_output
    cell.outputs = [make("stream", name=name, text=text) for name, text in streams if text]
    cell.outputs += [make("display_data", data=o.data, metadata=o.metadata) for o in captured.outputs]
    cell.outputs += [make("execute_result", execution_count=count, **found) for found in results]
    if error is not None:
        lines = shell.InteractiveTB.structured_traceback(type(error), error, error.__traceback__)
        cell.outputs.append(make("error", ename=type(error).__name__, evalue=str(error), traceback=lines))
    return error
