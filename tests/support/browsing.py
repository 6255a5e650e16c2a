"""A page opened as a reader opens it: in a real browser, with the network closed, everything it says noted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine; the pages are not opened")
DESKTOP: dict[str, Any] = {"viewport": {"width": 1200, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}

# What sticks out of the window without standing in a box that scrolls by itself.
_TOO_WIDE = """() => {
  const scrolls = (e) => e !== document.body && e !== document.documentElement
    && ["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX);
  const boxed = (e) => Boolean(e.parentElement) && (scrolls(e.parentElement) || boxed(e.parentElement));
  return [...document.body.querySelectorAll("*")]
    .filter((e) => !e.closest("svg") && !e.classList.contains("skip") && !boxed(e))
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5)
    .map((e) => e.outerHTML.slice(0, 100));
}"""
_CONTRAST = "color-contrast"
_SHOWN_CELLS = """([id, column]) => [...document.querySelectorAll(`#${id} tbody tr`)]
  .filter((row) => !row.hidden)
  .map((row) => row.cells[column].dataset.value ?? row.cells[column].innerText)"""


@dataclass
class Browser:
    """A browser and its windows, one for each kind of device."""

    launched: Any
    windows: dict[str, Any] = field(default_factory=dict)

    def page(self, **device: Any) -> Any:
        """A new page, its network closed. Its window has another that stays: to open one takes most of a second."""
        window = repr(sorted(device.items()))
        if window not in self.windows:
            self.windows[window] = self.launched.new_context(offline=True, **device)
            self.windows[window].new_page()
        return self.windows[window].new_page()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser; the test is skipped where Playwright or chromium is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine; the pages are not opened")
    with playwright.sync_playwright() as session:
        opened = session.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield Browser(opened)
        opened.close()


class Opened:
    """A page in the browser, with everything it asked for, said or complained of."""

    def __init__(self, browser: Browser, file: Path, **device: Any) -> None:
        self.page = browser.page(**device)
        self.remembers = device.get("java_script_enabled", True)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type != "log" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.goto(file.as_uri())

    def _dismiss(self, dialog: Any) -> None:
        self.complaints.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        if self.remembers:
            self.page.evaluate("localStorage.clear()")
        self.page.close()

    @property
    def asked_for(self) -> list[str]:
        """What was requested beside the page itself and what it carries within."""
        return [url for url in self.requests if not url.startswith("data:")][1:]

    def too_wide(self) -> list[str]:
        """What sticks out at the right; a page that scrolls sideways as a whole counts, too."""
        found = list(self.page.evaluate(_TOO_WIDE))
        width, total = self.page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
        return found + ([f"the page is {total} px wide"] if total > width else [])

    def column(self, table: str, column: int) -> list[str]:
        """The cells of one column of a table that are shown, as their full figures."""
        return list(self.page.evaluate(_SHOWN_CELLS, [table, column]))

    def serious(self, *, colours: bool = True, rest: bool = True) -> dict[str, list[str]]:
        """axe-core's serious and critical findings: rule -> elements. Skips where axe is not installed.

        The contrast of ``colours`` takes as long as the ``rest`` of the rules: each can be left out where another test
        looks at it.
        """
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        options |= {} if rest else {"runOnly": [_CONTRAST]}
        options |= {} if colours else {"rules": {_CONTRAST: {"enabled": False}}}
        found = axe.Axe().run(self.page, options=options).response["violations"]
        severe = [v for v in found if v["impact"] in ("serious", "critical")]
        return {v["id"]: [node["html"][:120] for node in v["nodes"]] for v in severe}
