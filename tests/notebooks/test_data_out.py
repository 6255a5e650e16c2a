"""What other programs take from a lake that has run: a frame, a document with its schema, plain SQL over the files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pandas as pd
import pytest

EXPLORING = (Path(__file__).resolve().parents[2] / "docs" / "exploring.md").read_text("utf-8")
SQL_BLOCKS = re.findall(r"```sql\n(.*?)```", EXPLORING, re.S)
STATEMENTS = [
    s.strip() for block in SQL_BLOCKS for s in re.sub(r"^--.*$", "", block, flags=re.M).split(";") if s.strip()
]
NAMED = "2025_Abu_Dhabi_Grand_Prix"


@pytest.fixture(scope="module")
def event(run_lake: Path) -> str:
    """A race of the lake that was predicted and scored, in place of the one the page names."""
    document = json.loads((run_lake / "reports/accuracy.json").read_text("utf-8"))
    return str(document["predictions"][0]["event_partition_key"])


def test_the_page_has_statements_to_try() -> None:
    assert len(STATEMENTS) >= 4


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: re.sub(r"\W+", "-", s)[:50])
def test_every_statement_of_the_page_finds_rows(run_lake: Path, event: str, statement: str) -> None:
    there = (
        statement.replace("'lake/", f"'{run_lake}/").replace(NAMED[5:], event[5:]).replace("/2025/", f"/{event[:4]}/")
    )
    with duckdb.connect() as connection:
        rows = connection.execute(there).fetchall()
    assert rows


def test_every_line_of_python_of_the_page_gives_a_frame_or_an_array_with_rows(run_lake: Path, event: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", EXPLORING, re.S)
    names: dict[str, Any] = {}
    shown = 0
    for line in "".join(blocks).splitlines():
        there = line.replace('"my-lake"', repr(str(run_lake))).replace("abu dhabi", event).replace("VER", "1")
        if not there or " = " in there.partition("#")[0].partition("(")[0] or there.startswith("import"):
            exec(there, names)
        else:
            assert len(eval(there, names)), line
            shown += 1
    assert shown >= 9
    stored = pd.read_parquet(run_lake / f"predictions/{event[:4]}/{event[5:]}_predictions.parquet")
    pd.testing.assert_frame_equal(
        names["lake"].predictions(event)[["driver_id", "p_win"]], stored[["driver_id", "p_win"]]
    )


def test_the_newest_prediction_fits_the_schema_beside_it_and_is_the_stored_one(run_lake: Path) -> None:
    document: dict[str, Any] = json.loads((run_lake / "predictions/latest.json").read_text("utf-8"))
    schema = json.loads((run_lake / "predictions" / document["$schema"]).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, format_checker=jsonschema.FormatChecker())
    event = document["event_partition_key"]
    stored = pd.read_parquet(run_lake / f"predictions/{event[:4]}/{event[5:]}_predictions.parquet")
    assert [d["p_win"] for d in document["drivers"]] == stored.sort_values("predicted_rank")["p_win"].tolist()
    assert "nothing of it happened" in document["attribution"]


def test_a_package_attribute_that_is_none_is_named() -> None:
    import f1lib

    with pytest.raises(AttributeError, match="no attribute 'prediction'"):
        _ = f1lib.prediction
