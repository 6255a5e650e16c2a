"""A Formula 1 race predictor that people can trust and run.

>>> import f1lib
>>> frame = f1lib.predictions.read("2025_Abu_Dhabi_Grand_Prix", lake="lake")

``f1lib.predictions`` and ``f1lib.__version__`` are loaded when first asked for; importing the package loads nothing.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "predictions":
        from importlib import import_module

        return import_module("f1lib.predictions.archive")
    if name == "__version__":
        from importlib.metadata import version

        return version("f1lib")
    raise AttributeError(f"module 'f1lib' has no attribute {name!r}")
