"""Figures as SVG that follows the page's theme: one race, a season, the notebooks for exploring."""

from f1lib.report.figures import explore, race, season, titles
from f1lib.report.figures.race import drawn_once

__all__ = ["drawn_once", "explore", "race", "season", "titles"]
