"""Sentences for a reader of a forecast, each from the numbers it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.report import dashboard, fan_words
from f1lib.scoring.positions import Shape, position_matrix, retired_places
from tests.support.browsing import DESKTOP, PHONE, Opened, chromium, needs_chromium
from tests.support.made_up_predictions import accuracy_entries, prediction_frame, summary_document


def _race(number: int, right: bool, horizon: str = "pre_race", session: str = "R") -> dict[str, Any]:
    return {
        "system": "model", "session": session, "horizon": horizon, "event_partition_key": f"2025_{number}",
        "race_start_utc": f"2025-01-{number:02}T13:00:00Z", "winner": "A", "predicted_winner": "A" if right else "B",
    }  # fmt: skip


BINS = {"p_win": [{"predicted": 0.6, "observed": 0.5, "n": 30}], "p_dnf": [{"predicted": 0.6, "observed": 1, "n": 99}]}


def test_how_good_counts_each_race_once_by_its_last_forecast() -> None:
    scored = [_race(1, False, "pre_weekend"), _race(1, True), _race(2, False), _race(3, True, session="S")]
    said = fan_words.how_good(scored, BINS)
    assert said == "Of the last 2 winners 1 was our favourite; what we give 60 % happens 5 times in 10."


def test_how_good_says_only_the_last_24_races_and_nothing_of_chances_that_were_seldom_given() -> None:
    scored = [_race(n, n > 6) for n in range(1, 31)]
    few = {"p_win": [{"predicted": 0.6, "observed": 0.5, "n": 3}]}
    assert fan_words.how_good(scored, few) == "Of the last 24 winners 24 were our favourite."


def test_before_the_first_race_nothing_is_claimed() -> None:
    assert "None of these forecasts has met its race yet" in fan_words.how_good([], {})


@pytest.mark.parametrize(
    ("weather", "said"),
    [
        ({}, "cover a dry race and a wet one alike"),
        ({"condition": "dry", "air temp": "24.0 °C", "lead": "21 hours before the start"}, "Dry, 24.0 °C (21 hours"),
        ({"condition": "wet", "effect": "The order stays."}, "Wet. The order stays."),
    ],
)
def test_the_weather_is_told_with_what_it_does(weather: dict[str, str], said: str) -> None:
    assert said in fan_words.weather_sentences(weather)


def test_a_result_as_predicted_is_never_a_surprise_and_far_and_unlikely_comes_first() -> None:
    rows = [
        {"name": "hit", "predicted_rank": 20, "finishing_position": 20, "surprise": 0.01},
        {"name": "near", "predicted_rank": 1, "finishing_position": 2, "surprise": 0.05},
        {"name": "far", "predicted_rank": 1, "finishing_position": 18, "surprise": 0.05},
        {"name": "likely", "predicted_rank": 3, "finishing_position": 19, "surprise": 0.4},
    ]
    assert [row["name"] for row in fan_words.surprises(rows, 3)] == ["far", "likely", "near"]


@given(st.lists(st.floats(0.0, 0.6), min_size=4, max_size=20))
def test_places_and_retirement_sum_to_one_and_to_the_published_matrix(risks: list[float]) -> None:
    out, number = np.array(risks), len(risks)
    matrix = position_matrix(np.linspace(-1, 1, number), np.full(number, 0.7), out, Shape())
    frame = prediction_frame(number).assign(p_dnf=out, position_probabilities=matrix.tolist())
    rows = fan_words.matrix_rows(frame)
    places = np.array([row["places"] for row in rows])
    assert places.min() >= 0
    assert np.allclose(places.sum(axis=1) + out, 1)
    assert np.allclose(places + retired_places(out), matrix, atol=0.01)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@needs_chromium
@pytest.mark.parametrize(("device", "act"), [(DESKTOP, "hover"), (PHONE, "tap")])
def test_a_driver_is_lit_in_table_matrix_and_chart(browser: Any, tmp_path: Path, device: Any, act: str) -> None:
    page = tmp_path / "page.html"
    page.write_text(dashboard.dashboard_html(summary_document(), prediction_frame(), accuracy_entries()), "utf-8")
    with Opened(browser, page, **device) as opened:
        getattr(opened.page.locator("#matrix tr[data-driver=driver-02] td").first, act)()
        assert "Driver Number 2 finishes 1: " in opened.page.locator(".tip").inner_text()
        lit = opened.page.locator(".lit").evaluate_all("found => found.map((e) => e.dataset.driver)")
        assert set(lit) == {"driver-02"}
        tags = opened.page.locator(".lit").evaluate_all(
            "found => found.map((e) => e.closest('svg, table, ol').nodeName)"
        )
        assert {"svg", "TABLE", "OL"} <= {tag if tag == "svg" else tag.upper() for tag in tags}
        opened.page.keyboard.press("Escape")
        assert opened.page.locator(".lit").count() == 0
        assert (opened.complaints, opened.too_wide()) == ([], [])


@needs_chromium
def test_every_number_of_matrix_and_favourites_is_that_of_the_prediction(browser: Any, tmp_path: Path) -> None:
    prediction = prediction_frame()
    page = tmp_path / "page.html"
    page.write_text(dashboard.dashboard_html(summary_document(), prediction, accuracy_entries()), "utf-8")
    values = "rows => rows.map((row) => [...row.querySelectorAll('[data-value]')].map((e) => Number(e.dataset.value)))"
    with Opened(browser, page, **DESKTOP) as opened:
        shown = opened.page.locator("#matrix tbody tr").evaluate_all(values)
        best = opened.page.locator("#next .favourites li").evaluate_all(values)
    assert shown == [[*row["places"], row["p_dnf"]] for row in fan_words.matrix_rows(prediction)]
    stored = prediction.sort_values("p_win", ascending=False, kind="stable").head(5)
    assert best == stored[["p_win", "p_podium"]].to_numpy().tolist()
