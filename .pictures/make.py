"""The README's pictures: what a reader sees of a lake of F1DB's data, photographed by a headless chromium.

>>> python .pictures/make.py LAKE        # make pictures does this, after filling the lake

Writes ``dashboard.png`` (the next race), ``race.png`` (a scored race: what happened) beside this
file. Data: F1DB, https://github.com/f1db/f1db, CC BY 4.0, as the pages themselves say.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
DESKTOP = {"width": 1280, "height": 1180}


def main(lake: str) -> int:
    """Photograph the pages of ``lake``; refuses simulated data and a lake without a scored race."""
    reports = Path(lake).resolve() / "reports"
    summary = json.loads((reports / "run_summary.json").read_text("utf-8"))
    if summary["source"]["simulated"] or not summary["races"]:
        print(f"pictures: {lake} has no scored race of real data; see the target `pictures` in the Makefile")
        return 1
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as session:
        opened = session.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        dashboard, race = reports / "run_summary.html", reports / summary["races"][0]["page"]
        _take(opened, dashboard, "dashboard.png", viewport=DESKTOP, color_scheme="light")
        _take(opened, race, "race.png", viewport=DESKTOP, color_scheme="dark")
        opened.close()
    return 0


def _take(browser: Any, page: Path, name: str, **context: Any) -> None:
    with browser.new_context(offline=True, **context) as made:
        tab = made.new_page()
        tab.goto(page.as_uri())
        tab.screenshot(path=HERE / name)
    print(f"{HERE.name}/{name}: {page.name}, {(HERE / name).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
