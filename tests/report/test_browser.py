"""Every kind of page of the site in a real browser: silent, offline, accessible, on a phone, without JavaScript.

The lake has lived through a weekend with a sprint; beside its pages stands one of another's forecasts. What cost a page
has is printed by ``pytest -s``, and only its size is judged.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from f1lib.lake.store import LocalStore
from f1lib.report.others_page import publish
from tests.support.browsing import DESKTOP, PHONE, Opened, chromium, needs_chromium

pytestmark = needs_chromium
# axe takes seconds for a race's page: it looks at one on a desk, and test_pages at both colours of what it makes up.
OTHER_RACES, DRAWN = ("sprint", "race ahead"), ("dashboard", "race")
MADE_UP = ("dashboard", "race", "health")
LARGEST = 600_000  # bytes of a page, with everything that it shows
PAGES = {
    "dashboard": "index.html",
    "health": "health.html",
    "race": "races/2025/Chinese_Grand_Prix.html",
    "sprint": "races/2025/Chinese_Grand_Prix_sprint.html",
    "race ahead": "races/2025/Japanese_Grand_Prix.html",
    "season": "season.html",
    "driver": "drivers/*.html",
    "championship": "championship/2025.html",
    "comparison": "others/*.html",
}
_LINKS = """() => [...document.querySelectorAll('a[href], link[href], meta[property="og:image"]')]
  .map((e) => new URL(e.getAttribute('href') ?? e.content, document.baseURI).href)"""
_GONE = """() => [...document.querySelectorAll('a[href^="#"]')]
  .filter((a) => !document.getElementById(a.hash.slice(1))).map((a) => a.hash)"""
_COST = """() => { const [n] = performance.getEntriesByType('navigation'); return n.loadEventEnd - n.startTime; }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def reports(replayed_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the lake's ``reports/`` with a page of another's forecasts."""
    lake = tmp_path_factory.mktemp("site") / "lake"
    shutil.copytree(replayed_lake / "lake/reports", lake / "reports")
    group = {"system": "them", "session": "R", "kind": "live", "horizon": "pre_race", "races": 12}
    group |= {"means": {"them": {"mae": 3.4}, "blend_v2": {"mae": 3.2}}, "paired": {"mae": 0.2, "mae_se": 0.05}}
    card = {"file": "a.csv", "name": "them", "model": "blend_v2", "groups": [{**group, "excess": {}}]}
    card |= {"skipped": [], "no_result_yet": [], "ignored_columns": []}
    publish(LocalStore(lake), card, "simulated")
    return lake / "reports"


@pytest.fixture(params=list(PAGES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(name: str, reports: Path) -> Path:
    return sorted(reports.glob(PAGES[name]))[0]


def test_a_page_is_silent_accessible_and_whole_on_a_desk(browser: Any, name: str, page: Path, reports: Path) -> None:
    with Opened(browser, page, **DESKTOP, color_scheme="light") as opened:
        assert (opened.asked_for, opened.complaints, opened.too_wide()) == ([], [], [])
        assert name in OTHER_RACES or opened.serious(colours=name not in MADE_UP) == {}
        assert opened.page.evaluate(_GONE) == []
        targets = {target.partition("#")[0] for target in opened.page.evaluate(_LINKS) if target.startswith("file:")}
        print(f"{page.relative_to(reports)}: {page.stat().st_size:,} bytes, {opened.page.evaluate(_COST):.0f} ms")
    files = {Path(opened_file(target)) for target in targets}
    assert [file for file in files if not file.is_file()] == []
    assert [file for file in files if not file.is_relative_to(reports)] == []


def opened_file(address: str) -> str:
    """The path of a ``file:`` address."""
    from urllib.parse import unquote, urlparse

    return unquote(urlparse(address).path)


def test_a_page_fits_a_phone_in_the_dark(browser: Any, name: str, page: Path) -> None:
    with Opened(browser, page, **PHONE, color_scheme="dark") as opened:
        assert (opened.complaints, opened.too_wide()) == ([], [])
        assert name in (*OTHER_RACES, *DRAWN) or opened.serious(colours=name not in MADE_UP) == {}


def test_a_page_is_light(page: Path) -> None:
    assert page.stat().st_size < LARGEST


def test_a_page_says_the_same_without_javascript(browser: Any, page: Path) -> None:
    with Opened(browser, page, **DESKTOP, java_script_enabled=False) as opened:
        still = opened.page.locator("main").inner_text()
        assert opened.page.locator("main table, main figure, main dl").first.is_visible()
    assert len(still.split()) > 50


def test_the_theme_that_was_chosen_is_kept_on_the_next_page(browser: Any, reports: Path) -> None:
    with Opened(browser, reports / "index.html", **DESKTOP, color_scheme="light") as opened:
        colour = "getComputedStyle(document.body).backgroundColor"
        light = opened.page.evaluate(colour)
        opened.page.locator("[data-theme-switch]").click()
        dark = opened.page.evaluate(colour)
        assert dark != light
        for link in ("Season", "Data and models"):
            opened.page.locator("nav.site a", has_text=link).click()
            assert opened.page.evaluate(colour) == dark
        opened.page.go_back()
        assert opened.page.evaluate(colour) == dark


def test_from_race_to_race_and_to_a_driver_and_back(browser: Any, reports: Path) -> None:
    with Opened(browser, reports / PAGES["race"], **DESKTOP) as opened:
        around = opened.page.locator("nav.around")
        around.locator("a[rel=next]").click()
        assert opened.page.locator("h1").inner_text().startswith("2025 Japanese Grand Prix")
        around.locator("a[rel=prev]").click()
        name = opened.page.locator("#prediction tbody th a").first
        driver = name.inner_text()
        name.click()
        assert opened.page.locator("h1").inner_text() == driver
        opened.page.go_back()
        around.locator("a[rel=index]").click()
        assert opened.page.locator("h1").inner_text() == "Season 2025"
        name = opened.page.locator("#season-drivers tbody a").first
        driver = name.inner_text()
        name.click()
        assert opened.page.locator("h1").inner_text() == driver
        opened.page.locator("#races-of-driver a", has_text="Chinese").first.click()
        assert "Chinese Grand Prix" in opened.page.locator("h1").inner_text()


def _driver_of_two_races(reports: Path) -> Path:
    return next(page for page in sorted(reports.glob("drivers/*.html")) if 'class="course"' in page.read_text("utf-8"))


@pytest.mark.parametrize(("device", "act"), [(DESKTOP, "hover"), (PHONE, "tap"), (DESKTOP, "focus")])
def test_a_race_of_the_chart_shows_its_words_and_lights_its_row(
    browser: Any, reports: Path, device: dict[str, Any], act: str
) -> None:
    with Opened(browser, _driver_of_two_races(reports), **device) as opened:
        marks, tip = opened.page.locator("svg g[data-of]"), opened.page.locator(".tip")
        assert not tip.is_visible()
        for place in (0, 1):
            getattr(marks.nth(place), act)()
            assert "expected" in tip.inner_text()
            lit = opened.page.locator(".lit").evaluate_all("found => found.map((e) => [e.tagName, e.dataset.of])")
            of = marks.nth(place).get_attribute("data-of")
            assert lit == [["g", of], ["TR", of]]
        assert opened.too_wide() == []
        opened.page.keyboard.press("Escape")
        assert not tip.is_visible()


CHARTS = {
    "dashboard": ["svg:has([id^=order-])", "svg:has([id^=calibration])", "#matrix"],
    "race": [f"svg:has([id^={name}-])" for name in ("order", "moves", "outcome")] + ["#matrix"],
    "championship": [f"svg:has([id^={name}-])" for name in
                     ("title-drivers", "title-teams", "points-drivers", "points-teams")],
    "driver": ["svg.course"],
}  # fmt: skip
# What of each chart and table of the page shows the mark's driver, and what of it is lit.
_LIT = """(mark) => {
  const id = mark.closest("[data-driver]")?.dataset.driver ?? mark.closest("[data-of]")?.dataset.of;
  const of = [...document.querySelectorAll("[data-driver], [data-of]")].map((e) => e.dataset.driver ?? e.dataset.of);
  const lit = [...document.querySelectorAll(".lit")].map((e) => e.dataset.driver ?? e.dataset.of);
  return [of.filter((one) => one === id).length, lit.filter((one) => one === id).length, lit.length];
}"""


@pytest.mark.parametrize(("device", "act"), [(DESKTOP, "hover"), (PHONE, "tap")])
@pytest.mark.parametrize("name", list(CHARTS), indirect=True)
def test_a_mark_of_every_chart_shows_its_words_and_lights_its_driver_everywhere(
    browser: Any, page: Path, name: str, device: dict[str, Any], act: str
) -> None:
    with Opened(browser, page, **device) as opened:
        for chart in CHARTS[name]:
            marks = opened.page.locator(chart).locator("[data-tip], g[data-of], circle[aria-label]")
            assert marks.count() > 1, chart
            mark = marks.last
            words = mark.get_attribute("data-tip") or mark.get_attribute("aria-label")
            getattr(mark, act)()
            assert opened.page.locator(".tip").inner_text() == words
            shown, lit, all_lit = mark.evaluate(_LIT)
            assert (shown, all_lit) == (lit, lit), chart
            of_a_driver = mark.evaluate("(mark) => Boolean(mark.closest('[data-driver], [data-of]'))")
            assert bool(lit) == of_a_driver
            opened.page.keyboard.press("Escape")
            assert opened.page.locator(".lit").count() == 0
        assert (opened.complaints, opened.too_wide()) == ([], [])


def test_a_chart_that_does_not_show_the_driver_stays_as_it_is(browser: Any, reports: Path) -> None:
    with Opened(browser, reports / PAGES["championship"], **DESKTOP) as opened:
        opened.page.locator("svg:has([id^=points-drivers-]) circle[aria-label]").last.hover()
        opacity = "(marks) => marks.map((e) => getComputedStyle(e).opacity)"
        opened.page.wait_for_timeout(200)
        teams = opened.page.locator("svg:has([id^=points-teams-]) [data-driver]").evaluate_all(opacity)
        drivers = opened.page.locator("svg:has([id^=points-drivers-]) [data-driver]").evaluate_all(opacity)
    assert set(teams) == {"1"}
    assert set(drivers) == {"1", "0.22"}


def test_the_season_and_the_drivers_show_the_numbers_of_the_prediction_s_file(
    browser: Any, reports: Path, replayed_lake: Path
) -> None:
    import pandas as pd

    stored = pd.read_parquet(replayed_lake / "lake/predictions/2025/Japanese_Grand_Prix_predictions.parquet")
    best = max(stored.to_dict("records"), key=lambda row: row["p_win"])
    with Opened(browser, reports / "season.html", **DESKTOP) as opened:
        shown = dict(zip(opened.column("rounds", 1), opened.column("rounds", 2), strict=True))
        assert str(best["p_win"]) in shown.values()
    with Opened(browser, reports / f"drivers/{best['driver_id']}.html", **DESKTOP) as opened:
        assert [float(opened.column("races-of-driver", column)[0]) for column in (1, 6, 7, 8)] == [
            best[name] for name in ("predicted_rank", "p_win", "p_podium", "p_dnf")
        ]
