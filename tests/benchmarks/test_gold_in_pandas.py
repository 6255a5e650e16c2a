"""The seven groups in pandas that gold is timed against are gold's: every value of every row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import gold, gold_in_pandas, multiplied
from benchmarks.multiplied import History
from f1lib.gold.build import compute
from f1lib.gold.read_silver import read_silver
from f1lib.lake.gold_tables import KEYS
from f1lib.lake.store import LocalStore


@pytest.fixture(scope="module")
def history(replayed_lake: Path) -> History:
    """Once of today's history, multiplied from a simulated lake."""
    return multiplied.multiplied(read_silver(LocalStore(replayed_lake / "lake")).tables, 1)


@pytest.mark.parametrize("which", ["all", "next"])
def test_each_feature_is_equal_on_both_sides(history: History, which: str) -> None:
    connection = gold.prepared(history, gold.targets(history, which))
    ours, theirs = gold.in_sql(connection), gold_in_pandas.features(*gold.in_pandas(history, connection))
    assert set(ours) == set(theirs)
    assert len(ours) == len(theirs) > (20_000 if which == "all" else 15)
    theirs = theirs.reindex(ours.index)
    far = [
        n for n in ours if not np.allclose(ours[n].astype(float), theirs[n].astype(float), atol=1e-6, equal_nan=True)
    ]
    assert far == []


def test_the_side_that_is_timed_in_sql_is_what_gold_computes(history: History) -> None:
    wanted = gold.targets(history, "next")
    connection = gold.prepared(history, wanted)
    entries = connection.table("field").df().set_index("entry_id")[KEYS]
    ours = entries.join(gold.in_sql(connection)).set_index(KEYS).sort_index()
    built = compute(history.silver, wanted).set_index(KEYS).sort_index()
    horizons = ours.index.get_level_values("horizon")
    for name in ours:
        known = built[name].notna().to_numpy() | (horizons == "pre_race")  # gold leaves out what a horizon cannot know
        assert np.allclose(ours[name].astype(float)[known], built[name][known], atol=1e-6, equal_nan=True), name
