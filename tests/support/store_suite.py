"""What every object store must do. A backend subclasses `StoreSuite` and gives a fixture ``url``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest

from f1lib.errors import NoSuchKey, RunError, StorageError
from f1lib.lake.store import ObjectStore, find, find_json, open_store, read_json, update_json, write_json

BIG = 4 * 1024 * 1024
ENDLESS_WRITER = """
import sys
from f1lib.lake.store import open_store
store = open_store(sys.argv[1])
while True:
    for letter in (b"a", b"b"):
        store.write("gold/table.parquet", letter * int(sys.argv[2]))
        print("written", flush=True)
"""
COUNTER = """
import sys
from f1lib.lake.store import open_store, update_json
store = open_store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(25):
    update_json(store, "models/champion.json", lambda count: (count or 0) + 1)
"""


class StoreSuite:
    """Subclass it, override ``url``, and every promise of the port is checked."""

    many = 210  # more keys than two pages of the stand-in's S3 listing hold

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def store(self, url: str) -> ObjectStore:
        return open_store(url)

    @pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 100], ids=["empty", "one byte", "every byte"])
    def test_what_is_written_is_read_back(self, store: ObjectStore, data: bytes) -> None:
        store.write("models/run_id=20251206T160000Z/onnx_model.onnx", data)
        assert store.read("models/run_id=20251206T160000Z/onnx_model.onnx") == data

    def test_a_later_write_replaces_an_earlier_one_whole(self, store: ObjectStore) -> None:
        store.write("a.json", b"the long first version")
        store.write("a.json", b"short")
        assert store.read("a.json") == b"short"

    def test_reading_what_is_not_there_names_the_key(self, store: ObjectStore) -> None:
        store.write("bronze/there", b"x")
        with pytest.raises(StorageError, match="the lake has no bronze/absent"):
            store.read("bronze/absent")
        with pytest.raises(StorageError, match="the lake has no bronze"):
            store.read("bronze")

    def test_what_may_be_absent_is_found_or_none(self, store: ObjectStore) -> None:
        assert (find(store, "models/champion.json"), find_json(store, "models/champion.json")) == (None, None)
        write_json(store, "models/champion.json", {"horizons": {}})
        assert find(store, "models/champion.json") == store.read("models/champion.json")
        assert find_json(store, "models/champion.json") == {"horizons": {}}

    def test_what_is_gone_is_not_there_whatever_was_read_before(self, store: ObjectStore) -> None:
        for key in ("models/run_id=20251206T160000Z/onnx_model.onnx", "models/champion.json"):
            store.write(key, b"x")
            assert (store.read(key), store.exists(key)) == (b"x", True)
            store.delete(key)
            assert not store.exists(key)
            with pytest.raises(NoSuchKey, match=f"the lake has no {key}"):
                store.read(key)

    def test_what_others_write_anew_is_read_anew(self, store: ObjectStore, url: str) -> None:
        keys = ("models/champion.json", "models/run_id=20251206T160000Z/decision.json", "silver/a.parquet")
        for key in (*keys, "predictions/2025/Qatar_Grand_Prix_predictions.parquet", "gold/training_dataset.parquet"):
            store.write(key, b"old")
            assert store.read(key) == b"old"
            open_store(url).write(key, b"new")
            assert store.read(key) == b"new"

    def test_only_what_was_written_exists(self, store: ObjectStore) -> None:
        assert not store.exists("gold/a/b")
        store.write("gold/a/b", b"")
        assert store.exists("gold/a/b")
        assert not store.exists("gold/a")
        assert not store.exists("gold/a/b2")

    def test_an_untouched_lake_is_empty(self, store: ObjectStore) -> None:
        assert store.list() == []
        assert store.list("bronze/") == []

    def test_keys_are_listed_sorted_under_any_prefix(self, store: ObjectStore) -> None:
        keys = ["bronze/b/2", "bronze/a", "bronze/b/10", "bronze2/a", "lake.json", "silver/b/1"]
        for key in keys:
            store.write(key, b"x")
        assert store.list() == sorted(keys)
        assert store.list("bronze/") == ["bronze/a", "bronze/b/10", "bronze/b/2"]
        assert store.list("bronze") == ["bronze/a", "bronze/b/10", "bronze/b/2", "bronze2/a"]
        assert store.list("bronze/b/1") == ["bronze/b/10"]
        assert store.list("nothing/of/that") == []

    def test_a_listing_goes_beyond_one_page(self, store: ObjectStore) -> None:
        keys = [f"reports/runs/{number:05d}" for number in range(self.many)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: store.write(key, b"x"), keys))
        assert store.list("reports/") == keys

    def test_names_with_accents_and_blanks_keep_their_letters(self, store: ObjectStore) -> None:
        key = "bronze/sessions/2025/São_Paulo_Grand_Prix/Q/results.parquet"
        store.write(key, b"x")
        store.write("reports/Großer Preis + 100 %?.html", b"y")
        assert unicodedata.is_normalized("NFC", store.list("bronze/")[0])
        assert store.list("bronze/sessions/2025/São") == [key]
        assert store.list("reports/") == ["reports/Großer Preis + 100 %?.html"]
        assert store.read("reports/Großer Preis + 100 %?.html") == b"y"

    @pytest.mark.parametrize(
        "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "..", ".", "a\\b", "a\x00b", "a\nb"]
    )
    def test_a_key_that_could_leave_the_lake_is_refused(self, store: ObjectStore, key: str) -> None:
        with pytest.raises(StorageError, match="no key of the lake"):
            store.write(key, b"x")
        for method in (store.read, store.exists, store.delete):
            with pytest.raises(StorageError, match="no key of the lake"):
                method(key)

    @pytest.mark.parametrize("prefix", ["../", "..", "a/../../", "/etc", "a\\b"])
    def test_a_listing_cannot_leave_the_lake(self, store: ObjectStore, prefix: str) -> None:
        store.write("a/b", b"x")
        with pytest.raises(StorageError, match="no key of the lake"):
            store.list(prefix)

    def test_deleting_removes_one_key_and_twice_is_no_error(self, store: ObjectStore) -> None:
        store.write("gold/a", b"x")
        store.write("gold/ab", b"y")
        store.delete("gold/a")
        store.delete("gold/a")
        assert store.list() == ["gold/ab"]
        assert not store.exists("gold/a")

    def test_the_url_of_a_store_opens_the_same_lake(self, store: ObjectStore) -> None:
        store.write("a", b"x")
        assert open_store(store.url).read("a") == b"x"
        assert open_store(store.url).url == store.url

    def test_json_that_is_broken_names_its_key(self, store: ObjectStore) -> None:
        write_json(store, "models/champion.json", {"why": "São"})
        assert read_json(store, "models/champion.json") == {"why": "São"}
        store.write("models/champion.json", b'{"why": ')
        with pytest.raises(StorageError, match=r"models/champion\.json.*no JSON"):
            read_json(store, "models/champion.json")

    def test_a_reader_never_sees_a_part_of_a_write_even_when_the_writer_is_killed(self, store: ObjectStore) -> None:
        command = [sys.executable, "-c", ENDLESS_WRITER, store.url, str(BIG)]
        seen = []
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            assert writer.stdout.readline() == b"written\n"
            for _ in range(12):
                seen.append(store.read("gold/table.parquet"))
            os.kill(writer.pid, signal.SIGKILL)
        seen.append(store.read("gold/table.parquet"))
        assert all(data in (b"a" * BIG, b"b" * BIG) for data in seen)
        assert store.list() == ["gold/table.parquet"]
        store.write("gold/table.parquet", b"next")
        assert store.read("gold/table.parquet") == b"next"

    def test_an_update_is_given_what_is_there_and_answers_what_it_wrote(self, store: ObjectStore) -> None:
        seen: list[bytes | None] = []

        def change(found: bytes | None) -> bytes:
            seen.append(found)
            return (found or b"") + b"x"

        assert [store.update("models/champion.json", change) for _ in range(3)] == [b"x", b"xx", b"xxx"]
        assert seen == [None, b"x", b"xx"]
        assert store.read("models/champion.json") == b"xxx"
        assert store.list() == ["models/champion.json"]

    def test_an_update_that_raises_changes_nothing_and_the_next_one_goes_through(self, store: ObjectStore) -> None:
        def refuse(found: bytes | None) -> bytes:
            raise RunError("no")

        store.write("models/champion.json", b"old")
        with pytest.raises(RunError, match="no"):
            store.update("models/champion.json", refuse)
        assert store.read("models/champion.json") == b"old"
        assert store.update("models/champion.json", lambda _: b"new") == b"new"

    def test_of_many_updates_at_once_none_is_lost(self, url: str) -> None:
        stores = [open_store(url) for _ in range(4)]

        def add(number: int) -> None:
            update_json(stores[number % 4], "models/champion.json", lambda found: [*(found or []), number])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(add, range(24)))
        assert sorted(read_json(stores[0], "models/champion.json")) == list(range(24))

    def test_of_updates_by_two_processes_none_is_lost(self, store: ObjectStore) -> None:
        command = [sys.executable, "-c", COUNTER, store.url]
        counters = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
        for counter in counters:
            assert counter.stdout
            assert counter.stdout.readline() == b"ready\n"
        for counter in counters:
            counter.communicate(b"\n")
        assert [counter.returncode for counter in counters] == [0, 0]
        assert read_json(store, "models/champion.json") == 50

    def test_of_many_writers_at_once_one_wins_whole(self, store: ObjectStore) -> None:
        versions = [bytes([65 + number]) * 200_000 for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda data: store.write("models/champion.json", data), versions))
        assert store.read("models/champion.json") in versions
