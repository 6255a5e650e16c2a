"""The runner's record of a notebook, on tiny notebooks of one behaviour each."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from f1lib.errors import AlreadyRunning, BadParameters, RunError
from f1lib.pipeline import notebook as pipeline_notebook
from f1lib.pipeline import tick
from f1lib.pipeline.stage_process import StageProcesses
from f1lib.workspace.workspace import Workspace, open_workspace
from tests.support.workspaces import make_workspace

PARAMETERS = "\n".join(f'{name}: str = ""' for name in ("lake", "tracking", "source", "f1db", "as_of", "run_id"))
RESULT = "from f1lib.stage import stage_result\nstage_result('09_try', answer=answer)"


def notebook(*cells: tuple[str, str], parameters: str = "") -> dict[str, Any]:
    tagged = [("parameters", PARAMETERS + parameters), *cells]
    return {
        "cells": [
            {"cell_type": "code", "id": f"c{i}", "source": source, "metadata": {"tags": [tag]}, "outputs": []}
            | {"execution_count": None}
            for i, (tag, source) in enumerate(tagged)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }  # fmt: skip


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    opened = make_workspace(tmp_path / "lake", "2025-12-06T16:00:00Z", "simulated")
    return replace(opened, settings=replace(opened.settings, engine="inprocess"), run_id="r1")


@pytest.fixture(scope="module")
def processes() -> Iterator[StageProcesses]:
    """The processes of many ticks: the libraries are imported once, each notebook has a process of its own."""
    with StageProcesses() as shared:
        yield shared


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.setattr(pipeline_notebook, "project_folder", lambda: tmp_path)

    def write(nb: dict[str, Any]) -> None:
        (folder / "09_try.ipynb").write_text(json.dumps(nb), encoding="utf-8")

    return write


def test_notebooks_in_this_process_leave_no_thread_behind(ws: Workspace, put: Any) -> None:
    put(notebook(("step", "answer = 42"), ("result", RESULT)))
    pipeline_notebook.execute_stage(ws, "try", {})
    before = threading.active_count()
    pipeline_notebook.execute_stage(replace(ws, run_id="r2"), "try", {})
    assert threading.active_count() == before


@pytest.mark.parametrize(("engine", "is_lent"), [("inprocess", True), ("process", False)])
def test_a_notebook_in_this_process_is_lent_the_cache_while_it_runs(
    ws: Workspace, put: Any, processes: StageProcesses, engine: str, is_lent: bool
) -> None:
    ws.cache.put("test", "answer", None, "lent", 1)
    step = (
        "from f1lib.stage import open_workspace\n"
        "ws = open_workspace(lake=lake, source=source)\n"
        "answer = ws.cache.one('test', 'answer', None, lambda: 'made')"
    )
    put(notebook(("step", step), ("result", RESULT)))
    ws = replace(ws, settings=replace(ws.settings, engine=engine))
    done = pipeline_notebook.execute_stage(ws, "try", {}, "", processes)
    assert done.result["answer"] == ("lent" if is_lent else "made")
    assert open_workspace(lake=ws.store.url, source="simulated").cache is not ws.cache


def test_the_record_has_the_releases_address_without_its_secrets_and_the_notebook_with_them(
    ws: Workspace, put: Any
) -> None:
    url = "https://user:word@mirror.example/f1db.zip?token=s3cret&x=1"
    ws = replace(ws, settings=replace(ws.settings, f1db=url), upstreams=replace(ws.upstreams, source_name="f1db"))
    put(notebook(("step", "answer = len(f1db)\nprint(f1db)\nf1db"), ("result", RESULT)))
    assert pipeline_notebook.execute_stage(ws, "try", {}).result["answer"] == len(url)
    put(notebook(("step", "raise ValueError(f1db)"), ("result", RESULT)))
    with pytest.raises(RunError):
        pipeline_notebook.execute_stage(replace(ws, run_id="r2"), "try", {})
    stored = [ws.store.read(key).decode() for key in ws.store.list("reports/runs/")]
    assert len(stored) == 4
    assert all("https://mirror.example/f1db.zip" in text for text in stored)
    for secret in ("user:", "word@", "s3cret"):
        assert not [text[max(0, text.index(secret) - 60) :][:120] for text in stored if secret in text]


@pytest.mark.parametrize("text", ["", '{"cells": [', "[" * 100_000])
def test_a_notebook_that_the_disk_has_no_room_for_is_one_error(
    ws: Workspace, put: Any, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def half(_engine: str, _path: Path, output: Path, *_: Any) -> str:
        output.write_text(text, encoding="utf-8")
        return "OSError: [Errno 28] No space left on device"

    put(notebook(("result", RESULT)))
    monkeypatch.setattr(pipeline_notebook, "_execute", half)
    with pytest.raises(RunError, match="09_try: no notebook can be written in "):
        pipeline_notebook.execute_stage(ws, "try", {})
    assert ws.store.list("reports/runs/") == []


def test_a_notebook_runs_with_its_parameters_and_hands_its_result_back(ws: Workspace, put: Any) -> None:
    put(notebook(("step", "answer = int(number) + 1"), ("result", RESULT), parameters="\nnumber: int = 1"))
    done = pipeline_notebook.execute_stage(ws, "try", {"number": "41"})
    assert done.result == {"stage": "09_try", "answer": 42}
    record = json.loads(ws.store.read("reports/runs/r1/09_try.ipynb"))
    assert record["metadata"]["f1lib"]["status"] == "finished"
    assert record["metadata"]["f1lib"]["parameters"]["number"] == 41
    assert ws.store.exists("reports/runs/r1/09_try.html")


@pytest.mark.parametrize("engine", ["inprocess", "process", "kernel"])
def test_what_a_stage_measured_reaches_the_runner_and_stands_beside_its_result(
    ws: Workspace, put: Any, engine: str
) -> None:
    timed = RESULT.replace("answer=answer", "answer=answer, measured={'milliseconds': 1.5}")
    put(notebook(("step", "answer = 42"), ("result", timed)))
    ws = replace(ws, settings=replace(ws.settings, engine=engine))
    assert pipeline_notebook.execute_stage(ws, "try", {}).result == {
        "stage": "09_try",
        "answer": 42,
        "milliseconds": 1.5,
    }
    record = json.loads(ws.store.read("reports/runs/r1/09_try.ipynb"))
    (output,) = record["cells"][-1]["outputs"]
    assert "milliseconds" not in json.dumps(output["data"])


@pytest.mark.parametrize("engine", ["inprocess", "process", "kernel"])
def test_a_failing_cell_leaves_its_notebook_and_its_error(
    ws: Workspace, put: Any, processes: StageProcesses, engine: str
) -> None:
    put(notebook(("step", "print('before')"), ("step", "raise ValueError('no such lap')"), ("step", "print('after')")))
    ws = replace(ws, settings=replace(ws.settings, engine=engine))
    with pytest.raises(RunError, match=r"09_try failed: ValueError: no such lap .*reports/runs/r1/09_try\.ipynb"):
        pipeline_notebook.execute_stage(ws, "try", {}, "", processes)
    record = json.loads(ws.store.read("reports/runs/r1/09_try.ipynb"))
    assert record["metadata"]["f1lib"]["error"] == "ValueError: no such lap"
    outputs = [output for cell in record["cells"] for output in cell.get("outputs", [])]
    assert any("".join(output.get("text", "")) == "before\n" for output in outputs)
    assert not any("".join(output.get("text", "")) == "after\n" for output in outputs)
    assert "no such lap" in ws.store.read("reports/runs/r1/09_try.html").decode()


@pytest.mark.parametrize(
    ("engine", "ends", "said"),
    [
        ("process", "os._exit(3)", "its process ended with exit code 3"),
        ("process", "os.kill(os.getpid(), 9)", "its process ended with SIGKILL"),
        ("process", "os.kill(os.getppid(), 9)", "its process was killed"),
        ("kernel", "os._exit(3)", "DeadKernelError"),
    ],
)
def test_a_dead_process_is_marked_in_the_record(
    ws: Workspace, put: Any, processes: StageProcesses, engine: str, ends: str, said: str
) -> None:
    put(notebook(("step", "print('before')"), ("step", f"import os, time\n{ends}\ntime.sleep(60)")))
    ws = replace(ws, settings=replace(ws.settings, engine=engine))
    with pytest.raises(RunError, match=said):
        pipeline_notebook.execute_stage(ws, "try", {}, "", processes)
    record = json.loads(ws.store.read("reports/runs/r1/09_try.ipynb"))
    assert record["metadata"]["f1lib"]["status"] == "failed"
    assert record["cells"][2]["outputs"][0]["text"] == ["before\n"]


@pytest.mark.parametrize(("engine", "said"), [("process", "SIGALRM"), ("kernel", "CellTimeoutError")])
def test_a_cell_that_takes_too_long_ends_its_notebook(
    ws: Workspace, put: Any, processes: StageProcesses, monkeypatch: pytest.MonkeyPatch, engine: str, said: str
) -> None:
    monkeypatch.setattr(pipeline_notebook, "CELL_TIMEOUT_SECONDS", 1)
    put(notebook(("step", "import time\ntime.sleep(60)")))
    ws = replace(ws, settings=replace(ws.settings, engine=engine))
    with pytest.raises(RunError, match=said):
        pipeline_notebook.execute_stage(ws, "try", {}, "", processes)


def test_an_unknown_parameter_is_refused_before_anything_runs(ws: Workspace, put: Any) -> None:
    put(notebook(("step", "answer = 1"), ("result", RESULT)))
    with pytest.raises(BadParameters, match="no parameter 'nubmer'"):
        pipeline_notebook.execute_stage(ws, "try", {"nubmer": 1})
    assert ws.store.list() == []


@pytest.mark.parametrize("name", ["../secrets", "/etc/passwd", "nope", "09_try.ipynb", ""])
def test_a_name_cannot_reach_beyond_the_notebooks(put: Any, name: str) -> None:
    put(notebook())
    with pytest.raises(BadParameters, match="09_try"):
        pipeline_notebook.stage_notebook(name)


def test_a_notebook_that_hands_nothing_back_is_an_error(ws: Workspace, put: Any) -> None:
    put(notebook(("step", "answer = 1")))
    with pytest.raises(RunError, match="tagged `result`"):
        pipeline_notebook.execute_stage(ws, "try", {})


def test_variables_do_not_leak_from_one_notebook_into_the_next(ws: Workspace, put: Any) -> None:
    put(notebook(("step", "answer = 1"), ("result", RESULT)))
    pipeline_notebook.execute_stage(ws, "try", {})
    put(notebook(("step", "answer = 'answer' in dir()"), ("result", RESULT)))
    assert pipeline_notebook.execute_stage(ws, "try", {}).result["answer"] is False


def test_the_program_is_itself_again_after_a_notebook(ws: Workspace, put: Any) -> None:
    before = sys.modules["__main__"]
    put(notebook(("step", "answer = 1"), ("result", RESULT)))
    pipeline_notebook.execute_stage(ws, "try", {})
    assert sys.modules["__main__"] is before  # processes are spawned from it


def test_a_failed_stage_is_recorded_released_and_can_be_run_again(ws: Workspace, put: Any) -> None:
    put(notebook(("step", "raise ValueError('no such lap')")))
    with pytest.raises(RunError, match="no such lap"):
        tick.run_stage(ws, "try", {})
    row = ws.tracking.get("PIPELINE", "STAGE#09_try") or {}
    assert (row["status"], row["attempts"]) == ("failed", 1)
    assert "no such lap" in str(row["last_error"])
    assert "owner" not in row
    put(notebook(("step", "answer = 1"), ("result", RESULT)))
    assert tick.run_stage(ws, "try", {}).status == "finished"
    row = ws.tracking.get("PIPELINE", "STAGE#09_try") or {}
    assert row["status"] == "gold"
    assert "last_error" not in row


def test_two_runs_of_one_stage_do_not_meet(ws: Workspace, put: Any) -> None:
    put(notebook(("step", "answer = 1"), ("result", RESULT)))
    ws.tracking.claim("PIPELINE", "STAGE#09_try", owner="other", run_id="r0", now=ws.as_of, lease=timedelta(minutes=5))
    with pytest.raises(AlreadyRunning, match="other"):
        tick.run_stage(ws, "try", {})
    later = replace(ws, as_of=ws.as_of + timedelta(minutes=6))
    assert tick.run_stage(later, "try", {}).status == "finished"


def test_the_claim_of_a_process_that_died_keeps_nobody_waiting(ws: Workspace, put: Any) -> None:
    put(notebook(("step", "answer = 1"), ("result", RESULT)))
    with subprocess.Popen([sys.executable, "-c", ""]) as died:
        owner = f"{socket.gethostname()}:{died.pid}"
    lease = timedelta(minutes=30)
    ws.tracking.claim("PIPELINE", "STAGE#09_try", owner=owner, run_id="r0", now=ws.as_of, lease=lease)
    assert tick.run_stage(ws, "try", {}).status == "finished"
    alive = f"{socket.gethostname()}:{os.getpid()}"
    ws.tracking.claim("PIPELINE", "STAGE#09_try", owner=alive, run_id="r1", now=ws.as_of, lease=lease)
    with pytest.raises(AlreadyRunning, match=alive):
        tick.run_stage(ws, "try", {})


def test_runs_of_the_same_moment_keep_their_records_apart(ws: Workspace, put: Any) -> None:
    put(notebook(("step", "answer = 1"), ("result", RESULT)))
    unnamed = replace(ws, run_id="")
    first, second = (tick.run_stage(unnamed, "try", {}).notebook_key for _ in range(2))
    assert first == "reports/runs/20251206T160000Z/09_try.ipynb"
    assert second == "reports/runs/20251206T160000Z-2/09_try.ipynb"


LEFT_BEHIND = {
    "the working directory": ("os.chdir('/')", "os.getcwd() == '/'"),
    "a setting": ("os.environ['F1_LAKE'] = 'another'", "'F1_LAKE' in os.environ"),
    "a path of imports": ("sys.path.insert(0, 'mine')", "'mine' in sys.path"),
    "a function": ("paths.run_key = lambda *_: 'mine'", "paths.run_key('r', 'f') == 'mine'"),
    "a constant": ("paths.TRAINING_KEY = 'mine'", "paths.TRAINING_KEY == 'mine'"),
    "a class of a module that is new": ("duels.Fake = type('Fake', (), {})", "hasattr(duels, 'Fake')"),
}


@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_what_a_notebook_changes_in_its_process_does_not_reach_the_next(
    ws: Workspace, put: Any, processes: StageProcesses, what: str
) -> None:
    ws = replace(ws, settings=replace(ws.settings, engine="process"))
    changes, is_left = LEFT_BEHIND[what]
    begin = "import os, sys\nfrom f1lib.lake import paths\nfrom f1lib.scoring import duels\n"
    answers = []
    for run, step in (("r1", f"{changes}\nanswer = {is_left}"), ("r2", f"answer = {is_left}")):
        put(notebook(("step", begin + step), ("result", RESULT)))
        result = pipeline_notebook.execute_stage(replace(ws, run_id=run), "try", {}, "", processes).result
        answers.append(result["answer"])
    assert answers == [True, False]


def test_after_an_error_the_next_notebook_runs_in_a_process_of_its_own(ws: Workspace, put: Any) -> None:
    ws = replace(ws, settings=replace(ws.settings, engine="process"))
    asks = ("step", "import os\nanswer = [os.getpid(), os.getppid()]")

    def run(processes: StageProcesses, run_id: str, *cells: tuple[str, str]) -> Any:
        put(notebook(*cells))
        return pipeline_notebook.execute_stage(replace(ws, run_id=run_id), "try", {}, "", processes).result

    with StageProcesses() as processes:
        answers = [run(processes, "r0", asks, ("result", RESULT))["answer"]]
        for number, ends in enumerate(("raise ValueError('no such lap')", "import os\nos._exit(3)"), start=1):
            with pytest.raises(RunError, match=r"no such lap|exit code 3"):
                run(processes, f"e{number}", ("step", ends))
            answers.append(run(processes, f"r{number}", asks, ("result", RESULT))["answer"])
    assert len({own for own, _ in answers}) == 3
    assert len({parent for _, parent in answers}) == 1  # the libraries are imported once
    for process in {number for answer in answers for number in answer}:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_where_nothing_can_be_forked_each_notebook_imports_for_itself(ws: Workspace, put: Any) -> None:
    ws = replace(ws, settings=replace(ws.settings, engine="process"))
    put(notebook(("step", "import os\nanswer = [os.getpid(), os.getppid()]"), ("result", RESULT)))
    with StageProcesses(forks=False) as processes:
        runs = (replace(ws, run_id=run) for run in ("r1", "r2"))
        one, two = (pipeline_notebook.execute_stage(run, "try", {}, "", processes).result["answer"] for run in runs)
        assert one[1] == two[1] == os.getpid()
        assert one[0] != two[0]
