"""One notebook by papermill, with an engine that runs its cells in this very process.

The cells, the parameters and the saved notebook are the same as in a kernel.
"""

from __future__ import annotations

import atexit
import logging
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import papermill
from papermill.engines import Engine, papermill_engines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def execute(engine: str, path: str, output: str, values: Mapping[str, Any], folder: str, seconds: int = 0) -> str:
    """Execute a notebook by papermill.

    Parameters
    ----------
    engine : str
        ``inprocess``, or ``kernel`` for papermill's own, a Jupyter kernel of its own.
    path : str
        The notebook.
    output : str
        Where the executed one is written.
    values : mapping
        Its parameters.
    folder : str
        The working directory of its cells.
    seconds : int
        A cell that takes longer ends the process, or its kernel; 0 for no limit.

    Returns
    -------
    str
        What went wrong, in one line, by the exception of the cell where there is one; empty when nothing did.
    """
    logging.getLogger("papermill").setLevel(logging.ERROR)  # it cannot parse `name: type = literal`; we have
    papermill_engines.register("inprocess", InProcessEngine)
    of_kernel: Any = {"execution_timeout": seconds or None, "shutdown_kernel": "immediate"}
    of_kernel["extra_arguments"] = ["--IPKernelApp.log_level=40"]  # its talk of TCP is no news to the user
    try:
        papermill.execute_notebook(
            path,
            output,
            parameters=dict(values),
            kernel_name="python3",
            language="python",
            cwd=folder,
            progress_bar=False,
            request_save_on_cell_execute=seconds > 0,
            autosave_cell_every=0,
            engine_name="inprocess" if engine == "inprocess" else None,
            **({"seconds": seconds} if engine == "inprocess" else of_kernel),
        )
    except Exception as error:  # a cell, the kernel or a time-out: all of them are recorded, then raised
        name, text = getattr(error, "ename", type(error).__name__), getattr(error, "evalue", str(error))
        return " ".join(f"{name}: {text}".split())
    return ""


class InProcessEngine(Engine):  # type: ignore[misc]
    """See papermill's `Engine`; registered under the name ``inprocess`` by `execute`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, seconds: int = 0, **_: Any) -> None:
        """Run the cells in a fresh namespace, up to the first failure, of which papermill raises afterwards.

        Parameters
        ----------
        nb_man : papermill.engines.NotebookExecutionManager
            The notebook and what becomes of its cells.
        kernel_name : str
            Without meaning here.
        seconds : int
            A cell that takes longer ends this process (SIGALRM); 0 for no limit.
        """
        with _shell() as shell:
            _run_cells(shell, nb_man, seconds)


def warm_up() -> None:
    """Do what the first notebook of a process does once: import IPython, compile the schema of notebooks."""
    import nbformat
    from nbformat.v4 import new_notebook

    make: Any = new_notebook
    nbformat.validate(make())
    with _shell():
        pass


def _run_cells(shell: Any, nb_man: Any, seconds: int) -> None:
    code = [(index, cell) for index, cell in enumerate(nb_man.nb.cells) if cell.cell_type == "code"]
    for count, (index, cell) in enumerate(code, start=1):
        if seconds:
            signal.alarm(seconds)
        nb_man.cell_start(cell, index)
        error = _run(shell, cell, count)
        if error is not None:
            nb_man.cell_exception(cell, index)
            return
        nb_man.cell_complete(cell, index)


@contextmanager
def _shell() -> Iterator[Any]:
    """Open a shell with an empty namespace, and leave nothing of it behind."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    InteractiveShell.clear_instance()
    # A cache of outputs would be flushed, with a walk through all of memory, at the end of every notebook. A history
    # would be written beside the user's own, by a thread a notebook that ends with the process.
    settings = Config(InteractiveShell={"cache_size": 0}, HistoryManager={"enabled": False})
    main = sys.modules["__main__"]  # IPython puts its own in place, of which no process can be spawned
    shell: Any = InteractiveShell.instance(config=settings)
    shell._showtraceback = lambda *_: None  # the traceback goes to the error output, not among what was printed
    try:
        yield shell
    finally:
        sys.modules["__main__"] = main
        shell.reset(new_session=False)
        atexit.unregister(shell.atexit_operations)  # it would keep every shell to the end of the process


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
