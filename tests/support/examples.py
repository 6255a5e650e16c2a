"""How many examples a property test takes."""

from __future__ import annotations

from hypothesis import settings


def examples(number: int) -> int:
    """Scale ``number`` with the profile: so many where a test takes 100 by default, five times as many nightly."""
    return number * settings().max_examples // 100
