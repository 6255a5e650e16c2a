"""The composition root: settings, and the workspace that everything is opened through."""

from f1lib.workspace.workspace import Workspace, open_workspace

__all__ = ["Workspace", "open_workspace"]
