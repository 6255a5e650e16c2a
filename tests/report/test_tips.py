"""A driver is lit up everywhere on a page, and his chances are told under the pointer or the finger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from f1lib.lake.paths_published import without_folders
from f1lib.report import dashboard, fan_words
from tests.support.browsing import DESKTOP, PHONE, Opened, chromium, needs_chromium
from tests.support.made_up_predictions import accuracy_entries, prediction_frame, summary_document


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


@pytest.mark.parametrize(
    ("said", "published"),
    [
        ("no file /home/me/f1/f1db-csv.zip here", "no file f1db-csv.zip here"),
        ("file:///srv/lake", "lake"),
        ("sqlite:////srv/lake/tracking.db", "tracking.db"),
        (
            "https://github.com/f1db/f1db and reports/runs/a/b.html",
            "https://github.com/f1db/f1db and reports/runs/a/b.html",
        ),
        ("s3://bucket/lake/x", "s3://bucket/lake/x"),
    ],
)
def test_no_folder_of_the_machine_is_published(said: str, published: str) -> None:
    assert without_folders({"a": [said], "image/png": said}) == {"a": [published], "image/png": said}
