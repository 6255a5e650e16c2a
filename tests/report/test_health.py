"""The pipeline's health: open errors, stages and sources."""

from __future__ import annotations

from typing import Any

from f1lib.report import health
from tests.support.report_rows import ROWS

UNHELD: Any = {"event_partition_key": "2020_Eifel_Grand_Prix", "session_name_abr": "P1", "status": "unavailable",
          "source": "f1db", "last_error": "no results of it", "updated_at_utc": "2025-12-05T10:00:00Z"}  # fmt: skip


def _no_page(run_id: str, name: str) -> None:
    return None


def test_a_session_never_held_is_no_open_error() -> None:
    found = health.pipeline([*ROWS, UNHELD], _no_page)
    assert [e["session_name_abr"] for e in found["unavailable"]] == ["P1"]
    assert [e["last_error"] for e in found["errors"]] == ["SourceError: no"]


def test_an_error_that_was_overcome_is_no_open_error() -> None:
    overcome: Any = {**ROWS[2], "status": "gold"}
    assert health.pipeline([overcome], _no_page)["errors"] == []


def test_the_rows_of_inputs_and_of_seasons_are_no_stages() -> None:
    grid: Any = {**ROWS[1], "session_name_abr": "STAGE#starting_grid", "source": "f1db"}
    season: Any = {"event_partition_key": "PIPELINE", "session_name_abr": "STAGE#00_schedule#2014", "status": "gold"}
    assert [s["stage"] for s in health.pipeline([*ROWS, grid, season], _no_page)["stages"]] == ["05_train"]


def test_a_source_is_told_by_what_it_answered() -> None:
    rows: list[Any] = [
        {**ROWS[1], "source": "f1db", "updated_at_utc": "2025-12-06T16:00:00Z"},
        {**ROWS[0], "source": "f1db", "updated_at_utc": "2025-12-06T17:00:00Z"},
        UNHELD,
        {**ROWS[2], "source": "fastf1", "updated_at_utc": "2025-11-28T15:00:00Z"},
        {
            **ROWS[2],
            "source": "fastf1",
            "status": "blocked",
            "last_error": "403",
            "updated_at_utc": "2025-11-28T16:00:00Z",
        },
    ]
    f1db, fastf1 = health.sources(rows)
    assert (f1db["stored"], f1db["to_come"], f1db["unavailable"], f1db["failed"]) == (1, 1, 1, 0)
    assert (f1db["last_answer_utc"], f1db["last_error"]) == ("2025-12-06T16:00:00Z", None)
    assert (fastf1["failed"], fastf1["blocked"], fastf1["last_error"]) == (1, 1, "403")
    assert fastf1["last_answer_utc"] is None
