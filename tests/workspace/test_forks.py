"""Work in forks of a process: in a process of its own, for the tests' own may have threads."""

import json
import subprocess
import sys

import pytest

from f1lib.workspace.forks import in_forks

BEGIN = """
import json, os, sys, threading
from f1lib.workspace.forks import in_forks
os.sched_getaffinity = lambda _: {0, 1}
me = os.getpid()
"""


def answered(program: str) -> object:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="forks are Linux's")
def test_all_parts_but_the_last_are_worked_on_in_forks_and_answered_in_order() -> None:
    work = "print(json.dumps(in_forks(lambda part: [part, os.getpid() == me], [3, 1, 2])))"
    assert answered(work) == [[3, False], [1, False], [2, True]]


@pytest.mark.parametrize("ends", ["os._exit(1)", "os.kill(os.getpid(), 9)", "1 / 0"])
def test_a_part_whose_fork_has_ended_is_worked_on_again_by_the_caller(ends: str) -> None:
    work = f"def work(part):\n    if os.getpid() != me:\n        {ends}\n    return part\n"
    assert answered(work + "print(json.dumps(in_forks(work, [1, 2])))") == [1, 2]


def test_a_process_with_threads_is_not_forked() -> None:
    wait = "done = threading.Event()\nthreading.Thread(target=done.wait).start()\n"
    work = "print(json.dumps(in_forks(lambda part: os.getpid() == me, [1, 2])))\ndone.set()"
    assert answered(wait + work) == [True, True]


def test_what_uses_open_connections_is_not_forked() -> None:
    work = "print(json.dumps(in_forks(lambda part: os.getpid() == me, [1, 2], connected=True)))"
    assert answered(work) == [True, True]


def test_the_error_of_a_part_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        in_forks(lambda part: 1 // part, [0, 1])
