"""Settings of a workspace: ``parameters/<environment>.yml``, overridden by environment variables and by the caller.

A checked dataclass instead of a pydantic model: importing pydantic takes 80 ms, half of the time of a tick with nothing
to do.

>>> load_settings(Path("parameters/local.yml"), {"F1_SOURCE": "f1db"}, {"lake": "/data/f1"})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from f1lib.errors import BadParameters
from f1lib.lake.documents import from_yaml
from f1lib.workspace.project import kept

SOURCES = ("auto", "live", "f1db", "simulated", "fastf1")
_SAME_AS = {"fastf1": "live"}  # the name of 0.1.0
TIMING = ("fastf1", "openf1")
_CHOICES = {"source": SOURCES, "engine": ("process", "inprocess", "kernel"), "weather": ("auto", "openmeteo", "none")}
_AT_LEAST_ONE = ("lease_minutes", "threads", "simulated_seasons", "fastf1_cache_mb")
_ENVIRONMENT = {
    "F1_LAKE_URL": "lake",
    "F1_TRACKING_URL": "tracking",
    "F1_SOURCE": "source",
    "F1_F1DB": "f1db",
    "F1_CACHE": "cache",
    "F1_MODEL": "model",
    "F1_ENGINE": "engine",
    "F1_UPSTREAM_BASE": "upstream_base",
    "F1_WEATHER": "weather",
    "F1_SITE": "site",
    "DEAD_LETTERS_URL": "dead_letters",
    "FASTF1_CACHE": "fastf1_cache",
}
# Prefixes of the layers in the bucket (docs/lake.md); a layer without one has its own name as prefix.
_LAYER_PATHS = {
    "bronze": "S3_BRONZE_PATH",
    "silver": "S3_SILVER_PATH",
    "gold": "S3_GOLD_PATH",
    "models": "S3_MODEL_PATH",
    "reports": "S3_REPORTS_PATH",
    "predictions": "PREDICTIONS_S3_PREFIX",
}


@dataclass(frozen=True)
class Settings:
    """Settings of a workspace; the comments in ``parameters/local.yml`` document each field."""

    lake: str = "lake"
    tracking: str = ""
    source: str = "auto"
    f1db: str = ""
    cache: str = ".cache"
    history_from: int = 2010
    model: str = "blend_v2"
    engine: str = "process"
    lease_minutes: int = 30
    ingest_seconds: int = 0
    threads: int = 2
    simulated_seed: int = 1
    simulated_seasons: int = 5
    upstream_base: str = ""
    fastf1_cache: str = ""
    fastf1_cache_mb: int = 500
    weather: str = "auto"
    dead_letters: str = ""
    site: str = ""
    timing: str = "fastf1 openf1"

    @property
    def downloads(self) -> Path:
        """The folder of downloads."""
        return kept(self.cache)

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value, choices = getattr(self, name), _CHOICES.get(name)
            if type(value) is not kind:
                raise BadParameters(f"setting {name} is {value!r}; expected {kind.__name__}")
            if choices and value not in choices:
                raise BadParameters(f"setting {name} is {value!r}; use one of {', '.join(choices)}")
            if name in _AT_LEAST_ONE and value < 1:
                raise BadParameters(f"setting {name} is {value}; it must be at least 1")
        object.__setattr__(self, "source", _SAME_AS.get(self.source, self.source))
        if self.site and not self.site.startswith(("http://", "https://")):
            raise BadParameters(f"setting site is {self.site!r}; it is an address such as https://example.org/f1/")
        named = self.timing.split()
        if not named or len(set(named)) < len(named) or not set(named) <= set(TIMING):
            raise BadParameters(
                f"setting timing is {self.timing!r}; name some of {', '.join(TIMING)}, each once, in order"
            )


_KINDS: dict[str, type[Any]] = {field.name: type(field.default) for field in fields(Settings)}


def load_settings(file: Path, environment: Mapping[str, str], given: Mapping[str, Any]) -> Settings:
    """Load the settings of a file, overridden by environment variables and then by the caller.

    Parameters
    ----------
    file : Path
        YAML file of ``name: value`` lines.
    environment : Mapping[str, str]
        Environment variables; an empty one counts as not set.
    given : Mapping[str, Any]
        Name -> value from the caller; an empty text or None counts as not given.

    Returns
    -------
    Settings
        The settings, each of the type of its default.

    Raises
    ------
    BadParameters
        When the file cannot be read or is not a mapping, or for an unknown name or a value that is not allowed.
    """
    try:
        document = from_yaml(file.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError) as error:
        raise BadParameters(f"cannot read settings {file}: {error}") from error
    if not isinstance(document, dict):
        raise BadParameters(f"settings {file}: expected `name: value` lines, found {type(document).__name__}")
    named = {field: environment[name] for name, field in _ENVIRONMENT.items() if environment.get(name)}
    settings = _overlay(Settings(), document, str(file))
    settings = _overlay(settings, s3_environment(environment) | named, "the environment")
    return _overlay(settings, {k: v for k, v in given.items() if v not in ("", None)}, "the call")


def s3_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the lake and tracking table that docs/lake.md's AWS variables name, as settings; empty where not set."""
    found = {}
    if bucket := environment.get("S3_BUCKET_NAME"):
        layers = {layer: environment[name] for layer, name in _LAYER_PATHS.items() if environment.get(name)}
        found["lake"] = f"s3://{bucket}" + (f"?{urlencode(layers)}" if layers else "")
    if table := environment.get("DYNAMODB_TABLE_NAME"):
        predictions = environment.get("PREDICTIONS_TABLE_NAME", "")
        found["tracking"] = f"dynamodb://{table}" + (f"?predictions={predictions}" if predictions else "")
    return found


def _overlay(settings: Settings, values: Mapping[str, Any], where: str) -> Settings:
    if unknown := sorted(str(name) for name in set(values) - set(_KINDS)):
        raise BadParameters(f"{where}: unknown setting {', '.join(unknown)}; known: {', '.join(_KINDS)}")
    try:
        return replace(settings, **values)
    except BadParameters as error:
        raise BadParameters(f"{where}: {error}") from None
