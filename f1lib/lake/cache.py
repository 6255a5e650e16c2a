"""In-process memo keyed by (use, name); a value is valid for one fingerprint of its inputs.

A use is kept only while ``benchmarks/caches.py`` shows that it saves 5 % or more of a tick, in a replay or with all
stages; the figure is stated where it is used. The workspace owns the cache and passes it to the functions that use it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

Made = TypeVar("Made")


class Cache:
    """Memo of values by use, name and fingerprint; every use is bounded.

    Parameters
    ----------
    lent : bool
        Whether it outlives the notebooks that use it (`f1lib.workspace.workspace.lending`). What is asked for once in a
        notebook is not worth its memory in another cache.

    Notes
    -----
    A fingerprint compares equal to another exactly when the contents are the same: a SHA-256, or the contents
    themselves. Threads may share a cache: two that miss at once both make the value, and the last one is kept. The
    returned object is the cached one, so a caller must not change it.

    Examples
    --------
    >>> cache = Cache()
    >>> cache.many("lengths", {"a.json": "5d41"}, len)
    {'a.json': 6}
    """

    def __init__(self, *, lent: bool = False) -> None:
        self.lent = lent
        self._uses: dict[str, dict[Hashable, tuple[Any, Any]]] = {}
        self._lock = Lock()

    def one(self, use: str, name: Hashable, fingerprint: Any, make: Callable[[], Made], keep: int = 1) -> Made:
        """Return the value of one name, made anew when its fingerprint has changed.

        Parameters
        ----------
        use : str
            What the value is for; the same name in two uses is two entries.
        name : Hashable
            Key of the value within its use.
        fingerprint : Any
            Fingerprint of everything that the value depends on.
        make : Callable[[], Made]
            Makes the value; an exception is passed on, and nothing is stored.
        keep : int, default 1
            Number of names that this use may hold; the least recently used is evicted first.

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
        """Return the values of many names, made anew where a fingerprint has changed, and evict all other names.

        Parameters
        ----------
        use : str
            What the values are for.
        prints : Mapping[str, Any]
            Name -> fingerprint of everything that its value depends on.
        make : Callable[[str], Made]
            Makes the value of a name; an exception is passed on, and nothing is stored.
        threads : int, default 1
            Number of values made at the same time.

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
        """Store a value that was made elsewhere, as `one` stores it.

        Parameters
        ----------
        use : str
            What the value is for.
        name : Hashable
            Key of the value within its use.
        fingerprint : Any
            Fingerprint of everything that the value depends on.
        value : Any
            The value.
        keep : int
            Number of names that this use may hold; the least recently used is evicted first.
        """
        with self._lock:
            held = self._uses.setdefault(use, {})
            held.pop(name, None)
            held[name] = fingerprint, value
            for oldest in list(held)[:-keep]:
                del held[oldest]

    def drop(self, use: str, name: Hashable) -> None:
        """Remove ``name`` from a use; a name that is not stored is no error."""
        with self._lock:
            self._uses.get(use, {}).pop(name, None)
