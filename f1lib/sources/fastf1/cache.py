"""FastF1's cache folder: created when missing, bounded in size.

The folder may be one that its owner has used with FastF1 for years. Only the sessions that f1lib loaded are ever
removed, oldest first; they are listed in ``f1lib-sessions.json`` in the folder.
"""

import json
import os
from pathlib import Path

from f1lib.errors import SourceError

_PARSED = "*.ff1pkl"
_LIST = "f1lib-sessions.json"


class CacheFolder:
    """FastF1's cache at ``path``, in which f1lib's own sessions may take ``limit`` bytes."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.limit = limit

    def make(self) -> None:
        """Create the folder; raise `SourceError` when it cannot be written."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".f1lib-probe"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise SourceError(
                f"FastF1's cache folder {self.path} cannot be written ({error.strerror}): set FASTF1_CACHE to another"
            ) from error

    def session(self, api_path: str) -> Path:
        """Return the folder of one session; ``api_path`` is FastF1's (``/static/2023/<event>/<session>/``)."""
        return self.path / api_path.removeprefix("/static/").strip("/")

    def claim(self, api_path: str) -> None:
        """List a session's files as ours, unless FastF1's parsed files of it are there already."""
        folder = self.session(api_path)
        if any(folder.glob(_PARSED)):
            return
        ours = self._ours()
        name = folder.relative_to(self.path).as_posix()
        if name not in ours:
            part = self.path / f".{_LIST}.{os.getpid()}"  # several processes may share the folder
            part.write_text(json.dumps([*ours, name], indent=1), encoding="utf-8")
            part.replace(self.path / _LIST)

    def drop(self, api_path: str) -> None:
        """Delete what was parsed of a session, because it was not complete when it was loaded."""
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
            Path(name).unlink(missing_ok=True)
            total -= size

    def _ours(self) -> list[str]:
        file = self.path / _LIST
        if not file.is_file():
            return []
        try:
            names = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SourceError(f"{file} is damaged ({error}): delete it, and clear FastF1's cache by hand") from error
        return [str(name) for name in names if ".." not in str(name)]
