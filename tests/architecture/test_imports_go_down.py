"""Law 1 (imports go down the table of packages, stages never meet, no circles) and law 2 (AWS behind two packages)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

# Low to high; the table of docs/architecture.md. A package imports only packages of earlier floors and itself.
FLOORS = (
    {"errors"},
    {"domain"},
    {"scoring"},
    {"lake"},
    {"tracking"},
    {"sources"},
    {"workspace"},
    {"bronze", "silver", "gold", "model"},
    {"predictions"},
    {"evaluation"},
    {"api"},
    {"report"},
    {"pipeline"},
    {"aws"},
    {"cli"},
)
# They load what is asked for: the package itself, what `f1lib.api` offers.
TOP = {"f1lib", "f1lib.__main__"}
STAGES = {"bronze", "silver", "gold", "model"}
# Directly in f1lib: the package, the command, the exceptions, and what a stage notebook imports.
FACE = {"f1lib", "f1lib.__main__", "f1lib.errors", "f1lib.stage"}
AWS_LIBRARIES = {"boto3", "botocore", "s3fs", "aiobotocore"}
AWS_PACKAGES = {"lake", "tracking"}


def package_of(module: str) -> str:
    """The package of ``f1lib.<package>...``; ``errors`` and the other faces are packages of their own."""
    return module.split(".")[1] if "." in module else ""


def floor_of(module: str) -> int:
    """The floor of a module; the faces that are not on the table stand under everything but ``errors``."""
    package = package_of(module)
    for number, floor in enumerate(FLOORS):
        if package in floor:
            return number
    assert module in FACE, f"{module} stands in no package of the table: give it one, or add its package to FLOORS"
    return len(FLOORS) if module in TOP else 0


def imported(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Modules imported anywhere in ``tree``, inside functions and for types too, with the node that imports them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def edges(modules: Iterable[Any]) -> dict[str, set[str]]:
    """Module -> the f1lib modules it imports, for types too."""
    modules = list(modules)
    known = {m.name for m in modules}
    graph: dict[str, set[str]] = {}
    for module in modules:
        names = {name for name, _ in imported(module.tree) if name.split(".")[0] == "f1lib"}
        found = {name if name in known else name.rpartition(".")[0] for name in names}
        graph[module.name] = {name for name in found if name in known} - {module.name, "f1lib"}
    return graph


def upward(graph: Mapping[str, set[str]]) -> list[str]:
    """Imports of a higher floor, or of another package of the same one: where stages import each other."""
    return [
        f"{name} imports {target}"
        for name, targets in graph.items()
        for target in sorted(targets)
        if name not in FACE - {"f1lib.errors"}
        and package_of(name) != package_of(target)
        and floor_of(target) >= floor_of(name)
    ]


def circular(graph: Mapping[str, set[str]]) -> list[str]:
    """The nodes that can be reached from themselves."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for target in graph.get(todo.pop(), set()) - seen:
                seen.add(target)
                todo.append(target)
        return seen

    return sorted(name for name in graph if name in reached(name))


class _Planted:
    """A module made up for a test of the test."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.tree = name, ast.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "from f1lib.gold.build import compute",
        "import f1lib.model.train",
        "def f():\n    from f1lib.bronze import ingest",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from f1lib.gold.build import Seen",
    ],
)
def test_a_stage_that_imports_a_stage_is_found(modules: list[Any], text: str) -> None:
    planted = _Planted("f1lib.silver.planted", text)
    assert upward(edges([*modules, planted]))


def test_an_import_of_a_higher_package_is_found(modules: list[Any]) -> None:
    planted = _Planted("f1lib.lake.planted", "from f1lib.workspace.workspace import Workspace")
    assert upward(edges([*modules, planted]))


def test_a_circle_that_is_closed_by_a_type_alone_is_found() -> None:
    one = _Planted("f1lib.lake.one", "from f1lib.lake.two import B")
    two = _Planted("f1lib.lake.two", "if TYPE_CHECKING:\n    from f1lib.lake.one import A")
    assert circular(edges([one, two])) == ["f1lib.lake.one", "f1lib.lake.two"]


def test_every_import_goes_to_the_same_package_or_a_lower_one(modules: list[Any]) -> None:
    assert not upward(edges(modules))


def test_no_two_modules_import_each_other_by_any_way_round(modules: list[Any]) -> None:
    assert not circular(edges(modules))


def test_no_two_packages_import_each_other_by_any_way_round(modules: list[Any]) -> None:
    graph: dict[str, set[str]] = {}
    for name, targets in edges(modules).items():
        if name not in FACE:
            others = {package_of(target) for target in targets} - {package_of(name)}
            graph.setdefault(package_of(name), set()).update(others)
    assert not circular(graph)


def test_nothing_stands_directly_in_f1lib_but_its_face(modules: list[Any]) -> None:
    packages = {m.name for m in modules if m.path.name == "__init__.py"}
    flat = {m.name for m in modules if m.name.count(".") <= 1} - packages
    assert flat == FACE - {"f1lib"}


def test_every_package_of_the_table_is_there_and_says_what_lives_in_it(modules: list[Any]) -> None:
    rooms = {m.name: ast.get_docstring(m.tree) for m in modules if m.path.name == "__init__.py"}
    expected = {f"f1lib.{package}" for floor in FLOORS for package in floor} - {"f1lib.errors"}
    assert expected <= set(rooms)
    assert not [name for name, text in rooms.items() if not text]


def test_no_import_is_relative(shipped: list[Any]) -> None:
    relative = [
        f"{m.path.name}:{node.lineno}"
        for m in shipped
        for node in ast.walk(m.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


def test_sources_know_neither_where_answers_are_kept_nor_who_tracks_them(modules: list[Any]) -> None:
    """An upstream turns answers into frames; where they are kept is not its business."""
    reaching = [
        f"{name} imports {target}"
        for name, targets in edges(modules).items()
        if name.startswith("f1lib.sources.")
        for target in targets
        if target in {"f1lib.lake.store", "f1lib.lake.s3"} or package_of(target) == "tracking"
    ]
    assert not reaching


def test_boto3_is_imported_by_lake_and_tracking_only_and_inside_functions(shipped: list[Any]) -> None:
    wrong = []
    for module in shipped:
        at_top = {id(stmt) for stmt in module.tree.body}
        for name, node in imported(module.tree):
            if name.split(".")[0] in AWS_LIBRARIES and (
                package_of(module.name) not in AWS_PACKAGES or id(node) in at_top
            ):
                wrong.append(f"{module.path.name}:{node.lineno} imports {name}")  # type: ignore[attr-defined]
    assert not wrong


def _hashing(modules: Iterable[Any]) -> list[str]:
    return [m.name for m in modules for name, _ in imported(m.tree) if name.split(".")[0] in {"hashlib", "_hashlib"}]


def test_an_import_of_hashlib_is_found() -> None:
    planted = [_Planted("f1lib.a", "import hashlib"), _Planted("f1lib.b", "def f():\n    from hashlib import sha256")]
    assert _hashing(planted) == ["f1lib.a", "f1lib.b"]


def test_one_module_hashes(shipped: list[Any]) -> None:
    assert _hashing(shipped) == ["f1lib.lake.fingerprint"]
