"""DynamoDB over two independent stand-ins, and what only a network and an index can do wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from f1lib.errors import AlreadyRunning, BadParameters, StorageError
from f1lib.lake.aws_client import ATTEMPTS
from f1lib.tracking.dynamodb import BATCH_ATTEMPTS
from f1lib.tracking.rows import Status
from f1lib.tracking.table import TrackingTable, open_tracking
from tests.support.faults_proxy import BROKEN, CUT, LOST, THROTTLED, Proxy, proxy_before
from tests.support.standins import REGION, Server, make_tables
from tests.support.tracking_suite import EVENT, LEASE, NOW, TrackingSuite, numbered, prediction, row, take

_names = numbered()


class TestDynamoTrackingOverMoto(TrackingSuite):
    @pytest.fixture
    def url(self, moto: Server) -> str:
        return make_tables(moto, next(_names))


class TestDynamoTrackingOverDynalite(TrackingSuite):
    @pytest.fixture
    def url(self, dynalite: Server) -> str:
        return make_tables(dynalite, next(_names))


@pytest.fixture
def proxy(moto: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the waits between tries
    with proxy_before(moto.url) as proxy:
        yield proxy


@pytest.fixture
def url(moto: Server) -> str:
    return make_tables(moto, next(_names))


@pytest.fixture
def direct(url: str) -> TrackingTable:
    return open_tracking(url)


@pytest.fixture
def behind(url: str, moto: Server, proxy: Proxy) -> TrackingTable:
    """The same tables seen through the proxy."""
    return open_tracking(url.replace(moto.url, proxy.url))


@pytest.mark.parametrize("fault", [THROTTLED, BROKEN], ids=["throttled", "500"])
def test_a_passing_fault_is_tried_again(behind: TrackingTable, proxy: Proxy, fault: Any) -> None:
    proxy.faults = [fault] * 3
    behind.put_rows([row("Q", status="due")])
    proxy.faults = [fault] * 2
    assert behind.get(EVENT, "Q") == row("Q", status="due")
    proxy.faults = [fault] * 2
    assert behind.rows() == [row("Q", status="due")]
    proxy.faults = [fault]
    behind.put_predictions([prediction("lando-norris")])
    proxy.faults = [fault]
    assert len(behind.predictions(EVENT)) == 1


def test_an_answer_that_breaks_off_is_one_clear_error(behind: TrackingTable, proxy: Proxy) -> None:
    behind.put_rows([row("Q", status="due")])
    proxy.faults, proxy.forever = [CUT], True
    with pytest.raises(StorageError, match="cannot read table"):
        behind.rows(EVENT)


def test_a_lasting_fault_ends_after_a_bounded_number_of_tries(behind: TrackingTable, proxy: Proxy) -> None:
    proxy.faults, proxy.forever = [THROTTLED], True
    with pytest.raises(StorageError, match=r"cannot read table .*ThrottlingException"):
        behind.get(EVENT, "Q")
    assert len(proxy.requests) == ATTEMPTS


@pytest.mark.parametrize("fault", [LOST, BROKEN], ids=["answer lost", "not carried out"])
def test_a_claim_whose_answer_was_lost_is_still_ours(
    behind: TrackingTable, direct: TrackingTable, proxy: Proxy, fault: Any
) -> None:
    """botocore sends it again, and our own first try then fails the condition of the second."""
    behind.put_rows([row("Q", status="due")])
    proxy.faults = [fault]
    claim = take(behind, "Q", owner="lambda:a")
    with pytest.raises(AlreadyRunning, match="lambda:a"):
        take(direct, "Q", owner="lambda:b")
    proxy.faults = [fault]
    behind.release(claim, {"status": Status.INGESTED})
    assert direct.get(EVENT, "Q") == row("Q", status="ingested", run_id="r1")


def test_a_claim_lost_to_another_while_our_answer_was_lost_is_not_ours(
    behind: TrackingTable, direct: TrackingTable, proxy: Proxy
) -> None:
    take(direct, "Q", owner="lambda:b")
    proxy.faults = [BROKEN]
    with pytest.raises(AlreadyRunning, match="lambda:b"):
        take(behind, "Q", owner="lambda:a")


def test_a_claim_that_fails_for_good_is_an_error_not_a_claim(behind: TrackingTable, proxy: Proxy) -> None:
    proxy.faults, proxy.forever = [THROTTLED], True
    with pytest.raises(StorageError, match="cannot write to table"):
        take(behind, "Q")


def test_what_a_decision_hangs_on_is_read_consistently_and_nothing_is_scanned(
    behind: TrackingTable, proxy: Proxy
) -> None:
    behind.put_rows([row("Q", status="due"), row("R", event="2024_Qatar_Grand_Prix", status="gold")])
    claim = take(behind, "Q")
    with pytest.raises(AlreadyRunning):
        take(behind, "Q", owner="other")
    behind.release(claim, {})
    behind.get(EVENT, "Q")
    behind.rows(EVENT)
    behind.rows()
    behind.put_predictions([prediction("lando-norris")])
    behind.predictions(EVENT)
    assert {name for name, _ in proxy.requests} == {"UpdateItem", "GetItem", "Query", "BatchWriteItem"}
    assert all(body["ConsistentRead"] for body in proxy.asked("GetItem"))
    on_table = [body for body in proxy.asked("Query") if "IndexName" not in body]
    assert len(on_table) == 3
    assert all(body["ConsistentRead"] for body in on_table)
    assert {body["IndexName"] for body in proxy.asked("Query") if "IndexName" in body} == {"by_session_date"}


def test_all_rows_cost_a_query_a_season_and_one_for_each_event_still_moving(
    behind: TrackingTable, proxy: Proxy
) -> None:
    events = [f"{season}_Grand_Prix_{number}" for season in (2023, 2024) for number in range(10)]
    behind.put_rows([row("R", event=event, status="gold") for event in events])
    behind.put_rows([row("R", status="scheduled"), row("STAGE#05_train", event="PIPELINE", status="gold")])
    proxy.requests.clear()
    rows = behind.rows()
    assert len(rows) == 22
    assert len(proxy.asked("GetItem")) == 1
    assert len(proxy.asked("Query")) == (3 + 1) + (1 + 1)  # 2023, 2024, 2025, none; São Paulo, PIPELINE
    proxy.requests.clear()
    assert behind.refresh(rows) == rows
    assert len(proxy.requests) == 1, "PIPELINE alone: of São Paulo nothing is known but the calendar"


def test_an_index_that_lags_never_misleads_about_an_event_that_moves(
    direct: TrackingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor about the pipeline itself: the stale picture is what the index showed before the last writes."""
    direct.put_rows([row("Q", status="ingested"), row("R", status="scheduled")])
    direct.put_rows([row("STAGE#05_train", event="PIPELINE", status="gold", input_hash="old")])
    season = direct._season  # type: ignore[attr-defined]
    stale = {name: season(name) for name in ("2025", "none")}
    monkeypatch.setattr(direct, "_season", lambda name: stale[name])
    direct.put_rows([row("Q", status="silver"), row("STAGE#06_predict#pre_race", status="gold")])
    direct.put_rows([row("STAGE#05_train", event="PIPELINE", input_hash="new")])
    assert direct.rows() == [
        row("Q", status="silver"),
        row("R", status="scheduled"),
        row("STAGE#06_predict#pre_race", status="gold"),
        row("STAGE#05_train", event="PIPELINE", status="gold", input_hash="new"),
    ]


