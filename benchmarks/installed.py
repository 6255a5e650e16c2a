"""What an installation of the wheel weighs: its files and those of all that it needs, without bytecode and extras.

    python -m benchmarks.installed FOLDER

Read from the metadata of the environment that runs it, for the checkout in FOLDER; prints JSON. The size is that on a
disk with blocks of 4 KB.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

BLOCK = 4096


def needed(name: str) -> set[str]:
    """A distribution and, by its metadata, all that it needs here without extras."""
    found: set[str] = set()
    waiting = [Requirement(name)]
    while waiting:
        wanted = waiting.pop()
        asked = [Requirement(text) for text in metadata.distribution(wanted.name).requires or ()]
        chosen = [
            r for r in asked if not r.marker or any(r.marker.evaluate({"extra": e}) for e in ("", *wanted.extras))
        ]
        if wanted.name not in found:
            waiting += chosen
        found.add(wanted.name)
    return {metadata.distribution(one).metadata["Name"] for one in found}


def on_disk(files: list[Path]) -> int:
    """The bytes that files take, in whole blocks."""
    return sum(-(-file.stat().st_size // BLOCK) * BLOCK for file in files if file.is_file() and file.suffix != ".pyc")


def main() -> None:
    """Add up."""
    folder = Path(sys.argv[1])
    own = [file for part in ("f1lib", "notebooks", "parameters") for file in (folder / part).rglob("*")]
    others = [
        Path(str(file.locate()))
        for name in needed("f1lib") - {"f1lib"}
        for file in metadata.distribution(name).files or ()
    ]
    print(json.dumps({"base install": {"size": [float(on_disk([*own, *others]))]}}))


if __name__ == "__main__":
    main()
