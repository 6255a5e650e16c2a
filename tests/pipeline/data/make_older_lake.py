"""Make the lake that an older version wrote; nothing of today's code is used.

``lake-0.1.0.tar.xz`` is of commit 1e1368a, ``lake-d5f6776.tar.xz`` of that commit, the last one without a wheel::

    git worktree add /tmp/older 1e1368a && make -C /tmp/older setup
    /tmp/older/.venv/bin/python tests/pipeline/data/make_older_lake.py tests/pipeline/data/lake-0.1.0.tar.xz

Simulated data: ten races of 2024 and the prediction of the eleventh, with its sprint. To keep it small the sessions
have no laps, weather or race control, as F1DB's have none, and the notebooks that hold pictures are left out.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

NOW = "2024-06-20T10:00:00Z"
MARKER = '{"kind": "simulated", "seed": 3, "first_season": 2024}'
WITH_PICTURES = ("04_gold", "06_predict")


def without_laps(session: Any) -> Any:
    """The method ``session`` of a source, without the frames that F1DB has not."""

    def asked(*arguments: Any) -> Any:
        data = session(*arguments)
        for name in ("laps", "weather", "race_control"):
            data.frames.pop(name, None)
        return data

    return asked


def wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """What goes into the archive, as nobody's."""
    entry.uname = entry.gname = ""
    return None if Path(entry.name).name.startswith(WITH_PICTURES) else entry


if __name__ == "__main__":
    os.environ["F1_ENGINE"] = "inprocess"
    is_flat = importlib.util.find_spec("f1lib.sources.simulated.source") is None  # as 0.1.0 was laid out
    source = importlib.import_module(f"f1lib.sources.simulated{'' if is_flat else '.source'}").SimulatedSource
    source.session = without_laps(source.session)
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder) / "lake"
        lake.mkdir()
        (lake / "lake.json").write_text(MARKER, encoding="utf-8")
        words = ["run", "--source", "simulated", "--lake", str(lake), "--now", NOW]
        if importlib.import_module(f"f1lib.cli{'' if is_flat else '.main'}").main(words):
            raise SystemExit("the tick failed")
        with tarfile.open(sys.argv[1], "w:xz", preset=9) as archive:
            archive.add(lake, "lake", filter=wanted)
