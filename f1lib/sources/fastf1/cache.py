"""FastF1's cache folder: created when missing, bounded in size.

The folder may be one that its owner has used with FastF1 for years. Only the sessions that f1lib loaded are ever
removed, oldest first; they are listed in ``f1lib-sessions.json`` in the folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from f1lib.errors import SourceError
from f1lib.lake.documents import from_json

_PARSED = "*.ff1pkl"
_LIST = "f1lib-sessions.json"
# A season, and twice a date with a name after it: no part can be ``..``, or longer than a file name may be.
_PART = r"[0-9]{4}-[0-9]{2}-[0-9]{2}_[^/\\\x00-\x1f\x7f]{1,60}"
_INSIDE = re.compile(rf"[0-9]{{4}}/{_PART}/{_PART}")


class CacheFolder:
    """FastF1's cache at ``path``, in which f1lib's own sessions may take ``limit`` bytes."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.limit = limit

    def make(self) -> None:
        """Create the folder; raise `SourceError` when it cannot be written."""
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self.path):  # a name of its own: workers and other runs try at the same moment
                pass

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceError(
                f"FastF1's cache folder {self.path} cannot be written ({error.strerror}): set FASTF1_CACHE to another"
            ) from error

    def session(self, api_path: str) -> Path:
        """Return the folder of one session; ``api_path`` is FastF1's (``/static/2023/<event>/<session>/``).

        FastF1 joins the names of upstream into it. Raises `SourceError` for one that would lead out of the cache.
        """
        if not _INSIDE.fullmatch(name := api_path.removeprefix("/static/").rstrip("/")):
            raise SourceError(f"FastF1's path {ascii(api_path)[:200]} is no folder of a season, an event and a session")
        return self.path / name

    def claim(self, api_path: str) -> None:
        """List a session's files as ours, unless FastF1's parsed files of it are there already."""
        folder = self.session(api_path)
        if any(folder.glob(_PARSED)):
            return
        ours = self._ours()
        name = folder.relative_to(self.path).as_posix()
        if name not in ours:
            part = self.path / f".{_LIST}.{os.getpid()}"  # several processes may share the folder
            with self._writing():
                try:
                    part.write_text(json.dumps([*ours, name], indent=1), encoding="utf-8")
                    part.replace(self.path / _LIST)
                finally:
                    part.unlink(missing_ok=True)

    def drop(self, api_path: str) -> None:
        """Delete what was parsed of a session, because it was not complete when it was loaded."""
        with self._writing():
            for file in self.session(api_path).glob(_PARSED):
                file.unlink()

    def trim(self) -> None:
        """Delete our oldest files until the rest fits into the limit."""
        files = [file for name in self._ours() for file in (self.path / name).glob(_PARSED)]
        aged = sorted((file.stat().st_mtime, str(file), file.stat().st_size) for file in files)
        total = sum(size for _, _, size in aged)
        for _, name, size in aged:
            if total <= self.limit:
                break
            with self._writing():
                Path(name).unlink(missing_ok=True)
            total -= size

    def _ours(self) -> list[str]:
        file = self.path / _LIST
        if not file.is_file():
            return []
        try:
            names = [str(name) for name in from_json(file.read_bytes())]
        except (ValueError, TypeError) as error:
            raise SourceError(f"{file} is damaged ({error}): delete it, and clear FastF1's cache by hand") from error
        return [name for name in names if _INSIDE.fullmatch(name)]
