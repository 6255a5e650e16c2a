"""Colours, letters and sizes that all pictures share."""

from __future__ import annotations

import json
from importlib import resources
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.report.figures import style


def test_teams_without_a_livery_get_colours_of_their_own() -> None:
    colours = style.team_colours(["ferrari", "new-a", "new-b", "ferrari"])
    assert colours["ferrari"] == style.TEAM_COLOURS["ferrari"]
    assert colours["new-a"] != colours["new-b"]


def _luminance(colour: str) -> float:
    """WCAG's relative luminance of ``#rrggbb``."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _on_dark(colour: str) -> float:
    """Contrast with the surface of a dark page."""
    return (_luminance(colour) + 0.05) / (_luminance("#171c23") + 0.05)


def test_the_teams_of_2026_have_fastf1s_colours_where_a_dark_page_lets_them_be_seen() -> None:
    text = resources.files("fastf1.plotting").joinpath("constants.json").read_text("utf-8")
    teams = json.loads(text)["2026"]["teams"]
    assert len(teams) == 11
    for name, team in teams.items():
        ours, theirs = style.TEAM_COLOURS[name.replace(" ", "-")], team["colors"]
        assert ours == theirs["fastf1"] or (_on_dark(theirs["fastf1"]) < 3 and _on_dark(ours) >= 3), name


def test_every_livery_can_be_seen_on_a_dark_page() -> None:
    faint = {team: _on_dark(colour) for team, colour in style.TEAM_COLOURS.items()}
    assert {team: ratio for team, ratio in faint.items() if ratio < 2.0} == {}


@given(st.lists(st.floats(-50, 50), max_size=22), st.floats(0.01, 3.0))
def test_letters_at_the_ends_of_lines_keep_apart_and_in_order(heights: list[float], gap: float) -> None:
    ends = [(f"D{i:02d}", height) for i, height in enumerate(heights)]
    placed = style.spread(ends, gap)
    assert sorted(letters for letters, _ in placed) == [letters for letters, _ in ends]
    ys = [y for _, y in placed]
    assert all(b - a >= gap * (1 - 1e-9) - 1e-9 for a, b in pairwise(ys))
    before = dict(ends)
    assert [before[letters] for letters, _ in placed] == sorted(heights)
    assert sum(ys) == pytest.approx(sum(heights), abs=1e-6)
