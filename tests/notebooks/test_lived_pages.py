"""The executed notebooks of a lake that has run, as their readers open them, and the numbers of its pages.

`tests/report/test_browser.py` opens the pages themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.browsing import DESKTOP, PHONE, Opened, chromium, needs_chromium

pytestmark = needs_chromium
SHARES = {3: "p_win", 4: "p_podium", 5: "p_points", 6: "p_dnf", 7: "predicted_position"}

# axe looks at every cell for seconds: of a table it is given the first rows, beside which the others are alike.
_FEWER_ROWS = """() => [...document.querySelectorAll("tbody")].reduce((shown, body) => {
  [...body.rows].slice(8).forEach((row) => row.remove());
  return shown + body.rows.length;
}, 0)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(run_lake: Path) -> list[Path]:
    """Every executed notebook: of those that ran at many ticks the last."""
    return list({page.name: page for page in sorted((run_lake / "reports/runs").rglob("*.html"))}.values())


@pytest.fixture(scope="module")
def board(browser: Any, run_lake: Path) -> Iterator[Opened]:
    with Opened(browser, run_lake / "reports/run_summary.html", **DESKTOP) as opened:
        yield opened


@pytest.fixture(scope="module")
def newest(run_lake: Path) -> pd.DataFrame:
    """The newest prediction of the next race, as it stands in its Parquet file."""
    event = json.loads((run_lake / "reports/next_races.json").read_text("utf-8"))["races"][0]["event_partition_key"]
    frame = pd.read_parquet(run_lake / f"predictions/{event[:4]}/{event[5:]}_predictions.parquet")
    return frame.sort_values("predicted_rank")


def test_every_page_opens_offline_without_a_word_and_fits_a_phone(browser: Any, pages: list[Path]) -> None:
    assert len(pages) > 15
    found = {}
    for page in pages:
        with Opened(browser, page, **PHONE) as opened:
            found[page.name] = [opened.asked_for, opened.complaints, opened.too_wide()]
    assert {name: faults for name, faults in found.items() if faults != [[], [], []]} == {}


def test_every_page_says_that_nothing_on_it_happened_and_none_is_heavy(pages: list[Path]) -> None:
    assert [page.name for page in pages if "SIMULATED DATA" not in page.read_text("utf-8")] == []
    assert [page.name for page in pages if page.stat().st_size > 1_500_000] == []


@pytest.mark.parametrize("name", ["runs/*/06_predict-*.html", "runs/*/04_gold.html"])
def test_axe_finds_no_serious_violation_in_a_real_page(browser: Any, run_lake: Path, name: str) -> None:
    page = sorted((run_lake / "reports").glob(name))[0]
    with Opened(browser, page, **DESKTOP) as opened:
        assert opened.page.evaluate(_FEWER_ROWS) > 0
        assert opened.serious() == {}


def test_the_dashboard_shows_the_numbers_of_the_prediction_file(board: Opened, newest: pd.DataFrame) -> None:
    assert board.column("prediction", 1) == newest["full_name"].tolist()
    for column, name in SHARES.items():
        assert [float(v) for v in board.column("prediction", column)] == newest[name].tolist(), name


def test_the_dashboard_shows_the_scores_of_the_accuracy_file(board: Opened, run_lake: Path) -> None:
    document = json.loads((run_lake / "reports/accuracy.json").read_text("utf-8"))
    entries = document["predictions"] + document["sprints"]["predictions"]
    ours = [e for e in entries if e["system"] == "model"]
    assert sorted(float(v) for v in board.column("races", 5)) == sorted(e["mae"] for e in ours)
    assert [float(v) for v in board.column("means", 3)] == [m["mae"] for m in document["means"]]


def test_the_page_of_a_scored_race_shows_the_official_result(browser: Any, run_lake: Path) -> None:
    document = json.loads((run_lake / "reports/accuracy.json").read_text("utf-8"))
    event = document["predictions"][0]["event_partition_key"]
    results = pd.read_parquet(run_lake / f"silver/sessions/results/season={event[:4]}/results.parquet")
    own = results[(results["event_partition_key"] == event) & (results["session"] == "R")]
    order = own.sort_values("finishing_position")["full_name"].tolist()
    with Opened(browser, run_lake / f"reports/races/{event[:4]}/{event[5:]}.html", **DESKTOP) as opened:
        shown = opened.column("outcome", 1)
        scored = [float(v) for v in opened.column("scores", 3)]
    assert shown == [name for name in order if name in shown]
    assert len(shown) >= len(order) - 1
    assert scored == [e["mae"] for e in document["predictions"] if e["event_partition_key"] == event]


def test_every_session_and_every_run_is_counted(browser: Any, run_lake: Path) -> None:
    summary = json.loads((run_lake / "reports/run_summary.json").read_text("utf-8"))
    (source,) = summary["pipeline"]["sources"]
    assert source["source"] == "simulated"
    with Opened(browser, run_lake / "reports/health.html", **DESKTOP) as opened:
        assert opened.page.locator("#records tbody tr").count() == len(summary["runs"])
        assert opened.page.locator("#runs tbody tr").count() == len(list((run_lake / "models").glob("*/_SUCCESS")))
        assert [int(v) for v in opened.column("sources", 2)] == [source["stored"]]
