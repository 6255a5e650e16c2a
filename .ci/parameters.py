"""Print the parameters of one of lambda_runner's configurations as ``Name=value`` words, or its stack's name."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path


def main() -> None:
    """Read the file that is named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", action="store_true", help="the name of the stack")
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    configuration = tomllib.loads(arguments.file.read_text(encoding="utf-8"))["default"]
    if arguments.stack:
        print(configuration["global"]["parameters"]["stack_name"])
    else:
        print(" ".join(configuration["deploy"]["parameters"]["parameter_overrides"]))


if __name__ == "__main__":
    main()
