"""The stand-ins, and what the tests of the Lambda side share."""

from __future__ import annotations

import sys
from pathlib import Path

from standins import aws_environment, dynalite, moto

__all__ = ["aws_environment", "dynalite", "moto"]

# Where Lambda would find it: lambda_runner is a folder of the image, not a part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
