"""Who is to be named wherever the data of a source is shown or shipped."""

from __future__ import annotations

# F1DB's licence, CC BY 4.0, asks for it; the others are named out of courtesy, the generator as a warning.
ATTRIBUTION = {
    "f1db": "F1DB, https://github.com/f1db/f1db, CC BY 4.0",
    "fastf1": "F1DB, https://github.com/f1db/f1db, CC BY 4.0; Formula 1 live timing by FastF1; results by Jolpica-F1; "
    "forecasts by Open-Meteo, https://open-meteo.com, CC BY 4.0",
    "simulated": "simulated by f1lib; nothing of it happened",
}
