"""What the documents say is there: links and anchors, files and modules named, subcommands and their examples."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import f1lib
from f1lib.cli.main import build_parser

ROOT = Path(__file__).resolve().parents[2]
README_LINES = 150
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.S | re.M)
INDENTED = re.compile(r"^ {4}(?!\s)(.+)$", re.M)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
IN_BACKTICKS = re.compile(r"`([^`\n]+)`")
# A path of the project: it begins with one of its folders and names no part by a placeholder or pattern.
FOLDERS = ("f1lib", "tests", "docs", "notebooks", "parameters", "lambda_runner", "benchmarks", ".github", ".ci")
PATH = re.compile(rf"(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*")
DOTTED = re.compile(r"f1lib(?:\.\w+)+")
# What stands for a value in a synopsis, such as EVENT in `f1 predictions EVENT`.
BROKEN_OFF = re.compile(r"\.\.\.|\[|\|")


@cache
def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    assert listed.returncode == 0, listed.stderr
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file()]


def _pages() -> list[Path]:
    return [path for path in _tracked() if path.suffix == ".md"]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _prose(text: str) -> str:
    """A page without its fenced blocks, in which nothing is a link."""
    return FENCED.sub("", text)


def _anchors(text: str) -> set[str]:
    """What GitHub makes of a page's headings: lower case, no punctuation, blanks as hyphens, repeats numbered."""
    found: dict[str, int] = {}
    anchors = set()
    for heading in re.findall(r"^#+ +(.+?) *$", _prose(text), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = found.get(anchor, 0)
        found[anchor] = number + 1
        anchors.add(f"{anchor}-{number}" if number else anchor)
    return anchors


def _broken_links(page: Path, text: str) -> list[str]:
    broken = []
    for target in LINK.findall(_prose(text)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        if not there.exists() or (anchor and anchor not in _anchors(text if not file else there.read_text("utf-8"))):
            broken.append(f"{_name(page)}: {target}")
    return broken


def _named(text: str) -> list[str]:
    """Paths and dotted names of the project that stand in backticks."""
    found = []
    for span in IN_BACKTICKS.findall(_prose(text)):
        found += [match for match in (PATH.fullmatch(span), DOTTED.fullmatch(span)) if match]
    return [match[0] for match in found]


def _is_there(name: str) -> bool:
    """Whether a file or folder exists, or a dotted name is a module of f1lib or something a module defines."""
    if "/" in name:
        return (ROOT / name).exists()
    parts = name.split(".")
    if parts[1] in f1lib.__all__:
        return True
    for length in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:length])
        file = base.with_suffix(".py") if base.with_suffix(".py").is_file() else base / "__init__.py"
        if file.is_file():
            return _defines(ast.parse(file.read_text("utf-8")), parts[length:])
    return False


def _defines(tree: ast.AST, rest: list[str]) -> bool:
    """Whether the path of names ``rest`` leads from a module through its classes and functions."""
    node = tree
    for name in rest:
        inner = {
            n.name: n
            for n in getattr(node, "body", [])
            if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        }
        if name not in inner:
            return False
        node = inner[name]
    return True


def _commands(text: str) -> Iterator[list[str]]:
    """Every example ``f1 ...`` of a page: in fenced and indented blocks, and in backticks where it is whole."""
    blocks = [body for kind, body in FENCED.findall(text) if kind in ("", "bash", "sh", "console")]
    lines = [line for body in blocks for line in body.splitlines()] + INDENTED.findall(_prose(text))
    lines += [span for span in IN_BACKTICKS.findall(_prose(text)) if not BROKEN_OFF.search(span)]
    for line in lines:
        match = re.match(r"(?:\$ )?(?:\.venv/bin/)?f1 (\S.*)$", line.strip())
        if match and not match[1].startswith("COMMAND"):
            yield shlex.split(match[1], comments=True)


