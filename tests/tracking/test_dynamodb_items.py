import pytest

from f1lib.errors import StorageError
from f1lib.tracking.dynamodb_items import from_value, to_value


def test_numbers_come_back_as_int_when_whole_and_float_otherwise() -> None:
    back = from_value(to_value([1, 2.0, 0.1, 1e-7, {"deep": (3, None, True)}], "attribute x"))
    assert back == [1, 2, 0.1, 1e-7, {"deep": [3, None, True]}]
    assert [type(value) for value in back[:3]] == [int, int, float]


def test_sets_that_others_wrote_come_back_as_sorted_lists() -> None:
    assert from_value({"SS": ["b", "a"]}) == ["a", "b"]
    assert from_value({"NS": ["3", "1.5"]}) == [1.5, 3]


@pytest.mark.parametrize("value", [10**38 + 1, 1e200, [float("nan")]], ids=str)
def test_a_number_that_dynamodb_cannot_hold_is_refused_by_the_attribute_s_name(value: object) -> None:
    with pytest.raises(StorageError, match=r"attribute x is .*: the table takes"):
        to_value(value, "attribute x")


def test_a_value_that_is_too_large_for_a_row_is_refused_before_it_is_sent() -> None:
    with pytest.raises(StorageError, match=r"attribute x has \d+ characters: DynamoDB takes rows of at most 400 KB"):
        to_value("x" * 500_000, "attribute x")
