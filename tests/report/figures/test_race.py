"""Pictures of one race's prediction."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pandas as pd

from f1lib.report.figures import race
from tests.support.made_up_predictions import prediction_frame


def test_a_picture_shows_the_names_and_the_uncertainty_of_its_prediction() -> None:
    prediction = prediction_frame()
    nearer = prediction.assign(position_p10=prediction["position_p10"] + 0.5)
    assert "Somebody Else" in race.order(prediction.assign(full_name="Somebody Else")).alt
    assert race.order(nearer).svg != race.order(prediction).svg
    assert race.order(prediction) == race.order(prediction.copy())


def test_drawing_leaves_the_prediction_as_it_was() -> None:
    prediction = prediction_frame().sample(frac=1, random_state=3)
    before = prediction.copy(deep=True)
    race.order(prediction)
    race.matrix(prediction)
    pd.testing.assert_frame_equal(prediction, before)


def test_a_name_from_upstream_is_text_in_a_picture() -> None:
    prediction = prediction_frame().assign(full_name="<script>alert(1)</script>", abbreviation='<b "x">')
    picture = race.order(prediction)
    assert "<script" not in picture.svg
    assert ET.fromstring(picture.svg) is not None


def test_a_driver_without_letters_is_named_by_the_start_of_his_name() -> None:
    picture = race.order(prediction_frame().assign(abbreviation=pd.Series(dtype="string")))
    assert "DRI" in picture.svg


def test_the_heat_map_writes_the_chances_it_has_room_for() -> None:
    prediction = prediction_frame()
    svg = race.matrix(prediction).svg
    written = sum(1 for row in prediction["position_probabilities"] for share in row if share >= 0.095)
    ticks = 3  # 1, 5 and 10 below the map
    assert len(re.findall(r">(\d+)</text>", svg)) == written + ticks