def _refusal(words: list[str]) -> str:
    """Why the real parser refuses ``words``; empty when it takes them, or when they only name a subcommand."""
    try:
        build_parser().parse_args(words)
    except SystemExit as stopped:
        return "" if (len(words) == 1 and words[0] in _subcommands()) or not stopped.code else " ".join(words)
    return ""


def _subcommands() -> list[str]:
    (action,) = [a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return sorted(action.choices)


every = pytest.mark.parametrize("page", _pages(), ids=_name)
# A changelog speaks of the past, of names that have changed since.
of_today = pytest.mark.parametrize("page", [page for page in _pages() if page.name != "CHANGELOG.md"], ids=_name)


@every
def test_every_link_leads_somewhere(page: Path) -> None:
    assert not _broken_links(page, page.read_text("utf-8"))


@of_today
def test_every_file_and_module_that_is_named_exists(page: Path) -> None:
    missing = [name for name in _named(page.read_text("utf-8")) if not _is_there(name)]
    assert not missing


@of_today
def test_every_example_of_the_command_is_understood_by_its_parser(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = [why for words in _commands(page.read_text("utf-8")) if (why := _refusal(words))]
    assert not refused, capsys.readouterr().err


def test_every_subcommand_has_a_section_and_every_section_is_a_subcommand() -> None:
    text = (ROOT / "docs" / "command.md").read_text("utf-8")
    assert sorted(re.findall(r"^## `f1 (\w+)`$", text, re.M)) == _subcommands()


def test_the_readme_fits_on_a_few_screens() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < README_LINES


def test_every_page_of_the_documentation_is_listed_in_its_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages == set(LINK.findall(index)) - {"../CONTRIBUTING.md"}
    trees = re.findall(r"^```{toctree}\n(.*?)^```", (ROOT / "docs" / "index.md").read_text("utf-8"), re.S | re.M)
    names = [
        re.sub(r".*<(.+)>", r"\1", line) for tree in trees for line in tree.splitlines() if line[:1] not in (":", "")
    ]
    assert sorted(names) == sorted(page.removesuffix(".md") for page in pages - {"index.md"})


def test_documents_named_in_code_and_notebooks_exist() -> None:
    named = {
        f"{_name(path)}: {name}"
        for path in _tracked()
        if path.suffix in (".py", ".sql", ".yml", ".yaml", ".ipynb", ".toml") and path != Path(__file__)
        for name in re.findall(
            r"\b(?:docs/\w+|README|CHANGELOG|CONTRIBUTING|[A-Z_]{4,})\.md\b", path.read_text("utf-8")
        )
        if not (ROOT / name).is_file()
    }
    assert not named


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[a](no-such-file.md)", True),
        ("[a](docs/lake.md#keys)", False),
        ("[a](docs/lake.md#no-such-heading)", True),
        ("# A heading, with `code`\n[a](#a-heading-with-code)", False),
        ("[a](https://example.org/page)", False),
        ("```\n[a](no-such-file.md)\n```", False),
    ],
)
def test_the_scan_itself_finds_a_broken_link(text: str, broken: bool) -> None:
    assert bool(_broken_links(ROOT / "README.md", text)) == broken


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("f1lib/lake/paths.py", True),
        ("f1lib/lake/no_such.py", False),
        ("f1lib.lake.store", True),
        ("f1lib.lake.store.LocalStore.read", True),
        ("f1lib.lake.store.LocalStore.no_such", False),
        ("f1lib.no_such", False),
    ],
)
def test_the_scan_itself_finds_a_name_that_is_not_there(name: str, there: bool) -> None:
    assert _named(f"see `{name}`") == [name]
    assert _is_there(name) == there


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("    f1 backtest --from 2019 --to 2025", False),
        ("```\nf1 backtest --since 2019\n```", True),
        ("```\n$ .venv/bin/f1 run --lake x  # fills it\n```", False),
        ("say `f1 no-such-command x`", True),
        ("say `f1 replay --season ...`", False),
    ],
)
def test_the_scan_itself_finds_an_example_that_does_not_parse(text: str, refused: bool) -> None:
    assert any(_refusal(words) for words in _commands(text)) == refused
