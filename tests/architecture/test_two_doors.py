"""Law 3 (clock and environment only behind the doors), law 4 (no I/O at import) and law 6 (as_of is required)."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DOORS = {"f1lib.workspace.workspace", "f1lib.__main__", "lambda_runner.handler"}
CLOCK = {"now", "utcnow", "today"}
CLOCK_OWNERS = {"datetime", "date", "Timestamp", "pandas", "pd", "dt"}
TIME_CALLS = {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.strftime"}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.putenv", "os.path.expanduser", "Path.home"}

HEAVY = "pandas numpy duckdb pyarrow xgboost matplotlib fastf1 onnx onnxruntime sklearn scipy papermill nbconvert boto3"
LIGHT = (
    "f1lib f1lib.errors f1lib.stage f1lib.domain.weekend f1lib.lake.store f1lib.lake.paths f1lib.tracking.table "
    "f1lib.workspace f1lib.pipeline.plan f1lib.pipeline.tick f1lib.cli.main"
)


def _is_door(name: str) -> bool:
    return name in DOORS or name.startswith("f1lib.cli.")


def _reads(tree: ast.AST) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            owner = ast.unparse(node.value).split(".")[-1]
            if text in TIME_CALLS | ENVIRONMENT or (node.attr in CLOCK and owner in CLOCK_OWNERS):
                found.append((node.lineno, text))
        elif isinstance(node, ast.ImportFrom) and node.module in {"os", "time"}:
            names = {alias.name for alias in node.names}
            found += [(node.lineno, f"{node.module}.{n}") for n in names & {"environ", "getenv", "time", "time_ns"}]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("datetime64"):
            found += [(node.lineno, ast.unparse(node)) for a in node.args if ast.unparse(a) in {"'now'", "'today'"}]
    return found


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import datetime\nx = datetime.now()",
        "import datetime\nx = datetime.datetime.utcnow()",
        "import time\nx = time.time()",
        "from time import time",
        "import os\nx = os.environ['A']",
        "from os import getenv",
        "import pandas as pd\nx = pd.Timestamp.now()",
        "import numpy as np\nx = np.datetime64('now')",
    ],
)
def test_the_scan_itself_finds_each_way_of_reading_clock_or_environment(code: str) -> None:
    assert _reads(ast.parse(code))


def test_clock_and_environment_are_read_behind_the_two_doors_only(shipped: list[Any]) -> None:
    wrong = [f"{m.name}:{line} {text}" for m in shipped if not _is_door(m.name) for line, text in _reads(m.tree)]
    assert not wrong


def test_only_the_command_prints(shipped: list[Any]) -> None:
    """Everything else logs, returns or raises."""
    wrong = [
        f"{m.name}:{node.lineno}"
        for m in shipped
        for node in ast.walk(m.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "sys.stdout.write", "sys.stderr.write"}
    ]
    assert not [place for place in wrong if not place.startswith("f1lib.cli.")]


def test_a_moment_is_an_argument_without_a_default(modules: list[Any]) -> None:
    """`open_workspace(as_of="")` and `f1lib.open` are the exceptions: there "" means that a door fills it in."""
    wrong = []
    for module in (module for module in modules if module.name != "f1lib.api.lake"):
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_door(module.name):
                continue
            positional = node.args.posonlyargs + node.args.args
            defaulted = positional[len(positional) - len(node.args.defaults) :]
            defaulted += [a for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None]
            wrong += [f"{module.name}.{node.name}({a.arg})" for a in defaulted if a.arg in {"as_of", "now", "cutoff"}]
    assert not wrong


def _python(code: str, root: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_command_and_the_ports_loads_no_heavy_library(root: Path) -> None:
    code = (
        f"import importlib, json, sys\nfor name in {LIGHT.split()!r}: importlib.import_module(name)\n"
        f"print(json.dumps([m for m in {HEAVY.split()!r} if m in sys.modules]))"
    )
    assert json.loads(_python(code, root)) == []


def test_importing_every_module_opens_no_file_of_ours_no_socket_and_starts_nothing(root: Path) -> None:
    """Modules of third parties may read what they like at import; ours may not, and none may write or call out."""
    code = """
import importlib, json, pkgutil, sys
import f1lib
seen, ours = [], f1lib.__path__[0]
def hook(event, args):
    if event == "socket.connect":
        seen.append([event, str(args[1:])])
    elif event == "subprocess.Popen" and "f1lib" in str(args):
        seen.append([event, str(args[:2])])
    elif event == "open" and isinstance(args[0], str) and args[0].startswith(ours):
        if not args[0].endswith((".py", ".pyc")) and "__pycache__" not in args[0]:
            seen.append([event, args[0]])
names = [m.name for m in pkgutil.walk_packages(f1lib.__path__, "f1lib.") if not m.name.endswith("__main__")]
sys.addaudithook(hook)
for name in names:
    importlib.import_module(name)
print(json.dumps({"seen": seen, "names": names}))
"""
    answer = json.loads(_python(code, root).splitlines()[-1])
    assert "f1lib.domain.weekend" in answer["names"]
    assert answer["seen"] == []
