"""What the subcommands print with: cells are text, never markup."""

from __future__ import annotations

import pytest

from f1lib.cli import output


def test_a_table_shows_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(["driver", "laps"], [["[red]Max[/red]", 57]], right=["laps"], title="[b]Race[/b]")
    said = capsys.readouterr().out
    assert "[b]Race[/b]" in said
    assert "│ [red]Max[/red] │   57 │" in said


def test_scores_have_the_metrics_any_row_has_and_leave_a_missing_one_empty(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_scores("two", [{"system": "a", "rps": 0.1}, {"system": "b", "mae": 2.0, "rps": None}], ("system",))
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "┃ system ┃ mae ┃ rps ┃" in said
    assert "│ a │ │ 0.1000 │" in said
    assert "│ b │ 2.0000 │ │" in said


def test_a_progress_display_gives_way_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert not output.bar().disable
    with caplog.at_level("INFO", logger="f1lib"):
        assert output.bar().disable
