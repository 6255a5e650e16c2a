"""The dashboard says what the summary says, and nothing when there is nothing to say."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from f1lib.report import dashboard, health_page
from tests.support.made_up_predictions import accuracy_entries, prediction_frame, summary_document


def _page(**changes: object) -> str:
    return dashboard.dashboard_html({**summary_document(), **changes}, prediction_frame(), accuracy_entries())


def test_the_next_race_comes_first_with_its_favourite() -> None:
    page = _page()
    assert page.index('id="next"') < page.index('id="calendar"') < page.index('id="season"')
    assert "2025 Abu Dhabi Grand Prix" in page
    assert '<time datetime="2025-12-07T13:00:00Z" data-local>Sunday 7 December 2025, 13:00 UTC</time>' in page
    assert re.search(r'favourites">\s*<li data-driver="driver-00"', page)


def test_who_serves_is_marked() -> None:
    page = health_page.health_page(summary_document())
    assert page.count('<span class="badge good">serves</span>') == 2


def test_an_empty_lake_has_a_page_too() -> None:
    empty = {
        "next_races": [],
        "training_runs": [],
        "runs": [],
        "champion": {"horizons": {}},
        "pipeline": {"sessions": {}, "sources": [], "stages": [], "errors": [], "unavailable": [], "alarms": []},
    }
    page = dashboard.dashboard_html({**summary_document(), **empty}, None, pd.DataFrame())
    assert "No race ahead" in page
    assert "No model has been trained yet" in health_page.health_page({**summary_document(), **empty})
    assert 'id="season"' not in page


@pytest.mark.parametrize("source", ["simulated", "f1db", "fastf1"])
def test_only_simulated_data_bears_the_banner(source: str) -> None:
    page = _page(source=summary_document(source)["source"])
    assert ("SIMULATED DATA" in page) is (source == "simulated")


def test_an_open_error_and_a_raised_alarm_are_shown() -> None:
    summary = summary_document(error="SourceError: 403 <forbidden>")
    alarm = {"name": "leak", "value": 0.91, "digits": 2, "raised": True, "meaning": "too good"}
    summary["pipeline"]["alarms"] = [alarm]  # type: ignore[index]
    page = health_page.health_page(summary)
    assert "SourceError: 403 &lt;forbidden&gt;" in page
    assert '<span class="badge bad">alarm</span>' in page


def test_who_serves_stands_with_his_reason_and_his_own_figures() -> None:
    rows = health_page.serving_rows(summary_document())
    assert [row["horizon"] for row in rows] == ["post_qualifying", "pre_race"]
    assert {row["why"] for row in rows} == {"first"}
    assert {row["run_id"] for row in rows} == {"20251202T000000Z-pre_race", "20251202T000000Z-post_qualifying"}


def test_a_forecast_is_told_with_its_lead_time_and_a_missing_one_covers_dry_and_wet() -> None:
    assert "21 hours before the start" in _page()
    without = _page(weather={})
    assert "the chances cover a dry race and a wet one alike" in without


def test_a_sprint_of_the_weekend_has_its_favourite_and_a_link() -> None:
    sprint = prediction_frame().assign(session="S", full_name=lambda f: "Sprinter " + f["driver_id"])
    page = dashboard.dashboard_html(summary_document(), prediction_frame(), pd.DataFrame(), sprint)
    assert re.search(r"Favourite of the <a [^>]+>sprint</a>: <strong>Sprinter driver-00", page)
    assert 'href="races/2025/Abu_Dhabi_Grand_Prix_sprint.html"' in page
    assert ">sprint<" not in _page()


def test_a_sprint_is_listed_by_that_name_and_kept_out_of_the_races_pictures() -> None:
    entries = accuracy_entries()
    sprints = entries.assign(session="S", mae=99.0)
    both = dashboard.dashboard_html(summary_document(), None, pd.concat([entries, sprints], ignore_index=True))
    assert "2025 Race 00 Grand Prix, sprint</a>" in both
    assert "99.00)" not in both
    assert "5 races so far" in both


def test_one_race_is_no_line_yet() -> None:
    page = dashboard.dashboard_html(summary_document(), None, accuracy_entries(1))
    assert "Mean distance between predicted" not in page
    assert "Mean distance between predicted" in dashboard.dashboard_html(summary_document(), None, accuracy_entries(2))


def test_after_the_season_the_newest_race_is_offered_instead() -> None:
    page = dashboard.dashboard_html({**summary_document(), "next_races": []}, None, accuracy_entries(3))
    assert 'The newest that was predicted: <a href="races/2025/Race_02_Grand_Prix.html">' in page


def test_races_are_listed_newest_first_with_the_grids_error_beside_ours() -> None:
    rows = dashboard.race_rows(accuracy_entries())
    assert [r["race_start_utc"] for r in rows] == sorted((r["race_start_utc"] for r in rows), reverse=True)
    entries = accuracy_entries().set_index(["event_partition_key", "horizon", "system"])["mae"]
    for row in rows:
        key = (row["event_partition_key"], row["horizon"])
        assert (row["mae"], row["grid_mae"]) == (entries[(*key, "model")], entries[(*key, "grid_slot_table")])


def test_a_race_without_a_grid_baseline_is_listed_all_the_same() -> None:
    entries = accuracy_entries()
    ours = entries[entries["system"] == "model"]
    assert {row["grid_mae"] for row in dashboard.race_rows(ours)} == {None}
    assert "Race by race" in dashboard.dashboard_html(summary_document(), prediction_frame(), ours)


def test_a_place_in_qualifying_stands_in_for_the_grid_until_it_is_published() -> None:
    cell = '<abbr title="place in qualifying; the grid is not published yet">q</abbr>'
    before = dashboard.dashboard_html(summary_document(), prediction_frame(), pd.DataFrame())
    published = prediction_frame().assign(grid_position=lambda f: f["qualifying_position"])
    after = dashboard.dashboard_html(summary_document(), published, pd.DataFrame())
    assert before.count(cell) == 10
    assert cell not in after


def test_the_page_of_a_race_is_found_from_the_dashboard() -> None:
    assert 'href="races/2025/Abu_Dhabi_Grand_Prix.html"' in _page()
