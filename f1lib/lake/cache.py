"""What was made of some contents, kept in this process: the next run finds most files as they were."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Made = TypeVar("Made")


class Memory(Generic[Made]):
    """One memory, of the contents it was asked for last.

    >>> parsed = Memory[int]()
    >>> parsed.of({"a.json": "5d41"}, len)
    {'a.json': 6}
    """

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Made] = {}

    def of(self, prints: Mapping[str, str], make: Callable[[str], Made], threads: int = 1) -> dict[str, Made]:
        """``make(name)`` for each name of ``prints``, whose values are fingerprints of all that it depends on.

        Made only where name or fingerprint is new, ``threads`` at once; what is not asked for is forgotten.
        """
        new = [name for name, fingerprint in prints.items() if (name, fingerprint) not in self._made]
        with ThreadPoolExecutor(threads) as pool:
            made = dict(zip(new, pool.map(make, new), strict=True))
        old = self._made
        found = {name: made[name] if name in made else old[name, prints[name]] for name in prints}
        self._made = {(name, prints[name]): value for name, value in found.items()}
        return found
