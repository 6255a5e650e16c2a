"""Digests that lakes already hold keep their value: the literals were computed by the code that first stored them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from f1lib.lake import fingerprint
from f1lib.model.config import parse_config
from f1lib.pipeline import rules
from f1lib.sources.simulated.world import World, WorldOptions

CONTENTS = {"events.parquet": b"one", "sessions.parquet": b"two"}
CONFIG = """
name: literal_v1
description: a rule whose digest is known
target: finishing_position
horizons: [pre_race]
half_life_races: 40
linear: {columns: [grid_position], ridge: 20.0, weight: 1.0}
dnf: {columns: [grid_position], ridge: 5.0}
distribution: {sigma: 0.5}
"""


def test_the_hash_of_a_file_is_its_sha_256() -> None:
    """FIPS 180-2, appendix B.1."""
    assert fingerprint.of_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_hashes_of_files_keep_the_order_of_the_files() -> None:
    assert list(fingerprint.of_files(CONTENTS).items()) == [
        ("events.parquet", "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"),
        ("sessions.parquet", "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"),
    ]


def test_the_content_hash_of_an_answer_keeps_its_value() -> None:
    assert fingerprint.of_answer(fingerprint.of_files(CONTENTS)) == "298315b0a8b45009"


def test_the_content_hash_of_forecasts_keeps_its_value() -> None:
    hours = (
        '{"temperature_2m": [21.5], "time": ["2025-03-16T04:00"]}',
        '{"temperature_2m": [null], "time": ["2025-03-16T05:00"]}',
    )
    assert fingerprint.of_text(*hours)[: fingerprint.SHORT] == "faff80101067447e"


def test_a_text_is_hashed_as_utf_8() -> None:
    assert fingerprint.of_text("São Paulo\n1") == "8995ca69cb7379f14ee9a616aae807e4198a60f950699f09a01f7ffe42bf2e77"


@pytest.mark.parametrize(
    ("inputs", "digest"),
    [
        ([("2025_A", "abc"), ("2025_São_Paulo", None)], "ad75eef684dd9042"),
        ([(("2025_A", "STAGE#x"), datetime(2025, 1, 2, tzinfo=UTC))], "38029da31417ac91"),
    ],
)
def test_the_input_hash_of_a_step_keeps_its_value(inputs: object, digest: str) -> None:
    assert rules._digest(inputs) == digest


def test_the_digest_of_a_model_configuration_keeps_its_value() -> None:
    assert parse_config(CONFIG, "here").digest() == "ff226abbc7c91bf2a14908fc57acfbefa0bdd8be768f5024be61b605c9b8a510"


def test_a_simulated_world_is_seeded_as_ever() -> None:
    assert fingerprint.seed("3|circuit|spa") == 34294848612890798793100947787313677371
    assert World(3, WorldOptions()).dice("circuit", "spa").random() == 0.006936260512750203


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_a_text_in_parts_has_the_hash_of_the_whole(parts: list[str]) -> None:
    assert fingerprint.of_text(*parts) == hashlib.sha256("".join(parts).encode()).hexdigest()


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers()))
def test_the_order_of_a_document_s_keys_does_not_count(document: dict[str, int]) -> None:
    assert fingerprint.of_json(document) == fingerprint.of_json(dict(reversed(document.items())))
