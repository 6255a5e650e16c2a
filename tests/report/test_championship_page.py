"""The page of the titles shows what was issued, and says who can still win and how."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from f1lib.lake.store import open_store
from f1lib.lake.tables import empty
from f1lib.predictions import championship
from f1lib.report.championship_page import championship_page
from f1lib.report.title_words import titles_in_words

SATURDAY = datetime(2025, 12, 6, 16, tzinfo=UTC)
SCORECARD = {
    "seasons": [2014, 2025],
    "rounds": 240,
    "means": [
        {"championship": kind, "system": system, "log_loss": loss}
        for kind in ("drivers", "teams")
        for system, loss in (("model", 0.4), ("leader", 1.9), ("resampled", 0.6))
    ],
}


@pytest.fixture(scope="module")
def issues(saturday_lake: Path) -> pd.DataFrame:
    return championship.read_issues(open_store(str(saturday_lake)), 2025, SATURDAY)


def test_every_number_is_the_file_s(issues: pd.DataFrame) -> None:
    page = championship_page(issues, {})
    for row in issues.to_dict("records"):
        line = re.search(rf'<tr data-driver="{row["contender"]}">.*?</tr>', page, re.S)
        values = [float(v) for v in re.findall(r'data-value="([-\d.e]+)"', line[0])] if line else []
        assert values == [row[name] for name in ("points_now", "p_title", "points_p50", "points_p10")]


def test_an_open_title_has_its_ways_and_a_decided_one_its_champion(issues: pd.DataFrame) -> None:
    page = championship_page(issues, SCORECARD)
    assert re.search(r"<strong>Oscar Piastri</strong> \(\d %\) is champion finishing 1st with Lando Norris 6th", page)
    assert "<strong>McLaren</strong> is champion of the teams." in page
    assert "After round 23, 2025-12-06 16:00 UTC; 1 race left." in page
    assert "Log-loss of the champion over 240 rounds of 2014-2025: drivers 0.40 (the leader at 98 %: 1.90" in page
    assert "Log-loss" not in championship_page(issues, {})


def test_the_chances_are_drawn_once_there_are_two_rounds(issues: pd.DataFrame) -> None:
    before = issues.assign(after_round=22, as_of_utc=pd.Timestamp("2025-11-24", tz="UTC"))
    both = pd.concat([before, issues], ignore_index=True)
    assert championship_page(both, {}).count('id="title-drivers') > championship_page(issues, {}).count("title-drivers")


def test_the_titles_are_said_in_a_sentence(saturday_lake: Path, issues: pd.DataFrame) -> None:
    said = titles_in_words(issues)
    assert re.match(
        r"Championship of 2025: the drivers' title: Lando Norris \d\d %, Max Verstappen \d\d %, Oscar", said
    )
    assert said.endswith("McLaren is champion of the teams.")
    final = championship.newest(open_store(str(saturday_lake)), 2021, SATURDAY)
    assert titles_in_words(final) == (
        "Championship of 2021: Max Verstappen is champion of the drivers; Mercedes is champion of the teams."
    )
    assert titles_in_words(empty("championship")).startswith("No forecast of the championship: ")
