"""Every number of the pages of a lived lake: the file's, and shown as that number rounded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag

from f1lib.report.fan_words import matrix_rows

COLUMNS = {
    "Rank": "predicted_rank", "Win": "p_win", "Podium": "p_podium", "Points": "p_points", "DNF": "p_dnf",
    "Expected place": "predicted_position", "8 times in 10": "position_p50", "Points expected": "expected_points",
}  # fmt: skip


@pytest.fixture(scope="module")
def lived(replayed_lake: Path) -> Path:
    return replayed_lake / "lake"


@pytest.fixture(scope="module")
def pages(lived: Path) -> dict[str, BeautifulSoup]:
    """Every page but the executed notebooks, by its address below ``reports/``."""
    reports = lived / "reports"
    found = [file for file in reports.rglob("*.html") if "runs" not in file.relative_to(reports).parts]
    return {str(file.relative_to(reports)): BeautifulSoup(file.read_text("utf-8"), "html.parser") for file in found}


def _issued(lived: Path, event: str, session: str) -> pd.DataFrame:
    """The newest prediction of a race or sprint."""
    stored = pd.read_parquet(
        lived / f"predictions/{event[:4]}/{event[5:]}{'_sprint' * (session == 'S')}_predictions.parquet"
    )
    return stored.sort_values("predicted_rank", ignore_index=True)


def _races(pages: dict[str, BeautifulSoup], lived: Path) -> Iterator[tuple[BeautifulSoup, pd.DataFrame]]:
    """The pages that show a prediction in full, and the prediction."""
    for address, page in pages.items():
        if address.startswith("races/"):
            event = address.removeprefix("races/").removesuffix(".html").removesuffix("_sprint")
            yield page, _issued(lived, event.replace("/", "_"), "S" if address.endswith("_sprint.html") else "R")
    ahead = json.loads((lived / "reports/next_races.json").read_text("utf-8"))["races"][0]["event_partition_key"]
    yield pages["index.html"], _issued(lived, ahead, "R")


def _value(cell: Tag) -> str:
    return str(cell.get("data-value", cell.get_text(strip=True)))


def test_a_shown_number_is_its_value_rounded(pages: dict[str, BeautifulSoup]) -> None:
    looked_at, wrong = 0, []
    for address, page in pages.items():
        for cell in page.select("[data-value]"):
            text = cell.get_text(" ", strip=True)
            numbers = re.fullmatch(r"(<?)([-+]?\d+(?:\.\d+)?)( %)?q?", text)
            if not numbers:
                continue
            value = float(str(cell["data-value"])) * (100 if numbers[3] or cell.find_parent(class_="matrix") else 1)
            digits = len(numbers[2].partition(".")[2])
            is_right = (
                value < float(numbers[2]) if numbers[1] else abs(value - float(numbers[2])) <= 0.501 * 10**-digits
            )
            looked_at += 1
            wrong += [] if is_right else [(address, text, value)]
    assert wrong == []
    assert looked_at > 2000


def test_every_table_of_a_prediction_holds_the_numbers_of_its_file(
    pages: dict[str, BeautifulSoup], lived: Path
) -> None:
    races = list(_races(pages, lived))
    assert len(races) >= 4
    for page, stored in races:
        rows = page.select("#prediction tbody tr")
        assert [row["data-driver"] for row in rows] == stored["driver_id"].tolist()
        for label, name in COLUMNS.items():
            shown = [float(_value(row.select_one(f'[data-label="{label}"]') or row)) for row in rows]
            assert shown == stored[name].tolist(), label
        favourites = page.select("#next .favourites li, #favourites .favourites li")
        best = stored.sort_values("p_win", ascending=False, kind="stable").head(5)
        assert [float(str(row.select_one("strong")["data-value"])) for row in favourites] == best["p_win"].tolist()  # type: ignore[index]


def test_the_squares_are_the_position_matrix_with_retirements_apart(
    pages: dict[str, BeautifulSoup], lived: Path
) -> None:
    for page, stored in _races(pages, lived):
        for row, driver in zip(page.select("#matrix tbody tr"), matrix_rows(stored), strict=True):
            shown = [float(_value(cell)) for cell in row.select("td")]
            assert shown == pytest.approx([*driver["places"], driver["p_dnf"]], rel=1e-12)
            assert sum(shown) == pytest.approx(1, abs=1e-9)
            assert driver["p_dnf"] == stored.set_index("driver_id").loc[str(row["data-driver"]), "p_dnf"]


def test_outcomes_drivers_and_the_season_hold_the_numbers_of_predictions_and_results(
    pages: dict[str, BeautifulSoup], lived: Path
) -> None:
    results = pd.read_parquet(lived / "silver/sessions/results/season=2025/results.parquet")
    placed = results.set_index(["event_partition_key", "session", "driver_id"])["finishing_position"]
    looked_at = 0
    for address, page in pages.items():
        for row in page.select("#races-of-driver tbody tr"):
            event, session = str(row["data-of"]).split(" ")
            driver = Path(address).stem
            cells = [_value(cell) for cell in row.select("th, td")]
            place: Any = placed.get((event, session, driver))
            assert (float(cells[4]) if cells[4] not in ("", "-") else None) == (None if pd.isna(place) else place)
            if cells[1] in ("", "-"):
                continue
            said = _issued(lived, event, session).set_index("driver_id").loc[driver]
            names = ("predicted_rank", "p_win", "p_podium", "p_dnf")
            assert [float(cells[i]) for i in (1, 6, 7, 8)] == [said[name] for name in names]
            looked_at += 1
        if address.startswith("races/"):
            for row in page.select("#outcome tbody tr"):
                event = "_".join(Path(address).with_suffix("").parts[1:])
                session = "S" if event.endswith("_sprint") else "R"
                event = event.removesuffix("_sprint")
                driver = str(row["data-driver"])
                said = _issued(lived, event, session).set_index("driver_id").loc[driver]
                came = placed[event, session, driver]
                of = {cell["data-label"]: _value(cell) for cell in row.select("td")}
                assert (float(of["Result"]), float(of["Predicted"])) == (came, said["predicted_rank"])
                assert float(of["Places off"]) == came - said["predicted_rank"]
                assert (float(of["Podium"]), float(of["DNF"])) == (said["p_podium"], said["p_dnf"])
                looked_at += 1
    assert looked_at > 60


def test_the_championship_holds_the_numbers_of_its_table(pages: dict[str, BeautifulSoup], lived: Path) -> None:
    files = sorted((lived / "predictions").rglob("*championship*.parquet")) + sorted(
        lived.rglob("championship/**/*.parquet")
    )
    newest = pd.read_parquet(
        max(set(files), key=lambda file: pd.read_parquet(file, columns=["as_of_utc"])["as_of_utc"].max())
    )
    stored = newest[newest["as_of_utc"] == newest["as_of_utc"].max()].set_index("contender")
    rows = pages["championship/2025.html"].select("tbody tr[data-driver]")
    assert len(rows) == len(stored)
    for row in rows:
        of = {cell["data-label"]: _value(cell) for cell in row.select("td")}
        said = stored.loc[str(row["data-driver"])]
        names = {
            "Rank": "rank",
            "Points": "points_now",
            "Wins": "wins",
            "Title": "p_title",
            "Final points": "points_p50",
        }
        assert {label: float(of[label]) for label in names} == {label: said[name] for label, name in names.items()}
        assert float(of["8 times in 10"]) == said["points_p10"]
