"""Damage to the files of a lake, by kind and at random from a seed, and what two lakes must share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HOWS = ("delete", "truncate", "flip", "empty", "swap")
# Kinds of files, and what their keys look like; the records of runs and the pages are read by nobody.
KINDS = {
    "calendar": r"bronze/schedule/.*",
    "session note": r"bronze/sessions/[^/]+/[^/]+/[^/]+/source\.json",
    "session": r"bronze/sessions/[^/]+/[^/]+/[^/]+/[a-z_]+\.parquet",
    "grid note": r"bronze/sessions/.*starting_grid\.source\.json",
    "forecast": r"bronze/weather/.*\.json",
    "silver": r"silver/.*\.parquet",
    "silver's hashes": r"silver/files\.json",
    "training dataset": r"gold/training_dataset\..*",
    "features": r"gold/gold_driver_event_features/.*",
    "champion": r"models/champion\.json",
    "model run": r"models/run_id=.*",
    "issued prediction": r"predictions/\d+/history/.*\.parquet",
    "change log": r"predictions/\d+/history/.*\.json",
    "explanation": r"predictions/\d+/explanations/.*",
    "newest prediction": r"predictions/\d+/[^/]+\.parquet",
    "latest": r"predictions/latest\.json",
    "report": r"reports/(accuracy|run_summary|next_races)\.json",
}
# What two runs over the same data share: all but moments of fetching and names of runs.
_NAMES = ["model_run_id", "gold_run_id"]


def damage(lake: Path, kind: str, how: str, rng: np.random.Generator) -> str:
    """Damage one file of a kind, and return its key; empty when the lake has none."""
    keys = sorted(path.relative_to(lake).as_posix() for path in lake.rglob("*") if path.is_file())
    fitting = [key for key in keys if re.fullmatch(KINDS[kind], key)]
    if not fitting:
        return ""
    key = str(rng.choice(fitting))
    path, data = lake / key, (lake / key).read_bytes()
    if how == "delete":
        path.unlink()
        return key
    others = [name for name in fitting if (lake / name).read_bytes() != data]
    if how == "swap" and not others:
        how = "flip"
    place = int(rng.integers(max(len(data), 1)))
    damaged = {
        "truncate": data[: place or 1],
        "flip": data[:place] + bytes([data[place] ^ (1 << int(rng.integers(8)))]) + data[place + 1 :] if data else b"x",
        "empty": b"",
        "swap": (lake / str(rng.choice(others or [key]))).read_bytes(),
    }[how]
    path.write_bytes(damaged)
    return key if damaged != data else ""


def data_of(lake: Path, event: str) -> dict[str, Any]:
    """What must be equal in two lakes: silver and the training dataset to the byte, the predictions of an event."""
    files = [*lake.glob("silver/**/*.parquet"), lake / "gold" / "training_dataset.parquet"]
    found: dict[str, Any] = {path.relative_to(lake).as_posix(): path.read_bytes() for path in sorted(files)}
    season, _, name = event.partition("_")
    for path in sorted(lake.glob(f"predictions/{season}/{name}*_predictions.parquet")):
        frame = pd.read_parquet(path).drop(columns=_NAMES)
        frame = frame.assign(position_probabilities=frame["position_probabilities"].map(list))
        found[path.relative_to(lake).as_posix()] = frame.to_dict("list")
    return found


def differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Keys of what is not the same in two lakes, as `data_of` reads them."""
    return sorted(key for key in {*ours, *theirs} if repr(ours.get(key)) != repr(theirs.get(key)))
