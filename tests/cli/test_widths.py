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
# Commands in turn, each behind a line of its own, in one process that has imported the libraries.
IN_TURN = """
import sys
from f1lib.cli.main import main
commands, options = sys.argv[1].split("; "), sys.argv[2:]
for command in commands:
    print("=====", flush=True)
    if status := main([*command.split(), *options]):
        sys.exit(f"{command}: {status}")
"""


def _parts(text: str, commands: list[str]) -> dict[str, list[str]]:
    """What each command wrote: its lines."""
    parts = [part.splitlines()[1:] for part in text.split("=====")[1:]]
    return dict(zip(commands, parts, strict=True))


def _on_a_terminal(commands: list[str], options: list[str], width: int) -> dict[str, list[str]]:
    """The lines that each command writes on a pseudo-terminal, without escape sequences."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    without = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    program = [sys.executable, "-c", IN_TURN, "; ".join(commands), *options]
    with subprocess.Popen(program, stdout=theirs, stderr=theirs, stdin=theirs, env=without | {"TERM": "xterm"}) as job:
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
    return _parts(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.decode()).replace("\r", ""), commands)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_number_is_cut_and_no_table_is_wider_than_the_terminal(weekend_lake: list[str], width: int) -> None:
    for command, lines in _on_a_terminal(COMMANDS, weekend_lake, width).items():
        assert lines, command
        assert not [line for line in lines if "…" in line], command
        rows = [line for line in lines if re.search(r"\S  \S", line)]
        assert not [line for line in rows if len(line.rstrip()) > width], command


# ASCII lacks every letter that the others lack.
ENCODED = {
    "ascii": [*COMMANDS, "predictions china --csv", "predictions china --json"],
    "latin-1": ["status", "predictions china"],
    "cp437": ["status", "predictions china"],
}


@pytest.mark.parametrize("encoding", list(ENCODED))
def test_a_console_that_lacks_letters_gets_others(weekend_lake: list[str], encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "80"}
    program = [sys.executable, "-c", IN_TURN, "; ".join(ENCODED[encoding]), *weekend_lake]
    said = subprocess.run(program, capture_output=True, env=environment)
    assert said.returncode == 0, said.stderr
    parts = _parts(said.stdout.decode(encoding), ENCODED[encoding])
    assert all(parts.values()), "each has written something"


@pytest.mark.parametrize(("when", "is_coloured"), [("always", True), ("never", False), ("auto", False)])
def test_colour_is_chosen_and_a_pipe_gets_none(
    weekend_lake: list[str], when: str, is_coloured: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predictions", "china", "--color", when, *weekend_lake]) == 0
    assert ("\x1b[" in capsys.readouterr().out) == is_coloured
