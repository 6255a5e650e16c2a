"""The pages in a real browser: offline, without errors, usable by keyboard and screen reader, at phone width."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1lib.lake.parquet import read_parquet, write_parquet
from f1lib.report import dashboard, health_page, race_page
from f1lib.report.figures import race
from f1lib.report.notebook_html import notebook_to_html
from tests.support.browsing import DESKTOP, PHONE, Opened, chromium, needs_chromium
from tests.support.made_up_predictions import accuracy_entries, prediction_frame, summary_document

pytestmark = needs_chromium
EVIL = "<img src=x onerror=alert(1)>"


def _evil_prediction() -> pd.DataFrame:
    return prediction_frame(20).assign(full_name=lambda f: f["full_name"].where(f.index > 0, EVIL))


def _dashboard(folder: Path) -> Path:
    entries = accuracy_entries(24).assign(winner=EVIL)
    summary = summary_document(error=f"SourceError: {EVIL} " + "x" * 300)
    page = folder / "run_summary.html"
    page.write_text(dashboard.dashboard_html(summary, _evil_prediction(), entries), encoding="utf-8")
    return page


def _health(folder: Path) -> Path:
    page = folder / "health.html"
    page.write_text(health_page.health_page(summary_document(error=f"SourceError: {EVIL} " + "x" * 300)), "utf-8")
    return page


def _race(folder: Path) -> Path:
    before = prediction_frame(20, horizon="pre_weekend").assign(as_of_utc=pd.Timestamp("2025-12-04T10:00:00Z"))
    outcome = prediction_frame(20).assign(finishing_position=range(20, 0, -1), surprise=0.04, status_words="retired")
    effects = pd.DataFrame({"grid": -2.0, "recent_form": 1.0}, index=_evil_prediction()["driver_id"])
    scores: Any = accuracy_entries(1).assign(races=1).to_dict("records")
    page = folder / "race.html"
    page.write_text(
        race_page.race_page(
            [before, _evil_prediction()], effects=effects, weather=[("condition", EVIL)], outcome=outcome, scores=scores
        ),
        encoding="utf-8",
    )
    return page


def _notebook(folder: Path) -> Path:
    picture = race.matrix(prediction_frame(20))
    frame = pd.DataFrame({"driver": [EVIL, "B", "C"], "points": [9.0, 10.0, None]})
    outputs = [
        {"image/svg+xml": picture.svg, "text/plain": picture.alt},
        {"text/html": frame.to_html(), "text/plain": "table"},
        {"text/plain": EVIL + "x" * 500},
    ]
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "markdown",
            "id": "t",
            "metadata": {},
            "source": f"# A stage\n\n| Reads | Writes | Grain |\n|---|---|---|\n| `{'a/' * 40}` | `{'x' * 90}` | a |",
        }
    ]
    for number, data in enumerate(outputs):
        shown = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}
        cells.append({"cell_type": "markdown", "id": f"m{number}", "metadata": {}, "source": f"## Step {number}"})
        cells.append(
            {"cell_type": "code", "id": f"c{number}", "metadata": {}, "source": "x = 1  # " + "y" * 200,
             "execution_count": 1, "outputs": [shown]}
        )  # fmt: skip
    facts = {"stage": "06_predict", "source": "simulated", "run_id": "r" * 60, "status": "failed", "error": EVIL * 9}
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "f1lib": facts}
    page = folder / "notebook.html"
    page.write_text(
        notebook_to_html({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}), "utf-8"
    )
    return page


def _failed(folder: Path) -> Path:
    """A notebook that failed, with a traceback in IPython's colours."""
    lines = [
        "\x1b[31mRunError\x1b[39m: " + EVIL,
        "\x1b[38;5;28;01mfrom\x1b[39;00m f1lib \x1b[38;5;28;01mimport\x1b[39;00m x" * 9,
    ]
    error = {"output_type": "error", "ename": "RunError", "evalue": EVIL, "traceback": lines}
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "t", "metadata": {}, "source": "# A stage"},
        {"cell_type": "code", "id": "c", "metadata": {}, "source": "x = 1", "execution_count": 1, "outputs": [error]},
        {"cell_type": "code", "id": "d", "metadata": {}, "source": "y = 1", "execution_count": None, "outputs": []},
    ]
    facts = {"stage": "06_predict", "source": "f1db", "run_id": "r", "status": "failed", "error": f"RunError: {EVIL}"}
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "f1lib": facts}
    page = folder / "failed.html"
    page.write_text(
        notebook_to_html({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}), "utf-8"
    )
    return page


