"""Documents that nobody should send: every parser answers with an error of f1lib's own, never with a traceback."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from f1lib.aws.schema import parse_event
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.errors import BadParameters, F1LibError
from f1lib.lake.documents import from_json, from_yaml
from f1lib.model.config import parse_config
from f1lib.pipeline.parameters import Parameter, convert
from tests.support.fuzzing import HOSTILE, TARGETS, attempt, command, mutated
from tests.support.upstreams import LATER, replayed

SLOW = {"f1db-zip", "f1db-csv", "command", "tracking"}
FUZZ_SECONDS = int(os.environ.get("F1_FUZZ_SECONDS", "600"))


@pytest.mark.parametrize("name", TARGETS)
def test_every_parser_takes_its_own_seeds_or_refuses_them_in_words(name: str) -> None:
    for seed in TARGETS[name].seeds[: 1 if name in SLOW else None]:
        attempt(TARGETS[name], seed)


@pytest.mark.parametrize("name", TARGETS)
def test_a_document_changed_at_random_is_read_or_refused(name: str) -> None:
    chance = random.Random(f"{name} 1")
    for _ in range(12 if name in SLOW else 150):
        content = mutated(chance.choice(TARGETS[name].seeds), chance)
        try:
            attempt(TARGETS[name], content)
        except Exception as error:
            pytest.fail(f"{name} breaks on {content[:3000]!r}: {error!r}")


@pytest.mark.parametrize("name", TARGETS)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda t: t.encode("utf-8", "replace"))))
@settings(max_examples=12, deadline=None)
def test_any_bytes_are_read_or_refused(name: str, content: bytes) -> None:
    attempt(TARGETS[name], content)


@pytest.mark.campaign
@pytest.mark.parametrize("name", TARGETS)
def test_ten_minutes_of_fuzzing_find_nothing(name: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.support.fuzzing", name, f"-max_total_time={FUZZ_SECONDS}"]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    print(done.stdout[-300:], done.stderr[-300:])
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values of a JSON document."""
    yield path
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, value in inner:
        yield from places(value, (*path, name))


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of a document with another value in one place."""
    if not path:
        return value
    changed = copy.deepcopy(document)
    inside = changed
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = value
    return changed


@pytest.mark.parametrize("name", ["jolpica", "open-meteo", "event"])
def test_a_hostile_value_in_any_place_is_read_or_refused(name: str) -> None:
    document = json.loads(TARGETS[name].seeds[-1])
    if name == "open-meteo":
        document["hourly"] = {key: values[:3] for key, values in document["hourly"].items()}
    for path in places(document):
        for value in HOSTILE:
            content = json.dumps(with_value(document, path, value)).encode()
            try:
                attempt(TARGETS[name], content)
            except Exception as error:
                pytest.fail(f"{name}: {value!r} at {path}: {error!r}")


FRAMES = ("listed", "laps", "weather", "messages")


@pytest.fixture(scope="module")
def loaded(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What FastF1 makes of a recorded sprint."""
    from f1lib.domain.weekend import EventKey
    from f1lib.sources.fastf1 import source as module

    kept: list[Any] = []
    real = module.load  # type: ignore[attr-defined]

    def load(*arguments: Any, **options: Any) -> Any:
        kept.append(real(*arguments, **options))
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "load", load)
        with replayed(shared_data / "recordings", tmp_path_factory.mktemp("fastf1")) as (_server, source):
            source.session(EventKey(2023, "Azerbaijan Grand Prix"), "S", LATER)
    few = {name: pd.DataFrame(getattr(kept[0], name)).iloc[:40] for name in FRAMES[1:]}
    return dataclasses.replace(kept[0], parts=[], **few)


@pytest.mark.parametrize("values", [1, pytest.param(len(HOSTILE), marks=pytest.mark.campaign)], ids=["a", "every"])
@pytest.mark.parametrize("name", FRAMES)
def test_a_hostile_value_or_a_missing_column_of_fastf1_is_read_or_refused(loaded: Any, name: str, values: int) -> None:
    from f1lib.lake.parquet import parquet_bytes
    from f1lib.sources.failures import readable
    from f1lib.sources.fastf1.assemble import session_frames

    frame = pd.DataFrame(getattr(loaded, name))
    chance = random.Random(name)
    for column in frame.columns:
        for value in chance.sample([*HOSTILE, "\ud800", float("inf"), pd.NaT, ...], values):
            broken = frame.drop(columns=column) if value is ... else frame.astype({column: object})
            if value is not ...:
                broken[column] = pd.Series([value, *broken[column].tolist()[1:]], index=broken.index, dtype=object)
            changed = dataclasses.replace(loaded, **{name: broken})
            try:
                with readable("it"):
                    frames, _ = session_frames(changed, [], "S", 2023, ())
                for made in frames.values():
                    parquet_bytes(made)
            except F1LibError:
                continue
            except Exception as error:
                pytest.fail(f"{name}.{column} = {value!r}: {error!r}")


