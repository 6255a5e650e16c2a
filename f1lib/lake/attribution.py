"""Attribution of the data's sources, shown on reports and shipped with files.

The licence of F1DB and Open-Meteo, CC BY 4.0, requires it; the other sources are named as a courtesy, and simulated
data as a warning. Open-Meteo is named where one of its forecasts was used, whatever the source of the results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from f1lib.lake import paths

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.lake.store import ObjectStore

_F1DB = "F1DB, https://github.com/f1db/f1db, CC BY 4.0"
_LIVE = f"{_F1DB}; Formula 1 live timing by FastF1 and OpenF1; results by Jolpica-F1"
_SOURCES = {"f1db": _F1DB, "live": _LIVE, "fastf1": _LIVE, "simulated": "simulated by f1lib; nothing of it happened"}
_FORECASTS = "forecasts by Open-Meteo, https://open-meteo.com, CC BY 4.0"


def attribution(source: str, *, weather: bool) -> str:
    """Return the attribution for data of ``source``, empty for an unknown source; ``weather`` adds Open-Meteo."""
    named = _SOURCES.get(source, "")
    return f"{named}; {_FORECASTS}" if weather and source != "simulated" else named


def of_lake(store: ObjectStore, source: str) -> str:
    """Return the attribution for what is made of a whole lake: with Open-Meteo once any forecast is stored there."""
    return attribution(source, weather=bool(store.list(paths.FORECASTS_PREFIX)))


def of_predictions(issues: pd.DataFrame) -> str:
    """Return the attribution for issued predictions.

    Parameters
    ----------
    issues : pd.DataFrame
        Prediction rows of one source, at least one, with the columns ``source`` and ``forecast_hash``.

    Returns
    -------
    str
        The source's attribution, with Open-Meteo's when any row was made from a forecast (``forecast_hash`` not null).
    """
    return attribution(str(issues["source"].iloc[-1]), weather=bool(issues["forecast_hash"].notna().any()))