PAGES = {"dashboard": _dashboard, "health": _health, "race": _race, "notebook": _notebook, "failed": _failed}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    return {name: make(folder) for name, make in PAGES.items()}


@pytest.fixture(scope="module", params=list(PAGES))
def opened(request: pytest.FixtureRequest, browser: Any, files: dict[str, Path]) -> Iterator[Opened]:
    with Opened(browser, files[request.param], **DESKTOP, color_scheme="light") as made:
        yield made


@pytest.fixture
def shown(browser: Any, files: dict[str, Path]) -> Iterator[Opened]:
    with Opened(browser, files["dashboard"], **DESKTOP) as made:
        yield made


@pytest.fixture
def board(shown: Opened) -> Any:
    return shown.page


@pytest.mark.parametrize(("device", "act"), [(DESKTOP, "hover"), (PHONE, "tap")])
def test_the_charts_of_the_season_say_what_each_of_their_marks_is(
    browser: Any, files: dict[str, Path], device: dict[str, Any], act: str
) -> None:
    with Opened(browser, files["dashboard"], **device) as made:
        for name, said in {
            "season-mae": r"Race 23 Grand Prix, .* order: \d\.\d\d",
            "lead-mae": r"after Race 23 Grand Prix: [+-]\d+\.\d\d",
            "calibration": r"<?\d+ % said, <?\d+ % seen, of \d+",
        }.items():
            getattr(made.page.locator(f"svg:has([id^={name}-]) circle[aria-label]").last, act)()
            assert re.fullmatch(said, made.page.locator(".tip").inner_text())
            assert made.page.locator(".lit").count() == 0


def test_a_page_asks_for_nothing_and_complains_of_nothing(opened: Opened) -> None:
    assert opened.asked_for == []
    assert opened.complaints == []


def test_a_script_that_is_not_ours_does_not_run_and_nothing_is_fetched(browser: Any, files: dict[str, Path]) -> None:
    evil = (
        "<script>document.title = 'ran'</script><script src='https://elsewhere.example/x.js'></script>"
        "<img src='https://elsewhere.example/x.png' onerror='document.title = 1'><base href='https://elsewhere.example'>"
        "<iframe src='https://elsewhere.example'></iframe><link rel=stylesheet href='https://elsewhere.example/x.css'>"
    )
    for name, file in files.items():
        page = file.with_name(f"evil-{name}.html")
        page.write_text(file.read_text("utf-8").replace("</main>", f"{evil}</main>"), "utf-8")
        with Opened(browser, page, **DESKTOP) as made:
            assert made.page.title() not in ("ran", "1")
            refused = [text for text in made.complaints if "Content Security Policy" in text]
            # The browser names what it refuses to ask for.
            assert all(any(url in text for text in refused) for url in made.asked_for), (name, refused)
            assert len(refused) > len(made.asked_for)  # the script within the page, too
            assert made.page.evaluate("document.baseURI").startswith("file:")
            assert made.page.locator("[data-theme-switch]").first.is_visible()  # our own script has run


def test_a_name_from_upstream_stays_text(opened: Opened) -> None:
    assert opened.page.evaluate("document.querySelectorAll('img[src=x], [onerror]').length") == 0
    assert EVIL in opened.page.evaluate("document.body.innerText + document.body.textContent")


def test_axe_finds_no_serious_violation(opened: Opened) -> None:
    assert opened.serious() == {}


@pytest.mark.parametrize("name", list(PAGES))
def test_nothing_overflows_a_phone_and_dark_colours_are_told_apart(
    browser: Any, files: dict[str, Path], name: str
) -> None:
    with Opened(browser, files[name], **PHONE, color_scheme="dark") as made:
        assert made.too_wide() == []
        assert made.serious(rest=False) == {}


def test_a_click_on_a_heading_sorts_and_a_second_turns_round(shown: Opened, board: Any) -> None:
    button = board.locator("#prediction thead th button", has_text="DNF")
    before = [float(v) for v in shown.column("prediction", 3)]
    win = board.locator("#prediction thead th button", has_text="Win")
    win.click()
    assert [float(v) for v in shown.column("prediction", 3)] == sorted(before, reverse=True)
    win.click()
    assert [float(v) for v in shown.column("prediction", 3)] == sorted(before)
    assert win.locator("xpath=..").get_attribute("aria-sort") == "ascending"
    assert button.locator("xpath=..").get_attribute("aria-sort") is None


