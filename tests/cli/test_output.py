"""What the subcommands print with: cells are text, never markup."""

from __future__ import annotations

import ast
import csv
import io
import json
import logging
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.cli import output
from f1lib.cli.main import main
from f1lib.errors import F1LibError


def test_a_table_shows_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(["driver", "laps"], [["[red]Max[/red]", 57]], right=["laps"], title="[b]Race[/b]")
    said = capsys.readouterr().out
    assert "[b]Race[/b]" in said
    assert "\n[red]Max[/red]    57\n" in said


def test_scores_have_the_metrics_any_row_has_and_leave_a_missing_one_empty(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_scores("two", [{"system": "a", "rps": 0.1}, {"system": "b", "mae": 2.0, "rps": None}], ("system",))
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "system mae rps" in said
    assert "a 0.1000" in said
    assert "b 2.0000" in said


def test_a_progress_display_gives_way_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert not output.bar().disable
    with caplog.at_level("INFO", logger="f1lib"):
        assert output.bar().disable


EVIL = "\x1b[2J\x1b]0;title\x07Max\r\x08\x9b31m\u202eevil\x00"


def harmless(said: str) -> bool:
    """Whether nothing in a text moves a terminal's cursor, hides or turns letters."""
    return all(c.isprintable() or c in "\n\t\xa0" for c in said)


def test_no_control_character_of_a_name_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table([EVIL, "b"], [[EVIL, 1]], title=EVIL, caption=EVIL)
    output.print_line(EVIL)
    output.print_plain(EVIL)
    output.print_json({"name": EVIL})
    output.print_csv(pd.DataFrame({"name": [EVIL]}))
    said = capsys.readouterr().out
    assert harmless(said)
    assert said.count("Max") == 8


def test_nor_does_one_of_an_error_or_of_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        logging.getLogger("f1lib.test").info("read %s", EVIL)
        raise F1LibError(f"no driver {EVIL}")

    monkeypatch.setattr("f1lib.cli.status.workspace_of", fail)
    assert main(["status", "--verbose"]) == 1
    said = capsys.readouterr().err
    assert harmless(said)
    assert "f1: no driver \ufffd[2J" in said
    assert "f1lib.test: read \ufffd[2J" in said


@given(st.text())
def test_what_is_shown_is_harmless_and_keeps_every_letter(text: str) -> None:
    shown = output.visible(text)
    assert harmless(shown)
    assert len(shown) == len(text)
    assert all(a == b or (b == "\ufffd" and not harmless(a)) for a, b in zip(text, shown, strict=True))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0"])
def test_a_spreadsheet_takes_no_name_for_a_formula(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.print_csv(pd.DataFrame({"name": [text, "Max"], "gap": [-0.5, 2.0], "n": [-1, 3]}))
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[1][0].startswith("'")
    assert rows[1][1:] == ["-0.5", "-1"]
    assert rows[-1] == ["Max", "2.0", "3"]


def test_the_command_prints_nothing_past_these_functions() -> None:
    folder = Path(str(output.__file__)).parent
    calls = [
        (file.name, ast.unparse(node))
        for file in sorted(folder.glob("*.py"))
        if file.name != "output.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]
    assert [name for name, _ in calls] == ["main.py", "main.py"], calls  # the interruption, and the version


@pytest.mark.parametrize(("text", "shown"), [("Hülkenberg São Paulo", "Hulkenberg Sao Paulo"), ("周 …", "? ...")])
def test_a_letter_that_a_console_lacks_loses_its_accent_or_is_a_mark(
    text: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    output.plain_letters()
    output.print_plain(text)
    output.print_json({"name": text})
    stream.flush()
    lines = stream.buffer.getvalue().decode().splitlines()
    assert lines[0] == shown
    assert json.loads("".join(lines[1:])) == {"name": text}
