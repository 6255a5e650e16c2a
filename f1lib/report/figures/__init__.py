"""Figures as SVG that follows the page's theme: one race, a season, the notebooks for exploring."""

from f1lib.report.figures import explore, race, season, titles

__all__ = ["explore", "race", "season", "titles"]
