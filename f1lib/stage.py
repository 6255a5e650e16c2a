"""Imports of the stage notebooks: `open_workspace`, and `stage_result` for the value of the last cell."""

from __future__ import annotations

import json
from typing import Any

from f1lib.errors import BadParameters
from f1lib.workspace.workspace import open_workspace

__all__ = ["RESULT_MIME", "StageResult", "open_workspace", "stage_result"]

RESULT_MIME = "application/vnd.f1lib.result+json"


class StageResult:
    """Result of a stage notebook, which the runner reads; displayed as a small table.

    ``measured`` stands in the output's metadata, so that the result itself is the same on every machine.
    """

    def __init__(self, stage: str, data: dict[str, Any], measured: dict[str, float]) -> None:
        self.stage = stage
        self.data = data
        self.measured = measured

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        lines = [f"{name}: {value}" for name, value in self.data.items()]
        document = {"stage": self.stage, **self.data}
        return {RESULT_MIME: document, "text/plain": "\n".join([self.stage, *lines])}, {RESULT_MIME: self.measured}


def stage_result(stage: str, *, measured: dict[str, float] | None = None, **data: Any) -> StageResult:
    """Return the value of a stage notebook's last cell: ``stage_result("05_train", run_ids=run_ids)``.

    ``measured``: numbers that differ from run to run, such as times. Raises `BadParameters` when a value is not JSON.
    """
    measured = measured or {}
    try:
        json.dumps([data, measured], allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadParameters(f"stage {stage}: its result is not JSON: {error}") from error
    return StageResult(stage, data, measured)
