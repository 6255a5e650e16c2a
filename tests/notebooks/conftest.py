"""The fixtures of `lived_lake`, for every test of this folder."""

from tests.support.lived_lake import *  # noqa: F403
