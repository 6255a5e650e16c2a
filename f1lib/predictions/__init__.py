"""Predictions: issued, kept, explained, changed on request; `read` is the public way to one."""

from f1lib.predictions.archive import read

__all__ = ["read"]
