"""The process that has the libraries: what it is asked beside notebooks, and what it has ready for them."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from f1lib.pipeline import stage_process
from f1lib.pipeline.stage_process import StageProcesses
from f1lib.report.notebook_html import notebook_to_html

CELL = {"cell_type": "code", "id": "a", "metadata": {}, "source": "x = 41 + 1", "execution_count": 1}
SAID = {"output_type": "stream", "name": "stdout", "text": "the answer\n" * 20_000}  # more than a pipe holds
NOTEBOOK = {"cells": [CELL | {"outputs": [SAID]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
NO_NOTEBOOK: dict[str, Any] = {"cells": 7}


@pytest.fixture(scope="module")
def processes() -> Iterator[StageProcesses]:
    with StageProcesses() as shared:
        shared.start()
        yield shared


def test_a_page_is_the_same_wherever_it_is_rendered(processes: StageProcesses) -> None:
    assert processes.page(NOTEBOOK) == StageProcesses().page(NOTEBOOK) == notebook_to_html(NOTEBOOK)


def test_a_notebook_that_cannot_be_rendered_is_the_callers_error_and_the_next_page_is_rendered(
    processes: StageProcesses,
) -> None:
    with pytest.raises(Exception, match=r"7|cells|int"):
        processes.page(NO_NOTEBOOK)
    assert "the answer" in processes.page(NOTEBOOK)


def test_a_page_is_rendered_also_when_the_process_was_killed() -> None:
    with StageProcesses() as processes:
        processes.start()
        os.kill(processes._pipe("pid"), signal.SIGKILL)
        assert processes.page(NOTEBOOK) == notebook_to_html(NOTEBOOK)
        processes.start()
        assert processes.page(NOTEBOOK) == notebook_to_html(NOTEBOOK)


@pytest.mark.parametrize(
    "name", [*stage_process._FIRST, *stage_process._MEANWHILE, *sum(stage_process._BEFORE.values(), ())]
)
def test_what_is_prepared_for_notebooks_is_there(name: str) -> None:
    stage_process._prepare(name)
    assert name.partition(":")[0] in sys.modules
