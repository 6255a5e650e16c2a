"""Tracking table in two DynamoDB tables, which ``lambda_runner/template.yaml`` creates.

Claims are conditional updates, so that one of any number of callers wins. What a decision depends on is read
consistently: single rows, the rows of an event, predictions. All rows together are read through the index by season and
session date instead of a scan. The index is eventually consistent, so the events with an unsettled row in it are read
again from the table itself.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from f1lib.domain.moments import format_utc
from f1lib.errors import AlreadyRunning, BadParameters, StorageError
from f1lib.lake.aws_client import AwsUrl, aws_errors, error_code
from f1lib.tracking.dynamodb_items import (
    BY_DATE,
    INDEX_SEASON,
    LAST_RELEASE,
    PARTITION,
    SEASONS_KEY,
    Item,
    from_item,
    from_value,
    row_key,
    to_item,
    update,
)
from f1lib.tracking.rows import (
    FREED,
    NOBODY,
    PREDICTION_SORT_KEY,
    PREDICTIONS_TABLE,
    Claim,
    claim_row,
    claimed_message,
    clipped,
    key_of,
    lost_message,
    moving,
    prediction_sort_key,
    renewed,
    season_of,
    unsettled,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime, timedelta

    from f1lib.tracking.rows import StageRow, TrackingRow

# Concurrent requests (as many as `aws_client.CONNECTIONS`); DynamoDB takes one row in an UpdateItem.
THREADS = 16
BATCH = 25  # BatchWriteItem's own limit
BATCH_ATTEMPTS = 6
# Conditions of a claim and of its release.
FREE = "attribute_not_exists(#owner) OR attribute_not_exists(#expires) OR #expires <= :now"
OURS = "#token = :token"


class DynamoTracking:
    """See `f1lib.tracking.table.TrackingTable`."""

    def __init__(self, place: AwsUrl) -> None:
        self.url = place.text("dynamodb")
        self.table = place.name
        self.predictions_table = place.options.get("predictions", PREDICTIONS_TABLE)
        self._place = place
        self._indexed: set[str] = set()

    @classmethod
    def from_url(cls, url: str) -> DynamoTracking:
        """Open ``dynamodb://f1_session_tracking?predictions=f1_predictions``; no request is sent."""
        place = AwsUrl.parse(url, "dynamodb", ("predictions",))
        if place.path:
            raise BadParameters(f"tracking {url!r}: a table has no path; use dynamodb://table?predictions=table")
        return cls(place)

    @cached_property
    def _client(self) -> Any:
        client = self._place.client("dynamodb")
        client.meta.events.register("before-parse.dynamodb.Query", _items_from_json)
        return client

    def put_rows(self, rows: Iterable[StageRow]) -> None:
        """See `TrackingTable.put_rows`; each row is merged in one atomic update."""
        merged: dict[tuple[str, str], dict[str, Any]] = {}
        for row in rows:
            merged.setdefault(key_of(row), {}).update(row)
        calls = [{"Key": row_key(*key), **update(clipped(row), key[0])} for key, row in merged.items()]
        self._index_seasons(key[0] for key in merged)
        with aws_errors(f"write to table {self.table}"):
            _each(lambda call: self._client.update_item(TableName=self.table, **call), calls)

    def get(self, event_partition_key: str, session_name_abr: str) -> TrackingRow | None:
        """See `TrackingTable.get`."""
        item = self._item(row_key(event_partition_key, session_name_abr))
        return cast("TrackingRow", from_item(item)) if item else None

    def rows(self, event_partition_key: str | None = None, *, status: str | None = None) -> list[TrackingRow]:
        """See `TrackingTable.rows`; ``status`` filters what was read, because the index is eventually consistent."""
        with aws_errors(f"read table {self.table}"):
            found = self._all() if event_partition_key is None else self._event(event_partition_key)
        return [row for row in found if status in (None, row.get("status"))]

    def _all(self) -> list[TrackingRow]:
        seasons = self._item(to_item(SEASONS_KEY)).get("seasons")
        found = [row for rows in _each(self._season, from_value(seasons) if seasons else []) for row in rows]
        return self._renewed(found, unsettled(found))

    def refresh(self, rows: list[TrackingRow], events: Collection[str] = ()) -> list[TrackingRow]:
        """See `TrackingTable.refresh`."""
        return self._renewed(rows, {*moving(rows), *events})

    def _renewed(self, rows: list[TrackingRow], events: Collection[str]) -> list[TrackingRow]:
        with aws_errors(f"read table {self.table}"):
            fresh = [row for event in _each(self._event, sorted(events)) for row in event]
        return renewed(rows, events, fresh)

    def claim(
        self,
        event_partition_key: str,
        session_name_abr: str,
        *,
        owner: str,
        run_id: str,
        now: datetime,
        lease: timedelta,
    ) -> Claim:
        """See `TrackingTable.claim`.

        A token identifies this claim when botocore repeats a request whose answer was lost.
        """
        claim = Claim(event_partition_key, session_name_abr, owner, run_id, now + lease)
        self._index_seasons([event_partition_key])
        call = update({**claim_row(claim), LAST_RELEASE: None}, event_partition_key)
        call["ExpressionAttributeNames"] |= {"#owner": "owner", "#expires": "lease_expires_utc"}
        call["ExpressionAttributeValues"][":now"] = {"S": format_utc(now)}
        if not self._conditional(row_key(event_partition_key, session_name_abr), call, FREE):
            item = self._item(row_key(event_partition_key, session_name_abr))
            if item.get("claim_token") != {"S": claim.token}:
                raise AlreadyRunning(claimed_message({**vars(claim), **NOBODY, **from_item(item)}))
        return claim

    def renew(self, claim: Claim, expires: datetime) -> None:
        """See `TrackingTable.renew`."""
        self._change_claimed(claim, {"lease_expires_utc": format_utc(expires)})

    def release(self, claim: Claim, attributes: StageRow) -> None:
        """See `TrackingTable.release`; the row keeps the token of its last release, should the answer be lost."""
        self._change_claimed(claim, {**attributes, **FREED, LAST_RELEASE: claim.token})

    def _change_claimed(self, claim: Claim, changes: Mapping[str, Any]) -> None:
        key = row_key(claim.event_partition_key, claim.session_name_abr)
        call = update(clipped(changes), claim.event_partition_key)
        call["ExpressionAttributeNames"]["#token"] = "claim_token"
        call["ExpressionAttributeValues"][":token"] = {"S": claim.token}
        if not self._conditional(key, call, OURS):
            item = self._item(key)
            if item.get(LAST_RELEASE) != {"S": claim.token} or LAST_RELEASE not in changes:
                raise AlreadyRunning(lost_message(claim, from_item(item)))

    def owner_died(self, row: StageRow) -> bool:
        """See `TrackingTable.owner_died`; always False, because several machines share the table."""
        return False

    def check_predictions(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """See `TrackingTable.check_predictions`."""
        _prediction_items(rows)

    def put_predictions(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """See `TrackingTable.put_predictions`."""
        requests = [{"PutRequest": {"Item": item}} for item in _prediction_items(rows)]
        batches = [requests[start : start + BATCH] for start in range(0, len(requests), BATCH)]
        with aws_errors(f"write to table {self.predictions_table}"):
            _each(self._write_batch, batches)

    def predictions(self, event_partition_key: str) -> list[dict[str, Any]]:
        """See `TrackingTable.predictions`."""
        with aws_errors(f"read table {self.predictions_table}"):
            return list(self._query(self.predictions_table, PARTITION, event_partition_key, ConsistentRead=True))

    def delete(self, keys: Iterable[tuple[str, str]]) -> None:
        """See `TrackingTable.delete`."""
        self._delete(self.table, [row_key(*key) for key in keys])

    def delete_predictions(self, event_partition_key: str, sort_keys: Iterable[str]) -> None:
        """See `TrackingTable.delete_predictions`."""
        keys = [to_item({PARTITION: event_partition_key, PREDICTION_SORT_KEY: key}) for key in sort_keys]
        self._delete(self.predictions_table, keys)

    def _delete(self, table: str, keys: list[Item]) -> None:
        with aws_errors(f"delete from table {table}"):
            _each(lambda key: self._client.delete_item(TableName=table, Key=key), keys)

    def _event(self, event_partition_key: str) -> list[TrackingRow]:
        found = self._query(self.table, PARTITION, event_partition_key, ConsistentRead=True)
        return cast("list[TrackingRow]", list(found))

    def _season(self, season: str) -> list[TrackingRow]:
        return cast("list[TrackingRow]", list(self._query(self.table, INDEX_SEASON, season, IndexName=BY_DATE)))

    def _query(self, table: str, name: str, value: str, **options: Any) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="#name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": {"S": value}},
            **options,
        )
        for page in pages:
            if "Items" not in page:
                raise StorageError(f"cannot read table {table}: its answer breaks off; try again")
            yield from map(from_item, page["Items"])

    def _item(self, key: Item) -> Item:
        """Get an item with a consistent read; empty when there is none."""
        with aws_errors(f"read table {self.table}"):
            answer = self._client.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        item: Item = answer.get("Item", {})
        return item

    def _conditional(self, key: Item, call: Mapping[str, Any], condition: str) -> bool:
        """Update an item if ``condition`` holds, and return whether it did."""
        from botocore.exceptions import ClientError

        with aws_errors(f"write to table {self.table}"):
            try:
                self._client.update_item(TableName=self.table, Key=key, ConditionExpression=condition, **call)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def _index_seasons(self, events: Iterable[str]) -> None:
        """Record new seasons before their first row is written, so that a listing never misses a row."""
        new = sorted({season_of(event) for event in events} - self._indexed)
        if not new:
            return
        with aws_errors(f"write to table {self.table}"):
            self._client.update_item(
                TableName=self.table,
                Key=to_item(SEASONS_KEY),
                UpdateExpression="ADD seasons :new",
                ExpressionAttributeValues={":new": {"SS": new}},
            )
        self._indexed |= set(new)

    def _write_batch(self, requests: list[Any]) -> None:
        waiting = {self.predictions_table: requests}
        for attempt in range(BATCH_ATTEMPTS):
            if attempt:
                time.sleep(0.05 * 2**attempt)
            waiting = self._client.batch_write_item(RequestItems=waiting).get("UnprocessedItems") or {}
            if not waiting:
                return
        left = sum(map(len, waiting.values()))
        raise StorageError(
            f"cannot write to table {self.predictions_table}: {left} rows were refused {BATCH_ATTEMPTS} times; "
            "it is asked for more than it takes, try again later"
        )


def _prediction_items(rows: Iterable[Mapping[str, Any]]) -> list[Item]:
    items = {}
    for row in rows:
        sort_key = prediction_sort_key(row)
        items[row[PARTITION], sort_key] = to_item({**row, PREDICTION_SORT_KEY: sort_key})
    return list(items.values())


def _items_from_json(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Take the items of a page from its JSON, before botocore parses it.

    botocore looks at each typed value ten times, once a type: half a second for the rows of sixteen seasons.
    """
    if response_dict["status_code"] != HTTPStatus.OK:
        return
    try:
        page = json.loads(response_dict["body"])
    except ValueError:  # cut off: botocore compares its checksum and repeats the request
        return
    customized_response_dict["Items"] = page.pop("Items", [])
    response_dict["body"] = json.dumps(page).encode()


def _each(function: Callable[[Any], Any], arguments: list[Any]) -> list[Any]:
    """Call a function with each argument, several requests at a time, and return the results in order."""
    if len(arguments) < 2:
        return [function(argument) for argument in arguments]
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        return list(pool.map(function, arguments))
