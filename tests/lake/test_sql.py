"""DuckDB as f1lib opens it: what is registered can be asked, and nothing else can be reached."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from f1lib.errors import TableError
from f1lib.lake.sql import connect, sql_text


def test_registered_frames_can_be_asked_and_kept() -> None:
    rows = pd.DataFrame({"a": [1, 2]})
    with connect() as connection:
        connection.execute("SET threads = 1")
        connection.register("rows", rows)
        connection.from_arrow(pa.Table.from_pandas(rows)).create("kept")
        assert connection.execute("SELECT sum(r.a) + sum(k.a) FROM rows r JOIN kept k USING (a)").fetchall() == [(6,)]
        assert connection.execute("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_parquet('https://elsewhere.example/x.parquet')",
        "COPY (SELECT 1) TO '{file}'",
        "ATTACH '{file}.db'",
        "EXPORT DATABASE '{file}.dir'",
        "INSTALL httpfs",
        "LOAD '{file}'",
        "CREATE SECRET s (TYPE s3)",
        "SELECT * FROM a_python_variable",
        "SET enable_external_access = true",
        "RESET enable_external_access",
        "SET lock_configuration = false",
        "SET allowed_configs = ['enable_external_access']",
        "SET TimeZone = 'America/New_York'",
        "SET temp_directory = '/tmp'",
    ],
)
def test_no_statement_reaches_a_file_the_network_a_variable_or_a_setting(tmp_path: Path, statement: str) -> None:
    a_python_variable = pd.DataFrame({"a": [1]})
    file = tmp_path / "secret.csv"
    file.write_text("word\n", encoding="utf-8")
    with connect() as connection, pytest.raises(duckdb.Error):
        connection.execute(statement.format(file=file)).fetchall()
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert file.read_text(encoding="utf-8") == "word\n"
    assert len(a_python_variable) == 1


def test_every_query_of_the_package_goes_through_the_one_connection() -> None:
    package = Path(str(__import__("f1lib").__path__[0]))
    opened = [path.name for path in package.rglob("*.py") if "duckdb.connect" in path.read_text(encoding="utf-8")]
    assert opened == ["sql.py"]


def test_a_query_that_is_not_there_is_named() -> None:
    with pytest.raises(TableError, match=r"there is no SQL file nothing\.sql in f1lib/silver/sql"):
        sql_text("silver/nothing")
