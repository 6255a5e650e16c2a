"""Issued predictions: making, archiving, explaining and changing them; `read` is the public way to read one."""

from f1lib.predictions.archive import read

__all__ = ["read"]
