"""The parameters of a stage notebook: read from its tagged cell, checked and merged before it runs.

Merged in this order, later wins: the notebook's defaults, ``parameters/<stage>.yml``, the workspace's own
(lake, tracking, source, ...), what the caller gives.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from f1lib.errors import BadParameters
from f1lib.lake.documents import from_json, from_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool, "list": list}
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Parameter:
    """One line of the parameters cell: ``model: str = "full_v1"  # configuration to train``."""

    name: str
    kind: str
    default: Any
    help: str


def declared(notebook: Mapping[str, Any], stage: str) -> dict[str, Parameter]:
    """Read the parameters that a notebook declares, by name.

    Raises `BadParameters` when no cell is tagged ``parameters``, or a line is not ``name: type = literal``
    with one of the types int, float, str, bool, list.
    """
    cells = [cell for cell in notebook["cells"] if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if len(cells) != 1:
        raise BadParameters(f"stage {stage}: {len(cells)} cells are tagged `parameters`; there must be exactly one")
    source = "".join(cells[0]["source"])
    helps = {number: line.partition("#")[2].strip() for number, line in enumerate(source.splitlines(), 1)}
    found = [_parameter(node, helps, stage) for node in ast.parse(source).body]
    return {parameter.name: parameter for parameter in found}


def declared_in(path: Path) -> dict[str, Parameter]:
    """Read the parameters of a stage's notebook, as `declared` does."""
    return declared(json.loads(path.read_text(encoding="utf-8")), path.stem)


def merge(known: Mapping[str, Parameter], stage: str, layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the values for one run.

    Parameters
    ----------
    known : mapping
        The declared parameters by name.
    stage : str
        The stage, for the message of an error.
    layers : mapping
        Where -> name -> value; a later layer wins.

    Returns
    -------
    dict
        Name -> value; strings are converted to the declared type.

    Raises
    ------
    BadParameters
        Names the place, the parameter and what is known.
    """
    values: dict[str, Any] = {}
    for where, given in layers.items():
        for name, value in given.items():
            if name not in known:
                raise BadParameters(
                    f"stage {stage} has no parameter {ascii(name)[:60]} (from {where}); it has {', '.join(known)}"
                )
            values[name] = convert(known[name], value, f"stage {stage} (from {where})")
    return values


def convert(parameter: Parameter, value: Any, where: str) -> Any:
    """Convert a value to the type that the notebook declares.

    Parameters
    ----------
    parameter : Parameter
        The declaration.
    value : Any
        Of that type, or text to be read as it; an int does for a float.
    where : str
        Where the value comes from, for the error.

    Raises
    ------
    BadParameters
        The value does not fit.
    """
    expected = _TYPES[parameter.kind]
    if type(value) is expected or (expected is float and type(value) is int):
        return value
    message = f"{where}: parameter {parameter.name} is {ascii(value)[:80]}; expected {parameter.kind}"
    if not isinstance(value, str):
        raise BadParameters(message)
    try:
        return _from_text(parameter.kind, value)
    except (ValueError, KeyError):
        raise BadParameters(message) from None


def stage_file(folder: Path, stage: str) -> dict[str, Any]:
    """Read ``parameters/<stage>.yml``; empty when the stage has no file. Raises `BadParameters` if it is broken."""
    file = folder / f"{stage}.yml"
    if not file.exists():
        return {}
    try:
        document = from_yaml(file.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError) as error:
        raise BadParameters(f"cannot read {file.name}: {error}") from error
    if not isinstance(document, dict):
        raise BadParameters(f"{file.name}: expected `name: value` lines, found {type(document).__name__}")
    return document


def _parameter(node: ast.stmt, helps: Mapping[int, str], stage: str) -> Parameter:
    match node:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id=kind), value=value) if (
            kind in _TYPES and value is not None and _is_literal(value)
        ):
            return Parameter(name, kind, ast.literal_eval(value), helps.get(node.lineno, ""))
    raise BadParameters(
        f"stage {stage}, parameters cell, line {node.lineno}: expected `name: type = literal  # help` "
        f"with a type of {', '.join(_TYPES)}"
    )


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def _from_text(kind: str, text: str) -> Any:
    if kind == "bool":
        return _BOOLEANS[text.strip().lower()]
    if kind == "list":
        if text.strip().startswith("["):
            return from_json(text)
        return [part.strip() for part in text.split(",") if part.strip()]
    return _TYPES[kind](text)
