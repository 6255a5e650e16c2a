"""Pictures carry what the frame says, in words too, and follow the page's colours."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from importlib import resources
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.lake.cache import Cache
from f1lib.report.figures import drawn_once, race, style
from f1lib.report.figures import season as figures_season
from f1lib.report.figures.style import Picture
from tests.support.made_up_predictions import accuracy_entries, prediction_frame


def _drawn() -> dict[str, Picture]:
    prediction, entries = prediction_frame(), accuracy_entries()
    one = entries[entries["horizon"] == "pre_weekend"]
    history = pd.concat([prediction_frame(horizon="pre_weekend"), prediction], ignore_index=True)
    result = prediction.assign(finishing_position=range(10, 0, -1), surprise=0.05)
    bins = {"p_win": [{"predicted": 0.1, "observed": 0.2, "low": 0.1, "high": 0.3, "n": 9}]}
    return {
        "order": race.order(prediction),
        "matrix": race.matrix(prediction),
        "reasons": race.reasons("A Driver", [("grid", -2.5), ("form", 0.4)]),
        "scores": figures_season.season_scores(one, "mae", "MAE"),
        "lead": figures_season.cumulative(one, "mae", "MAE", "grid_slot_table"),
        "calibration": figures_season.calibration(bins),
        "moves": figures_season.moves(history),
        "outcome": figures_season.outcome(result),
        "importance": figures_season.importance([("grid", 0.5), ("form", 0.2)], "weight", "importance"),
    }


@pytest.fixture(scope="module")
def drawn() -> dict[str, Picture]:
    return _drawn()


def test_every_picture_is_well_formed_and_says_in_words_what_it_shows(drawn: dict[str, Picture]) -> None:
    for name, picture in drawn.items():
        root = ET.fromstring(picture.svg)
        assert root.attrib["role"] == "img", name
        assert root.attrib["aria-label"] == picture.alt, name
        assert len(picture.alt) > 20, name


def test_a_prediction_that_differs_in_anything_shown_is_drawn_anew() -> None:
    prediction = prediction_frame()
    renamed = prediction.assign(full_name="Somebody Else")
    nearer = prediction.assign(position_p10=prediction["position_p10"] + 0.5)
    cache = Cache()
    first = drawn_once(race.order, prediction, cache)
    assert drawn_once(race.order, prediction.copy(), cache) is first
    assert "Somebody Else" in drawn_once(race.order, renamed, cache).alt
    assert drawn_once(race.order, nearer, cache).svg != first.svg
    assert drawn_once(race.matrix, nearer, cache) == race.matrix(nearer)


def test_every_race_and_each_of_its_pictures_is_held_by_itself() -> None:
    cache, one, other = Cache(), prediction_frame(), prediction_frame().assign(event_name="Another Grand Prix")
    pictures = [drawn_once(draw, frame, cache) for draw in (race.order, race.matrix) for frame in (one, other)]
    again = [drawn_once(draw, frame, cache) for draw in (race.order, race.matrix) for frame in (one, other)]
    assert all(picture is before for picture, before in zip(again, pictures, strict=True))


def test_two_pictures_of_one_page_share_no_id(drawn: dict[str, Picture]) -> None:
    seen: set[str] = set()
    for picture in drawn.values():
        ids = set(re.findall(r'\bid="([^"]+)"', picture.svg))
        assert not ids & seen
        seen |= ids


def test_text_takes_the_pages_colour_and_no_placeholder_is_left(drawn: dict[str, Picture]) -> None:
    for name, picture in drawn.items():
        assert "currentColor" in picture.svg, name
        assert not [c for c in (style.INK, style.FAINT, style.FILL, style.ON_FILL) if c in picture.svg], name


def test_the_same_prediction_is_drawn_to_the_same_bytes() -> None:
    first, second = _drawn(), _drawn()
    assert first["order"] is not second["order"]  # it was drawn twice
    assert {name: p.svg for name, p in first.items()} == {name: p.svg for name, p in second.items()}


def test_drawing_leaves_the_prediction_as_it_was() -> None:
    prediction = prediction_frame().sample(frac=1, random_state=3)
    before = prediction.copy(deep=True)
    race.order(prediction)
    race.matrix(prediction)
    pd.testing.assert_frame_equal(prediction, before)


def test_a_name_from_upstream_is_text_in_a_picture() -> None:
    prediction = prediction_frame().assign(full_name="<script>alert(1)</script>", abbreviation='<b "x">')
    picture = race.order(prediction)
    assert "<script" not in picture.svg
    assert ET.fromstring(picture.svg) is not None


def test_a_driver_without_letters_is_named_by_the_start_of_his_name() -> None:
    picture = race.order(prediction_frame().assign(abbreviation=pd.NA))
    assert "DRI" in picture.svg


def test_the_order_reads_from_the_first_rank_down(drawn: dict[str, Picture]) -> None:
    labels = re.findall(r">\s*(\d+ {1,2}D\d\d)<", drawn["order"].svg)
    assert [label.split()[0] for label in labels] == [str(i) for i in range(1, 11)]
    assert labels[0].endswith("D00")


def test_the_heat_map_writes_the_chances_it_has_room_for() -> None:
    prediction = prediction_frame()
    svg = race.matrix(prediction).svg
    written = sum(1 for row in prediction["position_probabilities"] for share in row if share >= 0.095)
    ticks = 3  # 1, 5 and 10 below the map
    assert len(re.findall(r">(\d+)</text>", svg)) == written + ticks


def test_teams_without_a_livery_get_colours_of_their_own() -> None:
    colours = style.team_colours(["ferrari", "new-a", "new-b", "ferrari"])
    assert colours["ferrari"] == style.TEAM_COLOURS["ferrari"]
    assert colours["new-a"] != colours["new-b"]


def test_a_surprise_is_named_in_the_words_of_the_outcome(drawn: dict[str, Picture]) -> None:
    assert "Driver Number 0 1 to 10" in drawn["outcome"].alt


def test_pointing_at_a_race_shows_its_score(drawn: dict[str, Picture]) -> None:
    assert re.search(r"<title>Race 00 Grand Prix, model: \d\.\d\d</title>", drawn["scores"].svg)


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


def test_only_a_wide_picture_scrolls_on_a_phone(drawn: dict[str, Picture]) -> None:
    entries = accuracy_entries(24)
    season = figures_season.season_scores(entries[entries["horizon"] == "pre_weekend"], "mae", "MAE")
    assert 'class="wide"' in season.svg
    assert [name for name, picture in drawn.items() if 'class="wide"' in picture.svg] == ["importance"]
