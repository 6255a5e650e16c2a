"""A process for each notebook of a tick, forked from one that has imported the libraries.

Importing them takes longer than most notebooks; a fork takes milliseconds, and its end gives back all memory and leaves
nothing behind (docs/performance.md).
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from ctypes import CDLL
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from f1lib.tracking.stage_keys import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

# What every notebook needs, there before the first: modules, and functions (``module:name``) that do once what each
# notebook would do again.
_FIRST = (
    "f1lib.stage", "f1lib.bronze.ingest", "f1lib.report.cells", "f1lib.tracking.sqlite", "f1lib.report.pages:tables",
    "f1lib.sources.f1db.source", "pyarrow.parquet", "pyarrow.pandas_compat", "duckdb",
)  # fmt: skip
# What later ones need, in the order in which they do, in small parts: a notebook that has ended waits for the part that
# is being imported. First what makes the page of the first record.
_MEANWHILE = (
    "nbconvert", "f1lib.report.notebook_html:warm_up", "f1lib.silver.build", "f1lib.gold.build", "scipy.special",
    "onnxruntime", "scipy.spatial", "PIL.Image", "pyparsing", "matplotlib.colors", "matplotlib.text", "matplotlib.axes",
    "matplotlib.figure", "matplotlib.backends.backend_svg", "scipy.sparse.linalg", "scipy.optimize", "scipy.integrate",
    "scipy.ndimage", "scipy.interpolate", "scipy.stats", "sklearn.base", "f1lib.evaluation.issued",
    "f1lib.predictions.championship", "f1lib.report.build", "f1lib.report.pages:warm_up",
)  # fmt: skip
_M_ARENA_MAX = -8  # glibc, malloc.h
_ALONE = {Stage.GOLD}  # each page that an import changes meanwhile is there twice, 65 MB at the peak of a tick
# What a notebook and those after it need, imported before it, so that they share it.
_BEFORE: dict[str, tuple[str, ...]] = {
    Stage.TRAIN: (
        "f1lib.model.train", "f1lib.evaluation.gate", "xgboost", "skl2onnx",
        "onnxmltools.convert.xgboost.operator_converters.XGBoost", "f1lib.model.inspect",
    ),
}  # fmt: skip


class StageProcesses:
    """The processes of a tick's notebooks; the first is started by `start`, the last is ended by `close`.

    Without ``forks`` each notebook imports for itself: frameworks of macOS that numpy has opened do not survive a fork.
    """

    def __init__(self, *, forks: bool = sys.platform == "linux") -> None:
        self._forks = forks
        self._server: subprocess.Popen[str] | None = None

    def __enter__(self) -> StageProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process that imports the libraries, where there is none, without waiting for it."""
        if self._server is None:
            program = f"from f1lib.pipeline.stage_process import serve; serve(forks={self._forks})"
            self._server = subprocess.Popen(
                [sys.executable, "-P", "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )

    def begin(self, order: Mapping[str, Any]) -> None:
        """Have a notebook executed, without waiting.

        Parameters
        ----------
        order : mapping
            The arguments of `f1lib.pipeline.engines.execute`, but for the engine.
        """
        self.start()
        with suppress(BrokenPipeError):  # it has died, as `failure` finds
            self._pipe("stdin").write(json.dumps(order) + "\n")
            self._pipe("stdin").flush()

    def failure(self) -> str:
        """Wait for the notebook that was begun, and return why it failed; empty when it did not."""
        reply = self._pipe("stdout").readline()
        if not reply or not self._forks:
            self.close()
        return str(json.loads(reply)) if reply else "its process was killed"

    def page(self, notebook: Mapping[str, Any]) -> str:
        """Render an executed notebook as a page, in the process that has the libraries or, without one, in this.

        Parameters
        ----------
        notebook : mapping
            As of `f1lib.report.notebook_html.notebook_to_html`.

        Returns
        -------
        str
            The page as HTML.
        """
        page = ""
        if self._server is not None:
            self.begin({"page": notebook})
            reply = self._pipe("stdout").readline()
            if reply:
                page = json.loads(reply)
            else:
                self.close()
        if not page:
            from f1lib.report.notebook_html import notebook_to_html

            page = notebook_to_html(notebook)
        return page

    def _pipe(self, name: str) -> Any:
        return getattr(self._server, name)

    def close(self) -> None:
        """End all processes, if there are any."""
        server, self._server = self._server, None
        if server is not None:
            with server, suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)


def serve(*, forks: bool) -> None:
    """Do as standard input orders until its end, execute a notebook in a fork or render a page; a line answers each."""
    orders, replies = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a library prints is no reply
    _share_one_heap()
    from f1lib.pipeline.engines import warm_up

    for name in _FIRST:
        _prepare(name)
    warm_up()
    later = list(_MEANWHILE)
    for line in os.fdopen(orders):
        order = json.loads(line)
        if "page" in order:
            _send(replies, _line(_page(order["page"])))
        elif forks:
            _send(replies, _executed_in_fork(order, orders, replies, later))
        else:
            _send(replies, _executed(order))
            return


def _share_one_heap() -> None:
    """Let all threads allocate from one heap, where the C library is glibc: those of training keep 40 MB else."""
    with suppress(AttributeError):
        CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _executed_in_fork(order: Mapping[str, Any], orders: int, replies: int, later: list[str]) -> bytes:
    """Execute one notebook in a fork, import of ``later`` what there is time for meanwhile, and return the reply."""
    stage = Path(order["path"]).stem
    for name in _BEFORE.get(stage, ()):
        _prepare(name)
    gc.freeze()  # else a collection in a fork copies every page that holds an object
    ends, end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(replies)
        _send(end, _executed(order))
        os._exit(0)
    os.close(end)
    while later and stage not in _ALONE and not select.select([orders, ends], [], [], 0)[0]:
        _prepare(later.pop(0))
    if orders in select.select([orders, ends], [], [])[0]:  # whoever gave the order is gone
        os.killpg(0, signal.SIGKILL)
    with os.fdopen(ends, "rb") as reply:
        answer = reply.read()
    ended = os.waitpid(child, 0)[1]
    return answer or _died(ended)


def _prepare(name: str) -> None:
    """Import a module, or call a function."""
    found = resolve_name(name)
    if callable(found):
        found()


def _send(end: int, reply: bytes) -> None:
    with os.fdopen(end, "wb", closefd=False) as pipe:
        pipe.write(reply)


def _page(notebook: Mapping[str, Any]) -> str:
    """Render a page; empty when that fails, for the error is to be that of whoever asked."""
    from f1lib.report.notebook_html import notebook_to_html

    try:
        return notebook_to_html(notebook)
    except Exception:
        return ""


def _executed(order: Mapping[str, Any]) -> bytes:
    """Execute one notebook, and return the reply."""
    from f1lib.pipeline.engines import execute

    failure = execute("inprocess", **order)
    sys.stderr.flush()
    return _line(failure)


def _died(status: int) -> bytes:
    code = os.waitstatus_to_exitcode(status)
    return _line(f"its process ended with {signal.Signals(-code).name if code < 0 else f'exit code {code}'}")


def _line(text: str) -> bytes:
    return (json.dumps(text) + "\n").encode()
