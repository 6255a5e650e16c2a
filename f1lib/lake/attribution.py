"""Who is to be named wherever the data of a source is shown or shipped.

F1DB's and Open-Meteo's licence, CC BY 4.0, asks for it; the others are named out of courtesy, the generator as a
warning. Open-Meteo is named where a forecast of its was used, whatever the results came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from f1lib.lake import paths

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.lake.store import ObjectStore

_F1DB = "F1DB, https://github.com/f1db/f1db, CC BY 4.0"
_SOURCES = {
    "f1db": _F1DB,
    "fastf1": f"{_F1DB}; Formula 1 live timing by FastF1; results by Jolpica-F1",
    "simulated": "simulated by f1lib; nothing of it happened",
}
_FORECASTS = "forecasts by Open-Meteo, https://open-meteo.com, CC BY 4.0"


def attribution(source: str, *, weather: bool) -> str:
    """Whom to name for data of ``source``, with ``weather`` from Open-Meteo or without; nobody for an unknown name."""
    named = _SOURCES.get(source, "")
    return f"{named}; {_FORECASTS}" if weather and source != "simulated" else named


def of_lake(store: ObjectStore, source: str) -> str:
    """Whom to name for what is made of a whole lake: Open-Meteo too, once any answer of its stands in there."""
    return attribution(source, weather=bool(store.list(paths.FORECASTS_PREFIX)))


def of_predictions(issues: pd.DataFrame) -> str:
    """Whom to name for issued predictions: Open-Meteo too, when one was made from a forecast."""
    return attribution(str(issues["source"].iloc[-1]), weather=bool(issues["forecast_hash"].notna().any()))
