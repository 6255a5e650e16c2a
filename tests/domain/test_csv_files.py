"""Facts that ship as CSV files."""

from __future__ import annotations

import pytest

from f1lib.domain.csv_files import in_force, pairs, rows


@pytest.mark.parametrize(
    ("first", "last", "seasons"),
    [
        ("", "", [2010, 2012, 2014]),
        ("2012", "", [2012, 2014]),
        ("", "2012", [2010, 2012]),
        ("2012", "2012", [2012]),
        ("2015", "", []),
    ],
)
def test_a_row_holds_from_its_first_season_to_its_last(first: str, last: str, seasons: list[int]) -> None:
    row = {"first_season": first, "last_season": last}
    assert [season for season in (2010, 2012, 2014) if in_force(row, season)] == seasons


def test_a_file_of_two_columns_is_a_mapping() -> None:
    found = rows("domain/data/team_lineage.csv")
    assert pairs("domain/data/team_lineage.csv") == {row["team_id"]: row["team_lineage"] for row in found}
