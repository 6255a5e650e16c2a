from pathlib import Path
from typing import Any

import pytest

from f1lib.errors import BadParameters
from f1lib.pipeline.parameters import declared, merge, stage_file


def _notebook(source: str, tags: tuple[str, ...] = ("parameters",)) -> dict[str, Any]:
    return {"cells": [{"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}}]}


KNOWN = declared(
    _notebook(
        'model: str = "full_v1"  # what to train\nrounds: int = 3\n'
        "share: float = 0.5\nfast: bool = False\nkeys: list = []"
    ),
    "05_train",
)


def test_names_types_defaults_and_helps_are_read_from_the_cell() -> None:
    assert list(KNOWN) == ["model", "rounds", "share", "fast", "keys"]
    assert KNOWN["model"].default == "full_v1"
    assert KNOWN["model"].help == "what to train"


@pytest.mark.parametrize("line", ["x = 1", "x: dict = {}", "x: int = 1 + 1", "x: int | None = None", "import os"])
def test_a_line_that_is_no_typed_literal_is_refused(line: str) -> None:
    with pytest.raises(BadParameters, match="line 1"):
        declared(_notebook(line), "05_train")


def test_a_notebook_without_a_parameters_cell_is_refused() -> None:
    with pytest.raises(BadParameters, match="0 cells are tagged"):
        declared(_notebook("x: int = 1", tags=()), "05_train")


def test_later_layers_win_and_text_becomes_the_declared_type() -> None:
    layers: dict[str, dict[str, Any]] = {
        "file": {"model": "a", "rounds": 1},
        "call": {"rounds": "7", "share": "1", "fast": "true", "keys": "a, b"},
    }
    assert merge(KNOWN, "05_train", layers) == {
        "model": "a", "rounds": 7, "share": 1.0, "fast": True, "keys": ["a", "b"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"modle": "x"}, "no parameter 'modle'.*it has model, rounds"),
        ({"rounds": "many"}, "rounds is 'many'; expected int"),
        ({"rounds": 1.5}, "expected int"),
        ({"fast": "perhaps"}, "expected bool"),
        ({"rounds": True}, "expected int"),
    ],
)
def test_an_unknown_or_mistyped_parameter_is_named_with_its_place(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadParameters, match=said):
        merge(KNOWN, "05_train", {"the call": given})


def test_a_stage_without_a_file_has_no_settings_of_its_own(tmp_path: Path) -> None:
    assert stage_file(tmp_path, "05_train") == {}
    (tmp_path / "05_train.yml").write_text("model: x\n", encoding="utf-8")
    assert stage_file(tmp_path, "05_train") == {"model": "x"}
    (tmp_path / "05_train.yml").write_text("- x\n", encoding="utf-8")
    with pytest.raises(BadParameters, match=r"05_train\.yml"):
        stage_file(tmp_path, "05_train")