def test_a_person_can_ask_the_index_for_a_season_s_sessions_by_date(moto: Server, direct: TrackingTable) -> None:
    dates = {"P1": "2025-11-07T14:30:00Z", "Q": "2025-11-08T18:00:00Z", "R": "2025-11-09T17:00:00Z"}
    direct.put_rows([row(session, session_date_utc=date) for session, date in dates.items()])
    direct.put_rows([row("Q", status="due"), row("R", session_date_utc="2025-11-10T17:00:00Z")])
    found = moto.client("dynamodb").query(
        TableName=direct.table,  # type: ignore[attr-defined]
        IndexName="by_session_date",
        KeyConditionExpression="index_season = :season AND index_date BETWEEN :first AND :last",
        ExpressionAttributeValues={
            ":season": {"S": "2025"},
            ":first": {"S": "2025-11-08"},
            ":last": {"S": "2025-11-11"},
        },
    )
    assert [item["session_name_abr"]["S"] for item in found["Items"]] == ["Q", "R"]


def test_no_binary_float_reaches_the_wire(behind: TrackingTable, proxy: Proxy) -> None:
    behind.put_rows([row("Q", latitude=0.1)])
    behind.put_predictions([prediction("lando-norris", position_probabilities=[0.1, 0.9])])
    assert {"N": "0.1"} in proxy.asked("UpdateItem")[-1]["ExpressionAttributeValues"].values()
    ((request,),) = proxy.asked("BatchWriteItem")[0]["RequestItems"].values()
    assert request["PutRequest"]["Item"]["position_probabilities"] == {"L": [{"N": "0.1"}, {"N": "0.9"}]}


def test_predictions_the_table_puts_off_are_sent_again_and_not_for_ever(
    direct: TrackingTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    client = direct._client  # type: ignore[attr-defined]
    write, sent = client.batch_write_item, []

    def half(RequestItems: dict[str, list[Any]]) -> dict[str, Any]:
        ((table, requests),) = RequestItems.items()
        sent.append(len(requests))
        taken = requests[: len(requests) // 2]
        if taken:
            write(RequestItems={table: taken})
        return {"UnprocessedItems": {table: requests[len(taken) :]}}

    monkeypatch.setattr(client, "batch_write_item", half)
    with pytest.raises(StorageError, match=f"1 rows were refused {BATCH_ATTEMPTS} times"):
        direct.put_predictions(prediction(f"driver-{n:02d}") for n in range(22))
    assert sent == [22, 11, 6, 3, 2, 1]
    assert len(direct.predictions(EVENT)) == 21


def test_a_missing_table_is_one_clear_error(moto: Server) -> None:
    table = open_tracking(f"dynamodb://nobody-s-table?endpoint={moto.url}&region={REGION}")
    with pytest.raises(StorageError, match="cannot read table nobody-s-table"):
        table.rows()
    with pytest.raises(StorageError, match="cannot write to table nobody-s-table"):
        table.claim(EVENT, "Q", owner="a", run_id="r", now=NOW, lease=LEASE)


@pytest.mark.parametrize("url", ["dynamodb://", "dynamodb://table/path", "dynamodb://table?colour=red"])
def test_a_url_that_names_no_table_or_an_unknown_option_is_refused(url: str) -> None:
    with pytest.raises(BadParameters, match="use dynamodb://"):
        open_tracking(url)


def test_a_claim_s_lease_is_told_by_the_callers_clock_alone(direct: TrackingTable) -> None:
    """`now` is an argument: a replay of last year takes and loses leases as the year did."""
    past = NOW - timedelta(days=400)
    take(direct, "Q", now=past)
    with pytest.raises(AlreadyRunning):
        take(direct, "Q", now=past + timedelta(minutes=1))
    take(direct, "Q", now=NOW)
