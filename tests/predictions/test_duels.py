"""Head-to-heads of an issued prediction: the drivers meant, team-mates, and the model's own joint order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from f1lib.errors import BadParameters
from f1lib.lake.store import open_store
from f1lib.predictions import archive, duels


@pytest.fixture(scope="module")
def prediction(saturday_lake: Path) -> pd.DataFrame:
    return archive.read("2025_Abu_Dhabi_Grand_Prix", lake=str(saturday_lake))


@pytest.fixture(scope="module")
def chances(saturday_lake: Path, prediction: pd.DataFrame) -> pd.DataFrame:
    return duels.head_to_heads(open_store(str(saturday_lake)), prediction)


def test_they_agree_with_the_expected_places_that_were_issued(prediction: pd.DataFrame, chances: pd.DataFrame) -> None:
    assert chances.index.tolist() == chances.columns.tolist() == prediction["driver_id"].tolist()
    np.testing.assert_allclose(1 + chances.sum(axis=0), prediction["predicted_position"], atol=0.02)


def test_each_team_has_one_pair_and_the_likelier_stands_first(prediction: pd.DataFrame, chances: pd.DataFrame) -> None:
    rows = duels.team_mates(prediction, chances)
    assert len(rows) == 10
    assert all(0.5 <= row["p_ahead"] < 1 for row in rows)
    mclaren = next(row for row in rows if row["team_name"] == "McLaren")
    assert mclaren["p_ahead"] == pytest.approx(chances.loc["lando-norris", "oscar-piastri"])
    assert (mclaren["ahead"], mclaren["behind"]) == ("Lando Norris", "Oscar Piastri")


@pytest.mark.parametrize("text", ["VER", "ver", "max-verstappen", "Max Verstappen", "verstapp"])
def test_a_driver_is_found_by_any_of_his_names(prediction: pd.DataFrame, text: str) -> None:
    assert duels.find_driver(prediction, text) == "max-verstappen"


def test_a_name_that_fits_nobody_or_several_is_refused_with_those_there_are(prediction: pd.DataFrame) -> None:
    with pytest.raises(BadParameters, match=r"'Senna' fits nobody; there are VER, "):
        duels.find_driver(prediction, "Senna")
    with pytest.raises(BadParameters, match=r"'an' fits \S+, .*; there are VER, "):
        duels.find_driver(prediction, "an")
