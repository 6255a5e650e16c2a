"""A Formula 1 race predictor that people can trust and run.

>>> import f1lib
>>> lake = f1lib.open("my-lake")                          # or s3://bucket/prefix
>>> lake.predictions("abu dhabi")                         # the newest prediction, a row a driver
>>> lake.predict("abu dhabi", rain=0.7, grid={"VER": 20}) # the same race under other conditions
>>> lake.results(2024), lake.qualifying(2024), lake.laps(2024), lake.features(), lake.scores(), lake.championship(2025)

>>> model = f1lib.RaceModel("blend_v1", horizon="pre_race")
>>> model.fit(lake.features("pre_race")).predict_proba(lake.features("pre_race", event="abu dhabi"))

Importing the package loads nothing; each name is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from f1lib.api.lake import Lake, open
    from f1lib.api.race_model import RaceModel

__all__ = ["Lake", "RaceModel", "open"]
_MODULES = {
    "Lake": "f1lib.api.lake",
    "RaceModel": "f1lib.api.race_model",
    "open": "f1lib.api.lake",
    "predictions": "f1lib.predictions",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module
    from importlib.metadata import version

    if name == "__version__":
        return version("f1lib")
    if name not in _MODULES:
        raise AttributeError(f"module 'f1lib' has no attribute {name!r}")
    module = import_module(_MODULES[name])
    return getattr(module, name) if name in __all__ else module


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
