"""The one cache: an in-process memo keyed by (use, name), each value good for one fingerprint of what it was made from.

A use stays only while ``benchmarks/caches.py`` shows that it saves 5 % or more of what it speeds up; the figure stands
beside it. The workspace owns the cache, and hands it to the functions that use it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

Made = TypeVar("Made")


class Cache:
    """Values by use, name and fingerprint; every use is bounded.

    Notes
    -----
    A fingerprint is anything that equals another exactly when the contents are the same: a SHA-256, or the contents
    themselves. Threads may share a cache: two that miss at once both make the value, and the last one is held. What is
    handed out is what is held, so a caller must not change it.

    Examples
    --------
    >>> cache = Cache()
    >>> cache.many("lengths", {"a.json": "5d41"}, len)
    {'a.json': 6}
    """

    def __init__(self) -> None:
        self._uses: dict[str, dict[Hashable, tuple[Any, Any]]] = {}
        self._lock = Lock()

    def one(self, use: str, name: Hashable, fingerprint: Any, make: Callable[[], Made], keep: int = 1) -> Made:
        """The value of one name, made where its fingerprint is new.

        Parameters
        ----------
        use : str
            What the value is for; names of two uses never meet.
        name : Hashable
            What the value is of.
        fingerprint : Any
            Of everything that the value depends on.
        make : Callable[[], Made]
            Makes the value; what it raises is raised, and nothing is held.
        keep : int, default 1
            How many names this use may hold; the one asked for longest ago goes first.

        Returns
        -------
        Made
            What ``make`` returned now or before.
        """
        with self._lock:
            known = self._uses.get(use, {}).get(name)
        value: Made = known[1] if known and known[0] == fingerprint else make()
        self.put(use, name, fingerprint, value, keep)
        return value

    def many(
        self, use: str, prints: Mapping[str, Any], make: Callable[[str], Made], threads: int = 1
    ) -> dict[str, Made]:
        """The values of many names, made where a fingerprint is new; the use then holds these names only.

        Parameters
        ----------
        use : str
            What the values are for.
        prints : Mapping[str, Any]
            Name -> fingerprint of everything that its value depends on.
        make : Callable[[str], Made]
            Makes the value of a name.
        threads : int, default 1
            How many are made at once.

        Returns
        -------
        dict[str, Made]
            Name -> value, in the order of ``prints``.
        """
        with self._lock:
            known = dict(self._uses.get(use, {}))
        new = [name for name, found in prints.items() if name not in known or known[name][0] != found]
        with ThreadPoolExecutor(threads) as pool:
            made = dict(zip(new, pool.map(make, new), strict=True))
        values: dict[str, Made] = {name: made[name] if name in made else known[name][1] for name in prints}
        with self._lock:
            self._uses[use] = {name: (prints[name], value) for name, value in values.items()}
        return values

    def put(self, use: str, name: Hashable, fingerprint: Any, value: Any, keep: int) -> None:
        """Hold ``value`` as `one` would have made it."""
        with self._lock:
            held = self._uses.setdefault(use, {})
            held.pop(name, None)
            held[name] = fingerprint, value
            for oldest in list(held)[:-keep]:
                del held[oldest]

    def drop(self, use: str, name: Hashable) -> None:
        """Forget ``name``; dropping what is not held is no error."""
        with self._lock:
            self._uses.get(use, {}).pop(name, None)
