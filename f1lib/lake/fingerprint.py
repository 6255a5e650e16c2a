"""SHA-256 fingerprints of stored content; every hash of f1lib is computed here.

Digests are kept in notes, tracking rows and predictions and are compared with later ones: the result of a function for
the same input must never change.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# Digits kept of a digest that only detects changes; the integrity of a file is checked against all 64.
SHORT = 16


def of_bytes(data: bytes) -> str:
    """Return the SHA-256 of ``data``, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def of_text(*parts: str) -> str:
    """Return the SHA-256 of ``parts`` in UTF-8, concatenated without a separator."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode())
    return digest.hexdigest()


def of_json(document: Any) -> str:
    """Return the SHA-256 of a document's JSON with sorted keys; what JSON cannot hold is hashed as ``str``."""
    return of_text(json.dumps(document, sort_keys=True, default=str))


def of_files(contents: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file by its name, in the order of ``contents``."""
    return {name: of_bytes(data) for name, data in contents.items()}


def of_answer(hashes: Mapping[str, str]) -> str:
    """Return an upstream answer's ``content_hash`` (`SHORT` digits) from the hashes of its files, in order."""
    return of_text(*hashes.values())[:SHORT]


def seed(text: str) -> int:
    """Return a 128-bit seed of random numbers (BLAKE2b) for the thing named ``text``."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())
