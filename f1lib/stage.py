"""What a stage notebook imports: `open_workspace`, and `stage_result` for the value of its last cell."""

from __future__ import annotations

import json
from typing import Any

from f1lib.errors import BadParameters
from f1lib.workspace.workspace import open_workspace

__all__ = ["RESULT_MIME", "StageResult", "open_workspace", "stage_result"]

RESULT_MIME = "application/vnd.f1lib.result+json"


class StageResult:
    """What a stage notebook hands back to the runner, shown as a small table."""

    def __init__(self, stage: str, data: dict[str, Any]) -> None:
        self.stage = stage
        self.data = data

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        lines = [f"{name}: {value}" for name, value in self.data.items()]
        document = {"stage": self.stage, **self.data}
        return {RESULT_MIME: document, "text/plain": "\n".join([self.stage, *lines])}


def stage_result(stage: str, **data: Any) -> StageResult:
    """The last cell of a stage notebook: ``stage_result("05_train", run_ids=run_ids)``.

    The values must be JSON; raises `BadParameters` otherwise.
    """
    try:
        json.dumps(data, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadParameters(f"stage {stage}: its result is not JSON: {error}") from error
    return StageResult(stage, data)
