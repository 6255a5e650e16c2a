"""The simulated lake that has been lived through, for the notebooks to be executed on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.support.lakes import AFTER, copied

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def run_lake(replayed_lake: Path) -> Path:
    """A season of simulated history and a weekend predicted and scored; to be read only."""
    return replayed_lake / "lake"


@pytest.fixture(scope="module")
def lake(run_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the lake that one module may write into."""
    return copied(run_lake, tmp_path_factory)


Opener = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def opened(lake: Path) -> Iterator[Opener]:
    """``opened("06_predict", horizon="pre_weekend")``: the notebook executed by testbook with these parameters."""
    testbook = pytest.importorskip("testbook")
    from nbclient import NotebookClient

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NotebookClient.shutdown_kernel, "default_value", "immediate")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))

        def open_notebook(name: str, **parameters: Any) -> AbstractContextManager[Any]:
            given = {"lake": str(lake), "source": "simulated", "as_of": AFTER, **parameters}
            return _executed(testbook.testbook, ROOT / "notebooks" / f"{name}.ipynb", given)

        yield open_notebook


class _executed:  # noqa: N801 - used as a function
    """Parameters are put in behind the defaults, as papermill does; then every cell runs."""

    def __init__(self, testbook: Any, path: Path, parameters: dict[str, Any]) -> None:
        self.context = testbook(str(path), execute=False, timeout=240)
        self.parameters = parameters

    def __enter__(self) -> Any:
        book = self.context.__enter__()
        lines = "\n".join(f"{name} = {value!r}" for name, value in self.parameters.items())
        book.inject(lines, run=False, after="parameters")
        book.execute()
        return book

    def __exit__(self, *error: Any) -> Any:
        return self.context.__exit__(*error)