@given(st.one_of(st.text(), st.none(), st.integers(), st.floats(), st.lists(st.text())))
@example("0001-01-01T00:00:00+14:00")
@example("9999-12-31T23:59:59-14:00")
@example("9500-01-01")
@example("x" * 5000)
@example("\ud800")
def test_a_moment_is_a_moment_or_refused_in_a_short_line(text: Any) -> None:
    refused = ""
    try:
        moment = parse_utc(text)
        assert parse_utc(format_utc(moment)) == moment.replace(microsecond=0)
    except BadParameters as error:
        refused = str(error)
    assert len(refused.encode()) < 200


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "&a [*a]", "a: &a [x]\nb: *a", "!!timestamp x", "=", "!!int x", "{" * 9999]
)
def test_yaml_that_is_a_trap_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is PyYAML's
        from_yaml(text)
    with pytest.raises(BadParameters, match="model configuration trap"):
        parse_config(text, "trap")


def test_a_yaml_of_aliases_never_unfolds() -> None:
    laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    with pytest.raises(ValueError, match=r"aliases \(\*name\) are not read"):
        from_yaml(laughs)


@pytest.mark.parametrize("value", ["9" * 5000, ["x"] * 5000, {"a": 1}, float("inf"), "[1", "[" * 10_000])
def test_a_parameter_that_does_not_fit_is_refused_in_a_short_line(value: Any) -> None:
    for kind in ("int", "bool"):
        with pytest.raises(BadParameters) as caught:
            convert(Parameter("n", kind, 0, ""), value, "the call")
        assert len(str(caught.value)) < 300


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=20,
)
ACTIONS = ["tick", "stage", "ingest_session", "run_prediction", "backfill", "fold", "sweep_report"]
FIELDS = ["now", "stages", "stage", "parameters", "event_partition_key", "session_abr", "laps", "horizon", "seasons"]


@given(
    st.one_of(json_values, st.dictionaries(st.sampled_from([*FIELDS, "sweep", "model", "source"]), json_values)),
    st.sampled_from(ACTIONS),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_event_is_one_of_ours_or_refused(event: Any, action: str) -> None:
    for asked in (event, {**event, "action": action} if isinstance(event, dict) else event):
        try:
            parse_event(asked)
        except BadParameters as error:
            str(error)


@given(json_values)
def test_what_json_can_write_is_read_back_or_refused(document: Any) -> None:
    text = json.dumps(document)
    try:
        assert json.dumps(from_json(text)) == text
    except ValueError:
        assert any(word in text for word in ("NaN", "Infinity", "\\ud")) or any(len(w) > 18 for w in text.split())


@pytest.mark.parametrize(
    "words",
    [
        ["status", "--now", "2025-12-06\x1b[2J"],
        ["status", "--now", "\udcff"],
        ["status", "--now", "0001-01-01T00:00+14:00"],
        ["stage", "../../etc/passwd"],
        ["stage", "train", "-p", "model", "../../x"],
        ["stage", "train", "-p", "x" * 5000, "y"],
        ["predictions", "a\0b"],
        ["predictions", "x", "--set", "=1"],
        ["models", "show", "../../x"],
        ["status", "--tracking", "sqlite:///a\0b"],
        ["ingest", "--seasons", "9" * 500],
    ],
    ids=lambda words: ascii(" ".join(words))[:40],
)
def test_a_hostile_argument_is_one_line_on_standard_error(words: list[str]) -> None:
    command("\n".join(words).encode("utf-8", "surrogateescape"))


WORDS = ("a\0b", "s3://", "file://\0", "x" * 5000, "http://[half", "\udcff")
NO_ADDRESSES = (*WORDS, "s3://x/../y")  # a bucket may have such a prefix: what is wrong is that no table is given


@pytest.mark.parametrize("lake", NO_ADDRESSES, ids=lambda value: ascii(value)[:20])
def test_a_lake_that_is_no_address_is_one_line_of_bad_use(
    lake: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from f1lib.cli.main import main

    assert main(["status", "--lake", lake, "--source", "f1db", "--f1db", str(tmp_path / "none.zip")]) == 2
    said = capsys.readouterr().err
    assert "unexpected" not in said
