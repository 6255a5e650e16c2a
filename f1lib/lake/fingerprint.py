"""SHA-256 fingerprints of what is stored: the one place that hashes.

Digests are kept in notes, tracking rows and predictions and compared with later ones: what a function returns for the
same input never changes.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# Digits of a digest that says whether something changed; a file is checked against all 64.
SHORT = 16


def of_bytes(data: bytes) -> str:
    """The SHA-256 of ``data``, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def of_text(*parts: str) -> str:
    """The SHA-256 of ``parts`` in UTF-8, one after the other with nothing between them."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode())
    return digest.hexdigest()


def of_json(document: Any) -> str:
    """The SHA-256 of a document's JSON with sorted keys; what JSON has no form for counts as its text."""
    return of_text(json.dumps(document, sort_keys=True, default=str))


def of_files(contents: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of each file by its name, in the order of ``contents``."""
    return {name: of_bytes(data) for name, data in contents.items()}


def of_answer(hashes: Mapping[str, str]) -> str:
    """The ``content_hash`` of an upstream's answer (`SHORT`) from the hashes of its files, in their order."""
    return of_text(*hashes.values())[:SHORT]


def seed(text: str) -> int:
    """128 bits (BLAKE2b) that seed the random numbers of the thing named ``text``."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())