def test_sorting_works_from_the_keyboard(shown: Opened, board: Any) -> None:
    board.locator("#prediction thead th button", has_text="Driver").focus()
    board.keyboard.press("Enter")
    names = shown.column("prediction", 1)
    assert names[0].startswith(EVIL)
    numbers = [int(name.split()[2]) for name in names[1:]]
    assert numbers == sorted(numbers)
    board.keyboard.press("Enter")
    assert shown.column("prediction", 1) == names[::-1]


def test_a_filter_keeps_what_fits_and_says_how_many(board: Any) -> None:
    box = board.locator('[data-filter="prediction"]')
    box.locator("input").fill("fERR")
    fitting = board.locator("#prediction tbody tr:visible th").all_inner_texts()
    assert all("Ferrari" in text for text in fitting)
    assert 0 < len(fitting) < 20
    assert box.locator("[role=status]").inner_text() == f"{len(fitting)} of 20 rows"


def test_a_choice_narrows_the_runs_to_one_horizon(browser: Any, files: dict[str, Path]) -> None:
    with Opened(browser, files["health"], **DESKTOP) as shown:
        shown.page.locator('[data-filter="runs"] select').select_option("pre_race")
        assert set(shown.column("runs", 2)) == {"pre_race"}


def test_the_theme_switch_turns_the_page_dark_and_back(board: Any) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light = board.evaluate(colour)
    board.locator("[data-theme-switch]").click()
    assert board.evaluate(colour) != light
    board.locator("[data-theme-switch]").click()
    assert board.evaluate(colour) == light


def test_the_numbers_on_the_page_are_those_of_the_parquet_file(browser: Any, tmp_path: Path) -> None:
    from f1lib.lake.store import LocalStore

    store = LocalStore(tmp_path)
    write_parquet(store, "prediction.parquet", prediction_frame(20))
    stored = read_parquet(store, "prediction.parquet").sort_values("predicted_rank")
    page = tmp_path / "page.html"
    page.write_text(dashboard.dashboard_html(summary_document(), stored, pd.DataFrame()), encoding="utf-8")
    with Opened(browser, page) as made:
        for column, name in ((3, "p_win"), (4, "p_podium"), (5, "p_points"), (6, "p_dnf"), (7, "predicted_position")):
            assert [float(v) for v in made.column("prediction", column)] == stored[name].tolist(), name
        assert made.column("prediction", 1) == stored["full_name"].tolist()


def test_the_page_is_whole_without_javascript(browser: Any, files: dict[str, Path]) -> None:
    with Opened(browser, files["dashboard"], java_script_enabled=False) as made:
        rows = made.page.locator("#prediction tbody tr").count()
        hidden = made.page.locator("[data-filter]").first.is_visible()
    assert rows == 20
    assert not hidden


def test_a_whole_season_of_runs_stays_light_and_fits_a_phone(browser: Any, tmp_path: Path) -> None:
    """24 races at two horizons, a hundred model runs, and the notebooks of two hundred ticks."""
    summary: dict[str, Any] = summary_document()
    (first, *_), run = summary["training_runs"], summary["runs"][0]
    summary["training_runs"] = [{**first, "run_id": f"{first['run_id']}-{i}"} for i in range(100)]
    summary["runs"] = [{"run_id": f"r{i}", "pages": run["pages"] * 7} for i in range(200)]
    season, health = tmp_path / "season.html", tmp_path / "health.html"
    season.write_text(dashboard.dashboard_html(summary, prediction_frame(22), accuracy_entries(24)), "utf-8")
    health.write_text(health_page.health_page(summary), "utf-8")
    assert season.stat().st_size < 600_000
    for page in (season, health):
        with Opened(browser, page, **PHONE) as opened:
            assert opened.too_wide() == []
            assert opened.page.locator("#records a").count() == (1400 if page == health else 0)


def test_pages_are_light(files: dict[str, Path]) -> None:
    assert files["dashboard"].stat().st_size < 3_000_000
    assert files["notebook"].stat().st_size < 1_500_000
    assert json.dumps(summary_document())
