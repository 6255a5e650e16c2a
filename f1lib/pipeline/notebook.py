"""One stage notebook, executed: parameters checked, papermill run, notebook and HTML stored - also on failure.

What papermill only warns about (an unknown parameter, no ``parameters`` cell) is refused here before anything
runs; a process that dies or times out is marked in the saved notebook, which papermill does not do.
"""

from __future__ import annotations

import json
import logging
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1lib.errors import BadParameters, RunError
from f1lib.lake import attribution
from f1lib.lake.paths_published import record_key, record_page, without_folders
from f1lib.lake.provenance import made_by
from f1lib.pipeline.parameters import declared_in, merge, stage_file
from f1lib.pipeline.stage_process import StageProcesses
from f1lib.sources.failures import shown
from f1lib.stage import RESULT_MIME
from f1lib.tracking.rows import Outcome
from f1lib.workspace.project import project_folder
from f1lib.workspace.workspace import lending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from f1lib.lake.store import ObjectStore
    from f1lib.workspace.workspace import Workspace


_log = logging.getLogger(__name__)
CELL_TIMEOUT_SECONDS = 1800


@dataclass(frozen=True)
class Execution:
    """One executed notebook: the key of its record and the value of its cell tagged ``result``."""

    stage: str
    notebook_key: str
    result: dict[str, Any]


def stage_notebook(name: str) -> Path:
    """Find the notebook of a stage, by stem (``05_train``) or short name (``train``).

    Raises `BadParameters` for anything that is not a notebook directly inside ``notebooks/``.
    """
    found = sorted((project_folder() / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    stems = {path.stem: path for path in found}
    for stem, path in stems.items():
        if name in (stem, stem.partition("_")[2]):
            return path
    raise BadParameters(f"there is no stage {name!r}; the stages are {', '.join(stems)}")


def execute_stage(
    ws: Workspace, name: str, given: Mapping[str, Any], suffix: str = "", processes: StageProcesses | None = None
) -> Execution:
    """Execute a stage notebook and store its record under ``reports/runs/<run_id>/``.

    Parameters
    ----------
    ws : Workspace
        The workspace that the notebook opens again from its parameters.
    name : str
        Stem (``05_train``) or short name (``train``).
    given : mapping
        Parameters of the notebook; they win over all others.
    suffix : str
        Tells the record from others of the same stage and run.
    processes : StageProcesses or None
        Those of the caller's notebooks, for the engine ``process``; None for one of its own.

    Returns
    -------
    Execution
        The key of the record and what the notebook handed back.

    Raises
    ------
    BadParameters
        Unknown stage or parameter; nothing has been started.
    RunError
        A cell failed, its process died or the time-out struck; the record is stored all the same.
    """
    path = stage_notebook(name)
    stage = path.stem
    values = stage_values(ws.parameters(), path, given)
    key = record_key(ws.run_id, stage, suffix)
    secret, values_shown = ws.settings.f1db, values | {"f1db": shown(ws.settings.f1db)}
    with nullcontext(processes) if processes else StageProcesses() as used:
        try:
            with tempfile.TemporaryDirectory(prefix="f1-") as folder:
                output = Path(folder) / path.name
                with lending(ws.cache):
                    failure = _execute(ws.settings.engine, path, output, values, used)
                record = (output if output.exists() else path).read_text(encoding="utf-8")
            # The cells need the release's address with its user, password and query; its record does not.
            notebook = json.loads(record.replace(json.dumps(secret)[1:-1], values_shown["f1db"]))
        except (OSError, ValueError, RecursionError) as error:
            raise RunError(f"stage {stage}: no notebook can be written in {tempfile.gettempdir()}: {error}") from error
        reason = failure.replace(secret, values_shown["f1db"])
        notebook["metadata"]["f1lib"] = _provenance(ws, stage, values_shown, reason)
        _store(ws.store, key, without_folders(notebook), used)
    if failure:
        raise RunError(f"stage {stage} failed: {reason} (record: {key})")
    return Execution(stage, key, _result_of(notebook, stage))


def stage_values(workspace: Mapping[str, str], path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Merge and check the parameters of one run of a notebook.

    Parameters
    ----------
    workspace : mapping
        ``Workspace.parameters()``.
    path : pathlib.Path
        The notebook.
    given : mapping
        The caller's parameters, which win.

    Returns
    -------
    dict
        The value of every parameter that is not left at the notebook's default.

    Raises
    ------
    BadParameters
        An unknown or mistyped parameter.
    """
    known = declared_in(path)
    layers = {
        f"parameters/{path.stem}.yml": stage_file(project_folder() / "parameters", path.stem),
        "the workspace": workspace,
        "the call": given,
    }
    return merge(known, path.stem, layers)


def _execute(engine: str, path: Path, output: Path, values: Mapping[str, Any], processes: StageProcesses) -> str:
    """Execute into a local file and return what went wrong, if anything."""
    _log.debug("papermill runs %s (engine %s)", path.name, engine)
    order: dict[str, Any] = {"path": str(path), "output": str(output), "folder": str(project_folder())}
    order |= {"values": dict(values), "seconds": 0 if engine == "inprocess" else CELL_TIMEOUT_SECONDS}
    if engine == "process":
        processes.begin(order)
        return processes.failure()
    from f1lib.pipeline.engines import execute

    return execute(engine, **order)


def _provenance(ws: Workspace, stage: str, values: Mapping[str, Any], error: str) -> dict[str, Any]:
    return {
        "stage": stage,
        "status": Outcome.FAILED if error else Outcome.FINISHED,
        "error": error,
        "source": ws.source_name,
        "attribution": attribution.of_lake(ws.store, ws.source_name),
        "run_id": ws.run_id,
        **made_by(),
        "parameters": dict(values),
    }


def _store(store: ObjectStore, key: str, notebook: dict[str, Any], processes: StageProcesses) -> None:
    store.write(key, (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode())
    store.write(record_page(key), processes.page(notebook).encode())


def _result_of(notebook: Mapping[str, Any], stage: str) -> dict[str, Any]:
    for cell in reversed(notebook["cells"]):
        if "result" in cell.get("metadata", {}).get("tags", []):
            for output in cell.get("outputs", []):
                if RESULT_MIME in output.get("data", {}):
                    return {**output["data"][RESULT_MIME], **output.get("metadata", {}).get(RESULT_MIME, {})}
    raise RunError(f"stage {stage}: no cell tagged `result` handed anything back")
