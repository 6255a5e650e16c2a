"""What cannot be is refused and noted; what can be is left alone."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.sources.plausible import RULES, refuse, words


def laps(*rows: tuple[float | None, tuple[float | None, float | None, float | None], bool | None]) -> pd.DataFrame:
    frame = pd.DataFrame(
        [
            {
                "driver_id": f"driver-{n}",
                "lap_number": n,
                "lap_time_seconds": time,
                **{f"sector{k}_seconds": value for k, value in enumerate(sectors, start=1)},
                "is_accurate": accurate,
            }
            for n, (time, sectors, accurate) in enumerate(rows, start=1)
        ]
    )
    return frame.astype({"is_accurate": "boolean", "lap_time_seconds": "float64"})


WHOLE = (88.4, (30.0, 40.0, 18.4), True)


def test_a_lap_without_a_sector_flagged_inaccurate_and_faster_than_any_other_is_refused() -> None:
    frames, refused = refuse({"laps": laps(WHOLE, (73.7, (None, 40.0, 33.7), False))}, "Q")
    assert frames["laps"]["lap_time_seconds"].isna().tolist() == [False, True]
    assert [(row["driver_id"], row["lap_number"], row["value"]) for row in refused] == [("driver-2", 2, 73.7)]
    assert "88.4 s" in words(refused)[0]


@pytest.mark.parametrize(
    "kept",
    [
        (87.9, (30.0, 40.0, 17.9), False),  # the fastest lap of a race may end under a flag that makes it inaccurate
        (87.9, (None, None, None), True),
        (95.0, (None, 40.0, 35.0), False),  # an out lap
    ],
)
def test_a_fast_lap_with_sectors_or_flagged_accurate_and_a_slow_one_stay(kept: Any) -> None:
    frames, refused = refuse({"laps": laps(WHOLE, kept)}, "Q")
    assert refused == []
    assert frames["laps"]["lap_time_seconds"].tolist() == [88.4, kept[0]]


def test_where_no_sector_is_known_the_flag_alone_counts() -> None:
    _, refused = refuse(
        {"laps": laps((88.4, (None,) * 3, True), (73.7, (None,) * 3, False), (88.0, (None,) * 3, None))}, "Q"
    )
    assert [row["value"] for row in refused] == [73.7]


@pytest.mark.parametrize(
    ("frame", "column", "value"),
    [
        ("laps", "lap_time_seconds", -1.0),
        ("laps", "lap_time_seconds", 40_000.0),
        ("laps", "sector2_seconds", 0.0),
        ("results", "race_time_seconds", -6004.146),
        ("results", "gap_seconds", -0.5),
        ("results", "q3_seconds", 12.0),
        ("results", "points", -1.0),
        ("pit_stops", "duration_seconds", -3.0),
        ("weather", "air_temp_c", 300.0),
        ("weather", "humidity_pct", 101.0),
    ],
)
def test_a_value_beyond_its_bounds_is_missing_and_its_row_stays(frame: str, column: str, value: float) -> None:
    row = {"driver_id": "a", "other": 1.0, column: value}
    whole = laps(WHOLE).assign(**{column: value}) if frame == "laps" else pd.DataFrame([row])
    before = whole.copy()
    frames, refused = refuse({frame: whole}, "R")
    assert frames[frame][column].isna().all()
    assert len(frames[frame]) == len(whole)
    assert refused[0]["column"] == column
    assert refused[0]["value"] == value
    pd.testing.assert_frame_equal(whole, before)


@given(st.sampled_from([rule for rule in RULES if rule.frame != "laps"]), st.data())
def test_values_within_the_bounds_are_left_alone(rule: Any, data: st.DataObject) -> None:
    most = rule.most if rule.most is not None else 3600.0
    values = data.draw(st.lists(st.floats(rule.least, most), min_size=1, max_size=5))
    frame = pd.DataFrame({"driver_id": [str(n) for n in range(len(values))], rule.columns[0]: values})
    frames, refused = refuse({rule.frame: frame}, "Q")
    assert refused == []
    assert frames[rule.frame] is frame


def test_every_rule_says_why() -> None:
    assert all(len(rule.reason) > 5 and rule.columns for rule in RULES)
