"""Races and sprints as plain rows, and the links from one to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from f1lib.lake.parquet import write_parquet
from f1lib.lake.paths import silver_key
from f1lib.lake.store import LocalStore
from f1lib.report.rounds import Round, frames, read_rounds
from tests.support.made_up_predictions import accuracy_entries, result_frame
from tests.support.report_rows import EVENT, ROWS
from tests.support.site_lake import NOW, SITE, issued, round_of

ORDER = [f"driver-{number:02d}" for number in (1, 0, 2, 3)]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def test_a_race_has_its_newest_forecast_its_result_and_the_score_of_the_last_horizon(store: LocalStore) -> None:
    issues = {"2025-12-04T10:00:00Z": "pre_weekend", "2025-12-06T16:00:00Z": "post_qualifying"}
    keys = [issued(store, moment, horizon) for moment, horizon in issues.items()]
    write_parquet(store, silver_key("results", 2025), result_frame(ORDER[::-1]).iloc[::-1])
    scored: list[Any] = accuracy_entries(1).assign(event_partition_key=EVENT).to_dict("records")
    (found,) = read_rounds(store, ROWS, keys, scored, NOW)
    assert (found.event, found.session, found.season, found.name) == (EVENT, "R", 2025, "Abu Dhabi Grand Prix")
    assert {row["horizon"] for row in found.forecast} == {"post_qualifying"}
    assert [row["predicted_rank"] for row in found.forecast] == list(range(1, 11))
    assert [row["driver_id"] for row in found.result] == ORDER[::-1]
    assert (found.score["system"], found.score["horizon"]) == ("model", "post_qualifying")
    assert found.page == "races/2025/Abu_Dhabi_Grand_Prix.html"


def test_a_race_that_nobody_predicted_is_there_without_a_page(store: LocalStore) -> None:
    (found,) = read_rounds(store, ROWS, [], [], NOW)
    assert (found.forecast, found.result, found.score, found.page) == ((), (), {}, "")


def test_who_did_not_start_is_not_in_the_result(store: LocalStore) -> None:
    write_parquet(store, silver_key("results", 2025), result_frame(ORDER, started=3))
    (found,) = read_rounds(store, ROWS, [], [], NOW)
    assert [row["driver_id"] for row in found.result] == ORDER[:3]


def _season() -> list[Round]:
    """Two races, a sprint between them, and a race without a prediction."""
    first, last = round_of(), round_of()
    names = ("2025_A_Grand_Prix", "2025_B_Grand_Prix", "2025_C_Grand_Prix")
    made = [
        Round(names[0], "R", {"event_name": "A Grand Prix"}, first.forecast, (), {}),
        Round(names[1], "S", {"event_name": "B Grand Prix"}, first.forecast, (), {}),
        Round(names[1], "R", {"event_name": "B Grand Prix"}, last.forecast, (), {}),
        Round(names[2], "R", {"event_name": "C Grand Prix"}, (), (), {}),
    ]
    return made


def test_each_race_links_to_those_before_and_after_it_its_sprint_and_the_season() -> None:
    framed = frames(_season(), "")
    texts = {key: [(link["rel"], link["text"]) for link in frame["around"]] for key, frame in framed.items()}
    season = ("index", "Season 2025")
    assert texts == {
        ("2025_A_Grand_Prix", "R"): [("next", "B Grand Prix \u2192"), season],
        ("2025_B_Grand_Prix", "S"): [("prev", "\u2190 A Grand Prix"), ("", "B Grand Prix"), season],
        ("2025_B_Grand_Prix", "R"): [("prev", "\u2190 A Grand Prix"), ("", "B Grand Prix, sprint"), season],
    }


def test_the_picture_is_absolute_where_the_site_is_known_and_else_stands_beside_the_page() -> None:
    first = ("2025_A_Grand_Prix", "R")
    assert frames(_season(), "")[first]["share"]["image"] == "A_Grand_Prix.png"
    share = frames(_season(), SITE)[first]["share"]
    assert share["image"] == f"{SITE}races/2025/A_Grand_Prix.png"
    assert share["words"].startswith("Number 0 wins with a chance of 43 %")
