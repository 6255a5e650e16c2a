"""What people see: commands that print tables, on terminals of several widths and on consoles that lack letters."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from f1lib.cli.main import main

COMMANDS = [
    "status",
    "predictions china",
    "predictions china --session sprint",
    "models list",
    "status --conflicts",
    "doctor",
    "championship",
    "run",
]
F1 = [sys.executable, "-m", "f1lib"]


def _on_a_terminal(words: list[str], width: int) -> list[str]:
    """The lines that a command writes on a pseudo-terminal, without escape sequences."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    without = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    with subprocess.Popen(
        [*F1, *words], stdout=theirs, stderr=theirs, stdin=theirs, env=without | {"TERM": "xterm"}
    ) as job:
        os.close(theirs)
        written = b""
        try:
            while piece := os.read(ours, 65536):
                written += piece
        except OSError as error:
            if error.errno != errno.EIO:  # the other end is closed, as Linux says it
                raise
    os.close(ours)
    assert job.returncode == 0, written.decode()
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.decode()).replace("\r", "").splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_number_is_cut_and_no_table_is_wider_than_the_terminal(
    weekend_lake: list[str], command: str, width: int
) -> None:
    lines = _on_a_terminal([*command.split(), *weekend_lake], width)
    assert lines
    assert not [line for line in lines if "…" in line]
    rows = [line for line in lines if re.search(r"\S  \S", line)]
    assert not [line for line in rows if len(line.rstrip()) > width]


# ASCII lacks every letter that the others lack.
ON_ASCII = [(command, "ascii") for command in (*COMMANDS, "predictions china --csv", "predictions china --json")]
ON_OTHERS = [(command, encoding) for command in ("status", "predictions china") for encoding in ("latin-1", "cp437")]


@pytest.mark.parametrize(("command", "encoding"), [*ON_ASCII, *ON_OTHERS])
def test_a_console_that_lacks_letters_gets_others(weekend_lake: list[str], command: str, encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "80"}
    said = subprocess.run([*F1, *command.split(), *weekend_lake], capture_output=True, env=environment)
    assert said.returncode == 0, said.stderr
    said.stdout.decode(encoding)


@pytest.mark.parametrize(("when", "is_coloured"), [("always", True), ("never", False), ("auto", False)])
def test_colour_is_chosen_and_a_pipe_gets_none(
    weekend_lake: list[str], when: str, is_coloured: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predictions", "china", "--color", when, *weekend_lake]) == 0
    assert ("\x1b[" in capsys.readouterr().out) == is_coloured
