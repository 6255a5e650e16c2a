"""The laws of the notebooks (docs/architecture.md, "Notebooks"), checked on what is committed."""

from __future__ import annotations

import ast
import io
import json
import keyword
import re
import tokenize
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGES = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
EXPLORE = sorted((ROOT / "notebooks" / "explore").glob("*.ipynb"))
STEMS = "00_schedule 01_ingest 02_weather 03_silver 04_gold 05_train 06_predict 07_score 08_report".split()
COMMON = "lake tracking source f1db as_of run_id".split()
CODE_CELLS, CODE_LINES = 8, 6
FORBIDDEN = {"def", "class", "for", "while", "if", "try", "lambda"}
PARAMETER = re.compile(r"^(?P<name>[a-z][a-z0-9_]*): (?P<type>int|float|str|bool|list) = (?P<value>[^#]+?)  # \S.*$")

stage = pytest.mark.parametrize("path", STAGES, ids=lambda p: p.stem)
explore = pytest.mark.parametrize("path", EXPLORE, ids=lambda p: p.stem)
every = pytest.mark.parametrize("path", STAGES + EXPLORE, ids=lambda p: p.stem)


def _load(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def _code(path: Path) -> list[dict[str, Any]]:
    return [c for c in _load(path)["cells"] if c["cell_type"] == "code"]


def _tags(cell: dict[str, Any]) -> list[str]:
    return list(cell["metadata"].get("tags", []))


def _tagged(path: Path, tag: str) -> list[dict[str, Any]]:
    return [c for c in _load(path)["cells"] if tag in _tags(c)]


def test_there_is_one_notebook_a_stage() -> None:
    assert [p.stem for p in STAGES] == STEMS


@every
def test_outputs_are_stripped_and_cells_have_ids_of_their_own(path: Path) -> None:
    notebook = _load(path)
    assert [c for c in notebook["cells"] if c.get("outputs") or c.get("execution_count")] == []
    ids = [c.get("id") for c in notebook["cells"]]
    assert None not in ids
    assert len(set(ids)) == len(ids)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}


@every
def test_the_file_is_written_as_jupyter_writes_it(path: Path) -> None:
    """One space of indent, sorted keys and a final newline, so that saving it in JupyterLab changes nothing."""
    text = path.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


@every
def test_it_opens_with_a_title_and_then_its_parameters(path: Path) -> None:
    first, second, *_ = _load(path)["cells"]
    assert first["cell_type"] == "markdown"
    assert _source(first).startswith("# ")
    assert _tags(second) == ["parameters"]


@stage
def test_the_title_says_what_is_read_and_written_at_which_grain(path: Path) -> None:
    table = [line for line in _source(_load(path)["cells"][0]).splitlines() if line.startswith("|")]
    header = [cell.strip() for cell in table[0].strip("|").split("|")]
    assert header == ["Reads", "Writes", "Grain"]
    assert len(table) >= 3


@every
def test_each_parameter_is_a_name_a_type_a_literal_and_a_help(path: Path) -> None:
    (cell,) = _tagged(path, "parameters")
    names = []
    for line in _source(cell).splitlines():
        match = PARAMETER.match(line)
        assert match, line
        assert line.count("=") == 1, f"papermill's own inspector cannot read a help with an equals sign: {line}"
        value = ast.literal_eval(match["value"])
        assert type(value).__name__ == match["type"], line
        names.append(match["name"])
    common = COMMON if path in STAGES else ["lake", "as_of"]
    assert names[: len(common)] == common


@stage
def test_cells_come_in_the_order_of_the_house(path: Path) -> None:
    cells = _load(path)["cells"]
    assert _tags(cells[1]) == ["parameters"]
    assert _tags(cells[2]) == ["setup"]
    assert _tags(cells[-1]) == ["result"]
    steps = cells[3:-1]
    assert steps
    kinds = [(c["cell_type"], _tags(c)) for c in steps]
    assert kinds == [("markdown", []), ("code", ["step"])] * (len(steps) // 2)
    assert all(len(_source(c).splitlines()) == 1 for c in steps[::2])


@stage
def test_code_stays_small(path: Path) -> None:
    """The parameters cell is a declaration, one line each; every other code cell fits in six lines."""
    cells = _code(path)
    assert len(cells) <= CODE_CELLS
    assert {c["id"]: n for c in cells[1:] if (n := len(_source(c).splitlines())) > CODE_LINES} == {}


@stage
def test_a_stage_notebook_holds_no_logic(path: Path) -> None:
    words = set()
    for cell in _code(path):
        for token in tokenize.generate_tokens(io.StringIO(_source(cell)).readline):
            if token.type == tokenize.NAME and keyword.iskeyword(token.string):
                words.add(token.string)
    assert words & FORBIDDEN == set()


@stage
def test_the_workspace_is_opened_by_the_setup_cell_and_given_every_common_parameter(path: Path) -> None:
    (cell,) = _tagged(path, "setup")
    calls = [n for n in ast.walk(ast.parse(_source(cell))) if isinstance(n, ast.Call)]
    (call,) = [c for c in calls if ast.unparse(c.func) == "open_workspace"]
    assert {k.arg: ast.unparse(k.value) for k in call.keywords} == {name: name for name in COMMON}


@stage
def test_no_import_hides_a_parameter(path: Path) -> None:
    parameters = {line.split(":")[0] for line in _source(_tagged(path, "parameters")[0]).splitlines()}
    nodes = ast.walk(ast.parse(_source(_tagged(path, "setup")[0])))
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {alias.asname or alias.name for n in imports for alias in n.names}
    assert names & parameters == set()


@stage
def test_a_step_is_one_call_and_one_display(path: Path) -> None:
    for cell in _tagged(path, "step"):
        *calls, shown = ast.parse(_source(cell)).body
        assert isinstance(shown, ast.Expr), cell["id"]
        assert len(calls) <= 1
        assert all(isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) for node in calls)


@stage
def test_the_result_is_handed_back_under_the_stages_own_name(path: Path) -> None:
    (cell,) = _tagged(path, "result")
    (shown,) = ast.parse(_source(cell)).body
    assert isinstance(shown, ast.Expr)
    assert isinstance(shown.value, ast.Call)
    assert ast.unparse(shown.value.func) == "stage_result"
    assert ast.literal_eval(shown.value.args[0]) == path.stem


@every
def test_a_notebook_knows_no_path_no_address_and_no_secret(path: Path) -> None:
    """The help texts of the parameters name the forms of an address; a value stands nowhere."""
    code = "\n".join(re.sub(r"  # .*", "", _source(c)) for c in _code(path))
    assert not re.search(r"(?<![\w.])/(home|work|root|tmp|mnt|Users)/", code)
    assert not re.search(r"s3://|https?://|\.parquet|\.json\b", code)
    assert not re.search(r"(?i)password|secret|access_key|token", code)
    assert not re.search(r"^\s*[%!]", code, re.M)


@explore
def test_an_explore_notebook_leaves_the_lake_alone_and_keeps_its_logic_in_f1lib(path: Path) -> None:
    code = "\n".join(_source(c) for c in _code(path))
    assert not re.search(r"\.(write|delete|put_rows|put_predictions)\(", code)
    assert not [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Lambda)]
    assert {c["id"]: n for c in _code(path)[1:] if (n := len(_source(c).splitlines())) > CODE_LINES} == {}
