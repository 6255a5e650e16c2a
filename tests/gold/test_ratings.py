"""Ratings tell the driver from the car, learn from the past only, and know what they do not know."""

from __future__ import annotations

from typing import Any

import pandas as pd

from f1lib.gold.ratings import Ratings

ERAS = {2021: 2014, 2022: 2022, 2023: 2022}


def _history(finishes: dict[int, list[list[str]]], cars: dict[str, str]) -> pd.DataFrame:
    """Races by season as finishing orders of driver names; qualifying gaps follow the same order."""
    rows: list[dict[str, Any]] = []
    for season, races in finishes.items():
        for number, order in enumerate(races, start=1):
            for place, driver in enumerate(order, start=1):
                rows.append(
                    {
                        "available_utc": pd.Timestamp(f"{season}-03-01", tz="UTC") + pd.Timedelta(weeks=number),
                        "event_year": season, "event_number": number, "major_era_year": ERAS[season],
                        "driver_id": driver, "team_lineage": cars[driver], "finish": float(place),
                        "is_classified": True, "quali_gap_pct": 0.3 * (place - 1),
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def _asked(history: pd.DataFrame, season: int, cars: dict[str, str]) -> pd.DataFrame:
    latest = history["available_utc"].max()
    return pd.DataFrame(
        [
            {
                "rating_utc": latest,
                "event_year": season,
                "major_era_year": ERAS[season],
                "driver_id": d,
                "team_lineage": c,
            }
            for d, c in cars.items()
        ]
    )


CARS = {"ann": "fast", "bob": "fast", "cat": "slow", "dan": "slow"}


def test_the_winner_of_many_races_is_rated_fastest() -> None:
    history = _history({2022: [["ann", "bob", "cat", "dan"]] * 6}, CARS)
    found = Ratings(history).of(_asked(history, 2022, CARS)).set_index("driver_id")
    for kind in ("qualifying", "race"):
        total = found[f"{kind}_driver"] + found[f"{kind}_car"]
        assert list(total.sort_values().index) == ["ann", "bob", "cat", "dan"]
        assert found[f"{kind}_car"]["ann"] < found[f"{kind}_car"]["cat"]
        assert found[f"{kind}_driver"]["ann"] < found[f"{kind}_driver"]["bob"]


def test_what_a_driver_showed_goes_with_him_to_another_car() -> None:
    history = _history({2022: [["ann", "bob", "cat", "dan"]] * 10}, CARS)
    moved = {"ann": "slow", "bob": "slow"}
    found = Ratings(history).of(_asked(history, 2022, moved)).set_index("driver_id")
    assert found["race_car"]["ann"] == found["race_car"]["bob"]
    assert found["race_driver"]["ann"] < found["race_driver"]["bob"]


def test_a_change_of_regulations_halves_what_is_thought_of_a_car_and_widens_the_doubt() -> None:
    history = _history({2021: [["ann", "bob", "cat", "dan"]] * 10}, CARS)
    before = Ratings(history).of(_asked(history, 2021, CARS)).set_index("driver_id")
    after = Ratings(history).of(_asked(history, 2022, CARS)).set_index("driver_id")
    assert abs(after["race_car"]["ann"] / before["race_car"]["ann"] - 0.5) < 1e-9
    assert after["race_sd"]["ann"] > 1.5 * before["race_sd"]["ann"]
    assert after["race_driver"]["ann"] == before["race_driver"]["ann"]


def test_an_unknown_driver_in_an_unknown_car_is_rated_average_and_most_doubtful() -> None:
    history = _history({2022: [["ann", "bob", "cat", "dan"]] * 4}, CARS)
    found = Ratings(history).of(_asked(history, 2022, CARS | {"eve": "new"})).set_index("driver_id")
    assert found["race_driver"]["eve"] == found["race_car"]["eve"] == 0
    assert found["race_sd"].idxmax() == "eve"


def test_races_after_the_asked_moment_do_not_count() -> None:
    history = _history({2022: [["ann", "bob", "cat", "dan"]] * 3 + [["dan", "cat", "bob", "ann"]] * 3}, CARS)
    early = history[history["event_number"] <= 3]
    asked = _asked(early, 2022, CARS)
    pd.testing.assert_frame_equal(Ratings(history).of(asked), Ratings(early).of(asked), check_exact=True)


def test_a_retirement_does_not_make_a_driver_slow() -> None:
    history = _history({2022: [["ann", "bob", "cat", "dan"]] * 3}, CARS)
    retired = history.copy()
    out = (retired["driver_id"] == "ann") & (retired["event_number"] == 3)
    retired.loc[out, ["finish", "is_classified"]] = [4.0, False]
    finished_last = history.copy()
    finished_last.loc[out, "finish"] = 5.0
    asked = _asked(history, 2022, CARS)
    after_retiring = Ratings(retired).of(asked).set_index("driver_id")["race_driver"]["ann"]
    after_last_place = Ratings(finished_last).of(asked).set_index("driver_id")["race_driver"]["ann"]
    assert after_retiring < after_last_place
