"""The table of features is complete and says nothing that is not so."""

from __future__ import annotations

import re
from pathlib import Path

from f1lib.domain.weekend import HORIZONS
from f1lib.lake import features


def test_there_are_at_least_sixty_features_and_each_is_named_once() -> None:
    names = features.feature_names()
    assert len(names) >= 60
    assert len(set(names)) == len(names)


def test_every_feature_says_what_it_means_in_which_unit_and_when_it_is_null() -> None:
    for feature in features.features():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", feature.name)
        assert feature.unit, feature.name
        assert len(feature.meaning) > 15, feature.name
        assert feature.null_when, feature.name
        assert feature.dtype == "float64"


def test_every_group_is_a_sql_file_and_every_sql_file_is_a_group_or_a_step(root: Path) -> None:
    folder = root / "f1lib" / "gold" / "sql"
    steps = {"regulation_eras", "target", "race_history", "rating_history", "lap_history", "field", "driver_state"}
    steps |= {"team_state", "inputs_seen", "wet_races"}
    assert {path.stem for path in (folder / "steps").glob("*.sql")} == steps
    assert {path.stem for path in (folder / "features").glob("*.sql")} == set(features.groups())


def test_fewer_features_are_unknown_the_later_it_is() -> None:
    unknown = [set(features.unknown_at(horizon)) for horizon in HORIZONS]
    assert "grid_position" in unknown[2]
    assert "qualifying_position" in unknown[1]
    assert "qualifying_position" not in unknown[2]
    assert unknown[0] > unknown[1] > unknown[2] > unknown[3] == set()
