"""Conversion between rows and DynamoDB items: typed values, attributes of the index, update expressions.

Numbers are sent as decimal text, never as binary floats, and come back as ``int`` when whole, else as ``float`` (1.0
comes back as 1). Pure functions over boto3's serializers; nothing is sent.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from f1lib.errors import StorageError
from f1lib.tracking.rows import season_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Item = dict[str, Any]

PARTITION, SORT = "event_partition_key", "session_name_abr"
# The index by season and session date; its attributes are internal and never part of a row.
BY_DATE = "by_session_date"
INDEX_SEASON, INDEX_DATE = "index_season", "index_date"
LAST_RELEASE = "last_release"
HIDDEN = frozenset({INDEX_SEASON, INDEX_DATE, LAST_RELEASE})
NO_DATE = "-"
LARGEST_ITEM, SMALLEST = 390_000, Decimal("1e-110")  # DynamoDB's own limits: 400 KB, and 1e-130 with all digits
# The only item that is not a row: the seasons in the index.
SEASONS_KEY = {PARTITION: "INDEX", SORT: "SEASONS"}


def to_value(value: Any, where: str) -> Item:
    """Convert a value to DynamoDB's typed form.

    Raises `StorageError` naming ``where`` when the table cannot hold it.
    """
    from boto3.dynamodb.types import TypeSerializer

    try:
        text = json.dumps(value, allow_nan=False)
        if len(text) > LARGEST_ITEM:
            raise StorageError(f"{where} has {len(text)} characters: DynamoDB takes rows of at most 400 KB")
        plain = json.loads(text, parse_float=_decimal)
        typed: Item = TypeSerializer().serialize(plain)
    except (TypeError, ValueError, ArithmeticError) as error:
        takes = "text, finite numbers of at most 38 digits, booleans, lists and mappings"
        raise StorageError(f"{where} is {value!r}: the table takes {takes}") from error
    return typed


def _decimal(text: str) -> Decimal:
    """Read a number; one closer to 0 than DynamoDB can tell (a probability of 1e-140) is 0."""
    number = Decimal(text)
    return number if abs(number) >= SMALLEST else Decimal(0)


def from_value(value: Mapping[str, Any]) -> Any:
    """Convert a typed value back; a set becomes a sorted list."""
    from boto3.dynamodb.types import TypeDeserializer

    return _plain(TypeDeserializer().deserialize(value))


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dict():
            return {name: _plain(element) for name, element in value.items()}
        case list():
            return [_plain(element) for element in value]
        case set():
            return sorted(_plain(element) for element in value)
    return value


def to_item(row: Mapping[str, Any]) -> Item:
    """Convert a row to an item."""
    return {name: to_value(value, f"attribute {name}") for name, value in row.items()}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an item to a row, without the internal attributes (`HIDDEN`)."""
    row: dict[str, Any] = from_value({"M": {name: value for name, value in item.items() if name not in HIDDEN}})
    return row


def row_key(event_partition_key: str, session_name_abr: str) -> Item:
    """Return the primary key of one row as an item."""
    return to_item({PARTITION: event_partition_key, SORT: session_name_abr})


def update(changes: Mapping[str, Any], event_partition_key: str) -> dict[str, Any]:
    """Build the arguments of ``UpdateItem`` that merge ``changes`` into a row; None removes an attribute.

    The attributes of the index are set too.
    """
    names: dict[str, str] = {"#season": INDEX_SEASON, "#date": INDEX_DATE}
    values: Item = {":season": {"S": season_of(event_partition_key)}}
    if "session_date_utc" in changes:
        sets = ["#season = :season", "#date = :date"]
        values[":date"] = {"S": str(changes["session_date_utc"] or NO_DATE)}
    else:
        sets = ["#season = :season", "#date = if_not_exists(#date, :date)"]
        values[":date"] = {"S": NO_DATE}
    removes = []
    kept = [(name, value) for name, value in changes.items() if name not in (PARTITION, SORT)]
    for number, (name, value) in enumerate(kept):
        names[f"#n{number}"] = name
        if value is None:
            removes.append(f"#n{number}")
        else:
            sets.append(f"#n{number} = :v{number}")
            values[f":v{number}"] = to_value(value, f"attribute {name}")
    expression = f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else "")
    return {"UpdateExpression": expression, "ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
