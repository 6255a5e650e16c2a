"""S3 as a lake, over moto's server, and what only a network can do wrong."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from f1lib.errors import BadParameters, StorageError
from f1lib.lake.aws_client import ATTEMPTS
from f1lib.lake.s3 import BODY_ATTEMPTS
from f1lib.lake.store import ObjectStore, open_store
from tests.support.faults_proxy import BROKEN, CUT, LOST, UNAVAILABLE, Proxy, proxy_before
from tests.support.standins import REGION, Server, make_bucket
from tests.support.store_suite import StoreSuite

_numbers = itertools.count()


@pytest.fixture
def bucket_url(moto: Server) -> str:
    return make_bucket(moto, f"lake-{next(_numbers)}")


class TestS3Store(StoreSuite):
    @pytest.fixture
    def url(self, bucket_url: str) -> str:
        return bucket_url


class TestS3StoreAtTheRootOfItsBucket(StoreSuite):
    many = 20

    @pytest.fixture
    def url(self, bucket_url: str) -> str:
        return bucket_url.replace("/lake?", "?")


class TestS3StoreWithLayersElsewhere(StoreSuite):
    many = 20

    @pytest.fixture
    def url(self, bucket_url: str) -> str:
        return f"{bucket_url}&bronze=raw/f1&gold=marts&reports=lake/published"


@pytest.fixture
def proxy(moto: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the waits between tries
    with proxy_before(moto.url) as proxy:
        yield proxy


@pytest.fixture
def behind(bucket_url: str, moto: Server, proxy: Proxy) -> ObjectStore:
    """The bucket seen through the proxy."""
    return open_store(bucket_url.replace(moto.url, proxy.url))


def test_the_layers_stand_where_their_variables_say(moto: Server, bucket_url: str) -> None:
    store = open_store(f"{bucket_url}&bronze=raw/f1&models=shelf")
    for key in ("bronze/a", "silver/a", "models/champion.json", "lake.json"):
        store.write(key, b"x")
    bucket = bucket_url.split("/")[2]
    names = [found["Key"] for found in moto.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert names == ["lake/lake.json", "lake/silver/a", "raw/f1/a", "shelf/champion.json"]
    assert store.list() == ["bronze/a", "lake.json", "models/champion.json", "silver/a"]
    assert store.list("b") == ["bronze/a"]


def test_other_people_s_objects_in_the_bucket_are_no_keys(moto: Server, bucket_url: str) -> None:
    bucket, client = bucket_url.split("/")[2], moto.client("s3")
    for name in ("elsewhere/a", "lake/", "lake/gold/", "lake/bronze/shadowed"):
        client.put_object(Bucket=bucket, Key=name, Body=b"x")
    assert open_store(f"{bucket_url}&bronze=raw").list() == []


@pytest.mark.parametrize("query", ["bronze=lake/silver", "bronze=raw&gold=raw/gold", "bronze=/"])
def test_layers_that_would_mix_are_refused(query: str) -> None:
    with pytest.raises(BadParameters, match=r"would stand inside|names no prefix"):
        open_store(f"s3://bucket/lake?{query}")


@pytest.mark.parametrize("url", ["s3:///lake", "s3://bucket?colour=red"])
def test_a_url_that_names_no_bucket_or_an_unknown_option_is_refused(url: str) -> None:
    with pytest.raises(BadParameters, match="use s3://name"):
        open_store(url)


def test_a_missing_bucket_is_one_clear_error(moto: Server) -> None:
    store = open_store(f"s3://nobody-s-bucket/lake?endpoint={moto.url}&region={REGION}")
    for action in (lambda: store.read("a"), lambda: store.write("a", b""), store.list):
        with pytest.raises(StorageError, match=r"cannot .* in lake s3://nobody-s-bucket.*NoSuchBucket"):
            action()


@pytest.mark.parametrize("fault", [UNAVAILABLE, BROKEN], ids=["SlowDown", "500"])
def test_a_passing_fault_is_tried_again(behind: ObjectStore, proxy: Proxy, fault: object) -> None:
    proxy.faults = [fault] * 3
    behind.write("gold/a", b"x")
    proxy.faults = [fault] * 2
    assert behind.read("gold/a") == b"x"
    proxy.faults = [fault]
    assert behind.exists("gold/a")
    proxy.faults = [fault]
    assert behind.list() == ["gold/a"]


def test_a_lasting_fault_ends_after_a_bounded_number_of_tries(behind: ObjectStore, proxy: Proxy) -> None:
    proxy.faults, proxy.forever = [UNAVAILABLE], True
    with pytest.raises(StorageError, match="cannot write gold/a in lake"):
        behind.write("gold/a", b"x")
    assert len(proxy.requests) == ATTEMPTS


def test_a_body_that_breaks_off_is_read_again(behind: ObjectStore, proxy: Proxy) -> None:
    behind.write("gold/a", b"x" * 100_000)
    proxy.faults = [CUT] * (BODY_ATTEMPTS - 1)
    assert behind.read("gold/a") == b"x" * 100_000


def test_a_body_that_always_breaks_off_is_an_error_never_half_a_file(behind: ObjectStore, proxy: Proxy) -> None:
    behind.write("gold/a", b"x" * 100_000)
    proxy.requests.clear()
    proxy.faults, proxy.forever = [CUT], True
    with pytest.raises(StorageError, match="cannot read gold/a in lake"):
        behind.read("gold/a")
    assert len(proxy.requests) == BODY_ATTEMPTS


def test_an_update_whose_answer_is_lost_is_done_once(behind: ObjectStore, proxy: Proxy) -> None:
    behind.write("models/champion.json", b"x")
    proxy.faults = [None, LOST]
    assert behind.update("models/champion.json", lambda found: (found or b"") + b"y") == b"xy"
    assert behind.read("models/champion.json") == b"xy"


def test_an_update_that_is_always_overtaken_ends_and_keeps_what_others_wrote(
    behind: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("f1lib.lake.s3.UPDATE_ATTEMPTS", 3)
    others = (f"other {number}".encode() for number in range(9))

    def overtaken(found: bytes | None) -> bytes:
        behind.write("models/champion.json", next(others))
        return b"mine"

    with pytest.raises(StorageError, match=r"cannot update models/champion\.json in lake .*overtaken 3 times"):
        behind.update("models/champion.json", overtaken)
    assert behind.read("models/champion.json") == b"other 2"


def test_nobody_listening_is_one_clear_error(aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    store = open_store(f"s3://bucket/lake?endpoint=http://127.0.0.1:1&region={REGION}")
    with pytest.raises(StorageError, match=r"cannot read gold/a in lake .*Could not connect"):
        store.read("gold/a")


def test_what_never_changes_is_asked_for_once(behind: ObjectStore, proxy: Proxy) -> None:
    run, issue = (
        "models/run_id=20251206T160000Z/",
        "predictions/2025/history/Qatar_Grand_Prix/20251128T130000Z_pre_race",
    )
    store = open_store(behind.url)
    keys = [f"{run}onnx_model.onnx", f"{run}_SUCCESS", f"{issue}.parquet"]
    for key in keys:
        store.write(key, key.encode())
    proxy.requests.clear()
    for _ in range(3):
        assert [behind.read(key) for key in keys] == [key.encode() for key in keys]
        assert all(behind.exists(key) for key in keys)
    assert [name for name, _ in proxy.requests] == ["GET"] * 3
    proxy.requests.clear()
    other = open_store(behind.url)
    assert other.exists(keys[1])
    assert other.exists(keys[1])
    assert len(proxy.requests) == 1


def test_what_is_held_of_it_has_a_bound(behind: ObjectStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("f1lib.lake.s3.HELD", 2)
    keys = [f"models/run_id=2025120{day}T160000Z/onnx_model.onnx" for day in range(3)]
    for key in keys:
        behind.write(key, b"ten bytes!")
    proxy.requests.clear()
    assert [behind.read(key) for key in keys[1:]] == [b"ten bytes!"] * 2
    assert proxy.requests == []
    assert behind.read(keys[0]) == b"ten bytes!"
    assert len(proxy.requests) == 1
