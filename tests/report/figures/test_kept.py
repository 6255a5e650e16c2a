"""A picture is held while nothing that it shows has changed."""

from __future__ import annotations

from f1lib.lake.cache import Cache
from f1lib.report.figures import drawn_once, race
from tests.support.made_up_predictions import prediction_frame


def test_a_prediction_that_differs_in_anything_shown_is_drawn_anew() -> None:
    cache, prediction = Cache(), prediction_frame()
    nearer = prediction.assign(position_p10=prediction["position_p10"] + 0.5)
    first = drawn_once(race.order, prediction, cache)
    assert drawn_once(race.order, prediction.copy(), cache) is first
    assert "Somebody Else" in drawn_once(race.order, prediction.assign(full_name="Somebody Else"), cache).alt
    assert drawn_once(race.order, nearer, cache).svg != first.svg


def test_every_race_and_each_of_its_pictures_is_held_by_itself() -> None:
    cache, one, other = Cache(), prediction_frame(), prediction_frame().assign(event_name="Another Grand Prix")
    asked = [(draw, frame) for draw in (race.order, race.matrix) for frame in (one, other)]
    first = [drawn_once(draw, frame, cache) for draw, frame in asked]
    second = [drawn_once(draw, frame, cache) for draw, frame in asked]
    assert all(picture is before for picture, before in zip(second, first, strict=True))


def test_the_picture_held_is_the_one_drawn_without_a_cache() -> None:
    prediction = prediction_frame()
    assert drawn_once(race.matrix, prediction, Cache()) == race.matrix(prediction)
