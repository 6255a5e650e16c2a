"""A Formula 1 race predictor that people can trust and run."""

__version__ = "0.1.0"
