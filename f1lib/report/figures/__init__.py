"""Figures as vectors that follow the page's theme: of one race, of a season, of what was explored."""

from f1lib.report.figures import explore, race, season

__all__ = ["explore", "race", "season"]
