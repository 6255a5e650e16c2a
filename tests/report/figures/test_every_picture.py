"""Pictures carry what the frame says, in words too, and follow the page's colours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from f1lib.report.figures import season as figures_season
from f1lib.report.figures import style
from f1lib.report.figures.style import Picture
from tests.support.made_up_predictions import accuracy_entries
from tests.support.pictures import every_picture


@pytest.fixture(scope="module")
def drawn() -> dict[str, Picture]:
    return every_picture()


def test_every_picture_is_well_formed_and_says_in_words_what_it_shows(drawn: dict[str, Picture]) -> None:
    for name, picture in drawn.items():
        root = ET.fromstring(picture.svg)
        assert root.attrib["role"] == "img", name
        assert root.attrib["aria-label"] == picture.alt, name
        assert len(picture.alt) > 20, name


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


def test_every_picture_is_drawn_to_the_same_bytes_by_another_process(root: Path, drawn: dict[str, Picture]) -> None:
    """Nothing of a first drawing is left there, and sets come in another order."""
    there = os.environ | {"PYTHONHASHSEED": "7"}
    command = [sys.executable, "-m", "tests.support.pictures"]
    done = subprocess.run(command, cwd=root, env=there, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {name: picture.svg for name, picture in drawn.items()}


def test_the_order_reads_from_the_first_rank_down(drawn: dict[str, Picture]) -> None:
    labels = re.findall(r">\s*(\d+ {1,2}D\d\d)<", drawn["order"].svg)
    assert [label.split()[0] for label in labels] == [str(i) for i in range(1, 11)]
    assert labels[0].endswith("D00")


def test_a_surprise_is_named_in_the_words_of_the_outcome(drawn: dict[str, Picture]) -> None:
    assert "Driver Number 0 1 to 10" in drawn["outcome"].alt


def test_pointing_at_a_race_shows_its_score(drawn: dict[str, Picture]) -> None:
    assert re.search(r"<title>Race 00 Grand Prix, our forecast: \d\.\d\d</title>", drawn["scores"].svg)


def test_only_a_wide_picture_scrolls_on_a_phone(drawn: dict[str, Picture]) -> None:
    entries = accuracy_entries(24)
    season = figures_season.season_scores(entries[entries["horizon"] == "pre_weekend"], "mae", "MAE")
    assert 'class="wide"' in season.svg
    assert [name for name, picture in drawn.items() if 'class="wide"' in picture.svg] == ["importance"]
