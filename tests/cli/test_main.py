"""`f1`: the parser, exit statuses, and what standard error says with and without ``--verbose``."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from f1lib.cli import main as command
from f1lib.cli import status
from f1lib.errors import AlreadyRunning, BadParameters, SourceError, StorageError


def _raise(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(arguments: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr(status, "run", run)


@pytest.mark.parametrize("name", command.COMMANDS)
def test_each_subcommand_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"f1lib.cli.{name}")
    assert name == module.NAME
    with pytest.raises(SystemExit) as stopped:
        command.main([name, "--help"])
    assert stopped.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert module.HELP in said
    assert "options everywhere" in said


def _options(parser: argparse.ArgumentParser, path: str) -> Iterator[tuple[str, argparse.Action]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield from _options(child, f"{path} {name}")
        else:
            yield f"{path} {'/'.join(action.option_strings) or action.dest}", action


def test_every_option_of_every_command_says_what_it_is() -> None:
    options = dict(_options(command.build_parser(), "f1"))
    assert {"f1 predictions --json", "f1 models show run_id", "f1 stage -p"} <= set(options)
    assert [name for name, action in options.items() if not action.help] == []


def test_the_help_and_a_wrong_name_list_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["runn"], ["runn", "status"]):
        with pytest.raises(SystemExit):
            command.main(arguments)
        said = "".join(capsys.readouterr())
        assert all(name in said for name in command.COMMANDS)


def test_a_subcommand_imports_no_other_one_s_module() -> None:
    program = (
        "import sys; from f1lib.cli.main import main\n"
        "try: main(['status', '--help'])\n"
        "except SystemExit: print([m for m in sys.modules if m.startswith('f1lib.cli.')])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "f1lib.cli.status" in said
    assert "f1lib.cli.replay" not in said


def test_common_options_may_stand_on_either_side_of_the_subcommand() -> None:
    parser = command.build_parser()
    before = parser.parse_args(["--lake", "here", "-v", "status"])
    after = parser.parse_args(["status", "--lake", "here", "--verbose"])
    assert vars(before) == vars(after)
    assert parser.parse_args(["status", "-vv"]).verbose == 2


def test_an_error_of_ours_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _raise(monkeypatch, StorageError("the lake is dry"))
    assert command.main(["status"]) == 1
    assert capsys.readouterr().err == "f1: the lake is dry\n"


def test_an_unexpected_error_is_named_and_verbose_shows_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _raise(monkeypatch, KeyError("wheel"))
    assert command.main(["status"]) == 1
    assert capsys.readouterr().err == "f1: unexpected KeyError: 'wheel' (--verbose shows where)\n"
    assert command.main(["status", "--verbose"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.endswith("f1: unexpected KeyError: 'wheel' (--verbose shows where)\n")


def test_an_interrupted_command_exits_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _raise(monkeypatch, KeyboardInterrupt())
    assert command.main(["status"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_verbose_logs_each_thing_once_and_only_while_it_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["stage", "schedule", "--source", "simulated", "--lake", str(tmp_path / "lake"), "--now", "2024-03-01"]
    for number, (flags, lines) in enumerate([([], 0), (["-v"], 1), (["-v"], 1), ([], 0)]):
        assert command.main([*words, *flags]) == 0, number
        assert capsys.readouterr().err.count("INFO f1lib.pipeline.tick: 00_schedule finished in") == lines


def test_twice_verbose_logs_the_files_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["stage", "schedule", "--source", "simulated", "--lake", str(tmp_path / "lake"), "--now", "2024-03-01"]
    assert command.main([*words, "-vv"]) == 0
    assert "DEBUG f1lib.lake.store: wrote lake.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StorageError("x"), 1),
        (SourceError("x"), 1),
        (KeyError("x"), 1),
        (BadParameters("x"), 2),
        (AlreadyRunning("x"), 3),
    ],
)
def test_the_exit_status_tells_failure_bad_use_and_somebody_else_apart(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _raise(monkeypatch, error)
    assert command.main(["status"]) == status


def test_completion_is_a_script_that_bash_takes_and_that_knows_every_subcommand() -> None:
    script = subprocess.run(
        [sys.executable, "-m", "f1lib", "--completion", "bash"], capture_output=True, text=True, check=True
    )
    asked = f"{script.stdout}\nCOMP_WORDS=(f1 ''); COMP_CWORD=1; _shtab_f1 f1 '' f1; echo \"${{COMPREPLY[@]}}\""
    said = subprocess.run(["bash", "--norc", "-c", asked], capture_output=True, text=True, check=True)
    assert set(command.COMMANDS) <= set(said.stdout.split())


def test_an_option_cut_short_is_refused_and_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        command.main(["run", "--source", "simulated", "--lak", "x"])
    assert stopped.value.code == 2
    assert "unrecognized arguments: --lak x" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
