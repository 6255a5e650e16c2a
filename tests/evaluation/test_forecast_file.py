"""Files of anybody's forecasts: what is read, and what is refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from f1lib.errors import BadParameters
from f1lib.evaluation.forecast_file import Forecast, read_forecasts
from f1lib.lake.silver_tables import read_table
from f1lib.lake.store import LocalStore
from f1lib.scoring.positions import Shape, position_matrix, retired_places
from tests.support.lakes import EVENT

Change = Callable[[pd.DataFrame], Any]


@pytest.fixture(scope="module")
def store(replayed_lake: Path) -> LocalStore:
    return LocalStore(replayed_lake / "lake")


@pytest.fixture(scope="module")
def field(store: LocalStore) -> pd.DataFrame:
    """Who raced, in the order of the result."""
    results = read_table(store, "results", [2025])
    race = results[(results["event_partition_key"] == EVENT) & (results["session"] == "R")]
    return race.sort_values("finishing_position").reset_index(drop=True)


@pytest.fixture
def rows(field: pd.DataFrame) -> pd.DataFrame:
    """A forecast of the race: ranks and chances of winning and of the podium."""
    n = len(field)
    chances = np.arange(n, 0, -1) / np.arange(1, n + 1).sum()
    podium = np.minimum(3 * chances, 1)
    said = {"rank": range(1, n + 1), "p_win": chances, "p_podium": podium * 3 / podium.sum()}
    return pd.DataFrame({"event": EVENT, "issued_utc": "2025-03-22T12:00", "driver": field["driver_id"], **said})


def _read(store: LocalStore, folder: Path, rows: pd.DataFrame, name: str = "their.csv") -> list[Forecast]:
    file = folder / name
    if file.suffix == ".csv":
        rows.to_csv(file, index=False)
    else:
        file.write_text(json.dumps(rows.to_dict("records"), default=list), encoding="utf-8")
    return read_forecasts(file, store, file.stem)[0]


def test_a_file_is_read_by_race(store: LocalStore, tmp_path: Path, rows: pd.DataFrame) -> None:
    (found,) = _read(store, tmp_path, rows)
    assert (found.system, found.event, found.session, found.issued_utc) == ("their", EVENT, "R", "2025-03-22T12:00:00Z")
    assert found.rows["driver_id"].tolist() == rows["driver"].tolist()
    assert found.rows["p_win"].tolist() == pytest.approx(rows["p_win"].tolist())


@pytest.mark.parametrize(
    "named",
    [
        {"season": 2025, "event": "Chinese Grand Prix"},
        {"season": 2025, "round": 4, "event": None},
        {"event_year": 2025, "event": None, "event_name": "chinese grand prix"},
    ],
    ids=str,
)
def test_an_event_is_named_by_key_by_name_or_by_round(
    store: LocalStore, tmp_path: Path, rows: pd.DataFrame, named: dict[str, Any]
) -> None:
    rows = rows.assign(**named)
    (found,) = _read(store, tmp_path, rows.dropna(axis=1))
    assert found.event == EVENT


@pytest.mark.parametrize("column", ["abbreviation", "full_name"])
def test_a_driver_is_named_in_any_usual_way(
    store: LocalStore, tmp_path: Path, rows: pd.DataFrame, field: pd.DataFrame, column: str
) -> None:
    (found,) = _read(store, tmp_path, rows.assign(driver=field[column].str.upper()))
    assert found.rows["driver_id"].tolist() == field["driver_id"].tolist()


def test_json_with_lists_and_csv_with_columns_say_the_same(
    store: LocalStore, tmp_path: Path, rows: pd.DataFrame
) -> None:
    n = len(rows)
    matrix = 0.6 * np.eye(n) + 0.4 / n
    (listed,) = _read(store, tmp_path, rows.assign(position_probabilities=list(matrix)), "a.json")
    places = pd.DataFrame(matrix, columns=[f"p_{place}" for place in range(1, n + 1)])
    (named,) = _read(store, tmp_path, pd.concat([rows, places], axis=1))
    for found in (listed, named):
        assert np.array(found.rows["position_probabilities"].tolist()) == pytest.approx(matrix)


def test_places_of_those_who_finish_are_completed_by_the_chance_of_retiring(
    store: LocalStore, tmp_path: Path, rows: pd.DataFrame
) -> None:
    n = len(rows)
    p_dnf = np.linspace(0.05, 0.4, n)
    whole = position_matrix(np.arange(n) / 4, np.full(n, 0.8), p_dnf, Shape())
    finishing = np.maximum(whole - retired_places(p_dnf), 0)
    given = rows[["event", "issued_utc", "driver"]].assign(p_dnf=p_dnf, position_probabilities=list(finishing))
    (found,) = _read(store, tmp_path, given, "a.json")
    assert np.array(found.rows["position_probabilities"].tolist()) == pytest.approx(whole, abs=1e-3)


def test_other_columns_are_named_and_the_system_may_be_a_column(
    store: LocalStore, tmp_path: Path, rows: pd.DataFrame
) -> None:
    both = pd.concat([rows.assign(system="a"), rows.assign(system="b")]).assign(colour="red")
    both.to_csv(tmp_path / "two.csv", index=False)
    found, ignored = read_forecasts(tmp_path / "two.csv", store, "two")
    assert [forecast.system for forecast in found] == ["a", "b"]
    assert ignored == ["colour"]


def _set(row: int, column: str, value: Any) -> Change:
    return lambda rows: rows.astype(object).mask(
        pd.DataFrame(False, rows.index, rows.columns).assign(**{column: rows.index == row}), value
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="driver"), "expected the columns driver, event .* it has event, issued_utc"),
        (lambda rows: rows.drop(columns="event"), "expected the columns"),
        (lambda rows: rows[["event", "driver"]], "one of rank, p_win"),
        (lambda rows: rows[:0], "their.csv has no rows"),
        (_set(3, "driver", "Nobody"), "row 4: no driver 'Nobody' at 2025_Chinese_Grand_Prix; there were "),
        (_set(0, "event", "Moon Grand Prix"), "row 1: no event 'Moon Grand Prix'"),
        (lambda rows: rows.assign(session="Q"), "row 1: 2025_Chinese_Grand_Prix has no session 'Q'"),
        (lambda rows: rows.assign(horizon="later"), "row 1: horizon 'later' is none of pre_weekend"),
        (_set(2, "issued_utc", "tonight"), "row 3: issued_utc 'tonight' is not an ISO 8601 moment"),
        (_set(1, "p_win", 1.5), "row 2: p_win is '1.5'; expected a probability from 0 to 1"),
        (_set(1, "p_win", "likely"), "row 2: p_win is 'likely'"),
        (_set(1, "p_win", None), "2025_Chinese_Grand_Prix R: p_win is missing in row 2"),
        (_set(1, "rank", 1), "the ranks of its 20 drivers are no order 1 to 20"),
        (lambda rows: rows.assign(p_win=rows["p_win"] * 0.9), "p_win over its 20 drivers sums to 0.900; expected 1"),
        (lambda rows: rows.assign(p_podium=0.1), "p_podium over its 20 drivers sums to 2.000; expected 3"),
        (lambda rows: pd.concat([rows, rows[:1]]), "has two rows .row 21"),
        (lambda rows: rows.assign(p_1=0.5, p_2=0.2), "the places of row 1 sum to 0.700; expected 1, or 1 - p_dnf"),
        (lambda rows: rows.assign(p_1=0.5, p_3=0.5), "have a gap: p_1, p_3"),
        (lambda rows: rows.assign(p_1=0.5, p_2=0.5), "place 1 over all drivers sums to 10.00, not 1"),
        (lambda rows: rows.assign(**{f"p_{n}": 1 / 25 for n in range(1, 26)}), "gives a chance to a place after 20"),
    ],
)
def test_what_is_wrong_is_named(
    store: LocalStore, tmp_path: Path, rows: pd.DataFrame, change: Change, message: str
) -> None:
    with pytest.raises(BadParameters, match=message):
        _read(store, tmp_path, change(rows))


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.json", '{"driver": 1}'), ("a.json", "["), ("a.xlsx", ""), ("a.csv", ""), ("absent.csv", None)],
)
def test_a_file_of_another_form_is_refused(store: LocalStore, tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(BadParameters, match=f"cannot read .*{name}"):
        read_forecasts(tmp_path / name, store, "x")


@pytest.mark.parametrize(
    "column", ["event", "driver", "rank", "issued_utc", "session", "system", "position_probabilities"]
)
@pytest.mark.parametrize("value", [[1], {"a": 1}, True, 1e300], ids=str)
def test_a_cell_of_another_kind_is_refused(
    store: LocalStore, tmp_path: Path, rows: pd.DataFrame, column: str, value: Any
) -> None:
    documents = rows.to_dict("records")
    documents[3][column] = value
    (tmp_path / "a.json").write_text(json.dumps(documents), encoding="utf-8")
    with pytest.raises(BadParameters, match=r"a\.json"):
        read_forecasts(tmp_path / "a.json", store, "a")
