"""The stand-ins, for the contract tests."""

from standins import aws_environment, dynalite, moto

__all__ = ["aws_environment", "dynalite", "moto"]
