"""The fixtures of `lived_lake`, for every test of this folder."""

from lived_lake import *  # noqa: F403
