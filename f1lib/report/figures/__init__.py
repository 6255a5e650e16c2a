"""Figures as vectors that follow the page's theme: of one race, of a season, of what was explored."""

from f1lib.report.figures import explore, race, season
from f1lib.report.figures.kept import drawn_once

__all__ = ["drawn_once", "explore", "race", "season"]
