"""Tables on terminals of any width: no cell is cut, abbreviations come before fewer columns."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from f1lib.cli import output
from f1lib.cli.layout import GAP, Column, fitted

words = st.text(alphabet="abcdefgh 0123456789.%", max_size=14)
columns = st.lists(
    st.builds(Column, words, words, right=st.booleans(), wraps=st.booleans(), rank=st.integers(0, 5)),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(columns, st.data(), st.integers(1, 150))
def test_what_is_always_shown_is_shown_whole_and_the_table_fits_where_anything_would(
    all_columns: list[Column], data: st.DataObject, width: int
) -> None:
    row = st.lists(st.tuples(words, words), min_size=len(all_columns), max_size=len(all_columns))
    rows = data.draw(st.lists(row, min_size=1, max_size=4))
    laid = fitted(all_columns, rows, width)
    assert [c for c in all_columns if not c.rank] == [c for c in laid.columns if not c.rank]
    for place, column in enumerate(laid.columns):
        if not column.wraps:
            cells = [laid.headings[place], *(line[place] for line in laid.rows)]
            assert laid.widths[place] == max(map(len, cells))
    least = fitted(all_columns, rows, 1)
    assert laid.width <= max(width, least.width)


def test_abbreviations_come_first_and_the_highest_rank_goes_next() -> None:
    head = [Column("driver"), Column("P(podium)", "podium", right=True, rank=1), Column("team", rank=2)]
    rows = [[("Max Verstappen", "VER"), ("85.5 %", "85.5 %"), ("Red Bull", "Red Bull")]]
    whole = fitted(head, rows, 100)
    assert (whole.rows, whole.left_out) == ([["Max Verstappen", "85.5 %", "Red Bull"]], [])
    short = fitted(head, rows, len("driver") + len("podium") + len("Red Bull") + 2 * GAP)
    assert (short.rows, short.left_out) == ([["VER", "85.5 %", "Red Bull"]], [])
    assert short.headings == ["driver", "podium", "team"]
    fewer = fitted(head, rows, short.width - 1)
    assert (fewer.rows, fewer.left_out) == ([["VER", "85.5 %"]], ["team"])


def test_sentences_share_what_the_others_leave() -> None:
    head = [Column("run"), Column("why", wraps=True)]
    laid = fitted(head, [[("r1", "r1"), ("word " * 20, "word " * 20)]], 60)
    assert laid.width == 60


@pytest.mark.parametrize("width", [20, 60, 80, 120])
def test_a_number_is_printed_whole_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rows = [{"horizon": "post_qualifying", "system": "grid_slot_table"} | dict.fromkeys(output.SCORING_METRICS, 1.2345)]
    output.print_scores("all", rows, ("horizon", "system"))
    said = capsys.readouterr().out
    assert "…" not in said
    figures = [word for word in said.split() if word[:1].isdigit() and word != "10"]  # of the heading top 10
    assert figures
    assert set(figures) == {"1.2345"}
    assert width < 120 or "not shown" not in said


def test_a_pipe_gets_every_column(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("COLUMNS")
    output.print_table([Column(f"column {n}", rank=n) for n in range(60)], [[f"value {n}" for n in range(60)]])
    assert "value 59" in capsys.readouterr().out
