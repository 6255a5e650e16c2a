"""Composition root: the settings, and the workspace that opens everything."""

from f1lib.workspace.workspace import Workspace, open_workspace

__all__ = ["Workspace", "open_workspace"]
