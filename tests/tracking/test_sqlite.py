"""The embedded tracking table."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from f1lib.errors import BadParameters, StorageError
from f1lib.tracking.table import open_tracking
from tests.support.tracking_suite import EVENT, TrackingSuite, row


class TestSqliteTracking(TrackingSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/a lake & more/tracking.db"


def test_a_file_that_another_process_is_only_just_making_is_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "tracking.db").touch()
    table = open_tracking(f"sqlite:///{tmp_path}/tracking.db")
    assert table.rows() == []
    assert table.get(EVENT, "Q") is None
    assert table.predictions(EVENT) == []


def test_equal_numbers_of_different_kinds_stay_what_they_are(tmp_path: Path) -> None:
    table = open_tracking(f"sqlite:///{tmp_path}/tracking.db")
    for latitude in (1, 1.0, 1):
        table.put_rows([row("Q", latitude=latitude)])
        assert repr(table.rows()[0]["latitude"]) == repr(latitude)


def test_a_path_with_a_percent_sign_survives_its_url(tmp_path: Path) -> None:
    from f1lib.tracking.sqlite import SqliteTracking

    table = SqliteTracking(tmp_path / "100%25 é" / "tracking.db")
    table.put_rows([row("Q")])
    assert open_tracking(table.url).rows() == [row("Q")]


def test_a_foreign_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "tracking.db").write_text("this is no database, whatever its name says" * 100)
    with pytest.raises(StorageError, match=r"tracking table .*not a database"):
        open_tracking(f"sqlite:///{tmp_path}/tracking.db").rows()


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="tracking table"):
        open_tracking(f"sqlite:///{tmp_path}/file/tracking.db").put_rows([row("Q")])


def test_the_lake_s_attributes_are_columns_a_person_can_query(tmp_path: Path) -> None:
    table = open_tracking(f"sqlite:///{tmp_path}/tracking.db")
    table.put_rows([row("Q", status="due", event_year=2025), row("R", status="scheduled", event_year=2025)])
    with sqlite3.connect(tmp_path / "tracking.db") as connection:
        found = connection.execute("SELECT session_name_abr FROM f1_session_tracking WHERE status = 'due'").fetchall()
    assert found == [("Q",)]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "postgres://host/db", "tracking.db"])
def test_a_url_that_names_no_table_is_refused(url: str) -> None:
    with pytest.raises(BadParameters, match="use sqlite:///path"):
        open_tracking(url)
