"""Execute the notebooks for exploring on a lake: a page and a picture each, for the gallery of the documentation site.

    python docs/gallery.py LAKE FOLDER

Each notebook becomes FOLDER/gallery/<name>.html, its first picture FOLDER/gallery/<name>.svg.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks" / "explore"


def make(lake: Path, folder: Path) -> list[Path]:
    """Write pages and pictures of all notebooks; return the pictures."""
    from papermill import execute_notebook
    from papermill.engines import papermill_engines

    from f1lib.pipeline.engines import InProcessEngine
    from f1lib.report.notebook_html import notebook_to_html

    logging.getLogger("papermill").setLevel(logging.ERROR)  # it cannot parse `name: type = literal`
    papermill_engines.register("inprocess", InProcessEngine)
    made = []
    (folder / "gallery").mkdir(parents=True, exist_ok=True)
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as work:
            executed = Path(work) / notebook.name
            given = {"lake": str(lake.absolute())}
            execute_notebook(
                notebook, executed, given, engine_name="inprocess", progress_bar=False, kernel_name="python3"
            )
            document = json.loads(executed.read_text(encoding="utf-8"))
        page = folder / "gallery" / f"{notebook.stem}.html"
        text = notebook_to_html(document).replace("../../index.html", "../gallery.html")
        page.write_text(text, encoding="utf-8")
        picture = page.with_suffix(".svg")
        picture.write_text(_pictures(document)[0], encoding="utf-8")
        made.append(picture)
    return made


def _pictures(notebook: dict[str, Any]) -> list[str]:
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return ["".join(o["data"]["image/svg+xml"]) for o in outputs if "image/svg+xml" in o.get("data", {})]


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
