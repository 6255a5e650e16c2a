"""A lake lived through tick by tick by the command a user types, with every upstream replayed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from f1lib.cli.main import main
from f1lib.sources import http
from f1lib.sources.fastf1 import client
from f1lib.tracking.rows import TrackingRow
from f1lib.tracking.table import open_tracking
from f1lib.workspace import workspace
from f1lib.workspace.settings import Settings, load_settings
from tests.support.replay_server import ReplayServer, serve_open_meteo
from tests.support.upstreams import QUICK, unpack, without_limits


class Quick(http.Upstream):
    """The adapter with bounds of a test, whatever its source asks for; no host is left alone from tick to tick."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"politeness": QUICK, "sleep": lambda _seconds: None})


@dataclass
class Live:
    """One lake and its upstreams."""

    server: ReplayServer
    lake: Path
    f1db: str

    def run(self, now: str, command: str = "run", *more: str) -> int:
        """``f1 run --source live --now ...``: the exit status."""
        return self.command(command, *more, "--now", now)

    def command(self, *words: str) -> int:
        """Any command on the lake."""
        given = ["--source", "live", "--lake", str(self.lake)]
        return main([*words, *given, *(["--f1db", self.f1db] if self.f1db else [])])

    def rows(self, event: str | None = None) -> dict[str, TrackingRow]:
        """The tracking rows of an event by session or stage."""
        return {row["session_name_abr"]: row for row in open_tracking(self.tracking).rows(event)}

    @property
    def tracking(self) -> str:
        """The tracking table inside the lake."""
        return f"sqlite:///{self.lake / 'tracking.db'}"

    def frame(self, key: str) -> pd.DataFrame:
        """A Parquet file of the lake."""
        return pd.read_parquet(self.lake / key)

    def issued(self, event: str) -> list[str]:
        """The names of the predictions ever issued for an event, in order."""
        season, _, name = event.partition("_")
        return sorted(path.stem for path in (self.lake / "predictions" / season / "history" / name).glob("*.parquet"))


@contextmanager
def live(
    shared_data: Path, folder: Path, weekends: tuple[str, ...] = (), *, history_from: int = 2021, weather: str = "auto"
) -> Iterator[Live]:
    """A fresh lake below ``folder``; ``weekends`` are FastF1's parsed files put into its cache beforehand."""
    folder.mkdir(parents=True, exist_ok=True)
    cache = folder / "fastf1"
    for prefix in weekends:
        unpack(shared_data, cache, prefix)

    def trimmed(*given: Any) -> Settings:
        return replace(load_settings(*given), history_from=history_from, cache=str(folder / "cache"))

    with ReplayServer(shared_data / "recordings") as server, without_limits(), pytest.MonkeyPatch.context() as patch:
        serve_open_meteo(server)
        patch.setattr(workspace, "load_settings", trimmed)
        for module in (http, client):
            patch.setattr(module, "Upstream", Quick)
        for name in ("F1_USERNAME", "F1_PASSWORD"):
            patch.delenv(name, raising=False)
        environment = {"F1_UPSTREAM_BASE": server.base, "FASTF1_CACHE": str(cache), "F1_ENGINE": "inprocess"}
        for name, value in (environment | {"F1_WEATHER": weather}).items():
            patch.setenv(name, value)
        yield Live(server, folder / "lake", str(shared_data / "f1db" / "f1db-csv.zip"))


def without_f1db_of(f1db_zip: Path, target: Path, dates: tuple[str, ...]) -> Path:
    """A release from before the races of ``dates`` (ISO days) were published: their result rows are left out."""
    with zipfile.ZipFile(f1db_zip) as release, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written:
        for name in release.namelist():
            text = release.read(name).decode()
            if name.startswith("f1db-races-"):
                head, *lines = text.splitlines(keepends=True)
                kept = [line for line in lines if not any(line.startswith(f"{race},") for race in dates)]
                text = "".join([head, *kept])
            written.writestr(name, text)
    return target
