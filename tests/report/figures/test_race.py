"""Pictures of one race's prediction."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pandas as pd

from f1lib.lake.cache import Cache
from f1lib.report.figures import drawn_once, race
from tests.support.made_up_predictions import prediction_frame


def test_a_prediction_that_differs_in_anything_shown_is_drawn_anew() -> None:
    prediction = prediction_frame()
    renamed = prediction.assign(full_name="Somebody Else")
    nearer = prediction.assign(position_p10=prediction["position_p10"] + 0.5)
    cache = Cache()
    first = drawn_once(race.order, prediction, cache)
    assert drawn_once(race.order, prediction.copy(), cache) is first
    assert "Somebody Else" in drawn_once(race.order, renamed, cache).alt
    assert drawn_once(race.order, nearer, cache).svg != first.svg
    assert drawn_once(race.matrix, nearer, cache) == race.matrix(nearer)


def test_every_race_and_each_of_its_pictures_is_held_by_itself() -> None:
    cache, one, other = Cache(), prediction_frame(), prediction_frame().assign(event_name="Another Grand Prix")
    pictures = [drawn_once(draw, frame, cache) for draw in (race.order, race.matrix) for frame in (one, other)]
    again = [drawn_once(draw, frame, cache) for draw in (race.order, race.matrix) for frame in (one, other)]
    assert all(picture is before for picture, before in zip(again, pictures, strict=True))


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
