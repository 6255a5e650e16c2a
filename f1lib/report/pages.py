"""Rendering of pages: the templates, style and script in ``f1lib/report/templates``, and filters for numbers.

Every page is one file that loads nothing from elsewhere, works without JavaScript, and has a banner when its data is
simulated.
"""

from __future__ import annotations

import base64
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1lib.domain.moments import parse_utc
from f1lib.lake import fingerprint
from f1lib.lake.paths_published import HEALTH_PAGE, INDEX, SEASON, link
from f1lib.lake.provenance import code_version
from f1lib.tracking.stage_keys import short_name

if TYPE_CHECKING:
    from jinja2 import Environment


SCRIPTS = ("theme.js", "page.js", "tips.js")
# Pages that every page links to: key below reports/, words.
LINKS = ((link(INDEX), "Next race"), (link(SEASON), "Season"), (link(HEALTH_PAGE), "Data and models"))
_SYSTEMS = {
    "model": "our forecast",
    "grid_slot_table": "starting order",
    "qualifying_slot_table": "qualifying order",
    "form_slot_table": "recent form",
}
TEMPLATES = Path(str(resources.files("f1lib.report"))) / "templates"


class Html:
    """HTML output of a notebook cell, with a text for readers without HTML.

    ``markup`` must be escaped by the caller.
    """

    def __init__(self, markup: str, text: str) -> None:
        self.markup = markup
        self.text = text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.markup, "text/plain": self.text}


def paragraph(text: str) -> Html:
    """Return a text as a paragraph, escaped."""
    return Html(f"<p>{escape(text)}</p>", text)


@cache
def asset(name: str) -> str:
    """Return the text of one file of ``f1lib/report/templates``."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def policy() -> str:
    """Return the Content-Security-Policy of every page: our own scripts by their hash, inline styles and pictures."""
    digests = [base64.b64encode(bytes.fromhex(fingerprint.of_text(asset(name)))).decode() for name in SCRIPTS]
    scripts = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def environment() -> Environment:
    """Return the template environment: everything is escaped, an undefined name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    found.filters.update(number=number, percent=percent, moment=moment, when=when, short_name=short_name)
    found.filters["system_words"] = system_words
    return found


def render(template: str, key: str, **context: Any) -> str:
    """Fill a template that extends ``base.html.j2``.

    Parameters
    ----------
    template : str
        Name of a file in ``f1lib/report/templates``.
    key : str
        Key of the page in the lake, below ``reports/``.
    **context
        Variables of the template: ``title source attribution`` at least; escaped unless they are `Markup`.

    Returns
    -------
    str
        The page as HTML.
    """
    from markupsafe import Markup

    here = link(key)
    shared = {
        "style": Markup(asset("style.css")),
        "script": Markup(asset("page.js")),
        "tips": Markup(asset("tips.js")),
        "theme": Markup(asset("theme.js")),
        "policy": policy(),
        "code_version": code_version(),
        "here": here,
        "root": "../" * here.count("/"),
        "links": LINKS,
    }
    return environment().get_template(template).render({**shared, **context})


def shown(macro: str, *arguments: Any, text: str) -> Html:
    """Show what a macro of ``tables.html.j2`` makes of its arguments, which are escaped, with a plain text beside."""
    return Html(str(getattr(tables(), macro)(*arguments)), text)


@cache
def tables() -> Any:
    """Return the macros of ``tables.html.j2``, which is compiled by the first call."""
    return environment().get_template("tables.html.j2").module


def warm_up() -> None:
    """Compile every template of a page, as its first use would; those of executed notebooks are nbconvert's."""
    for path in TEMPLATES.glob("*.j2"):
        environment().get_template(path.name)


def system_words(system: object) -> str:
    """Return what a reader calls a system: ``starting order`` for ``grid_slot_table``."""
    return _SYSTEMS.get(str(system), str(system).replace("_", " "))


def number(value: Any, digits: int = 3) -> str:
    """Format a number as ``3.216``; a dash when it is missing."""
    return "-" if value is None or value != value else f"{value:.{digits}f}"


def percent(value: Any, digits: int = 0) -> str:
    """Format a share of 1 as ``57 %``; a dash when it is missing, ``<1 %`` for one that rounds to 0."""
    if value is None or value != value:
        return "-"
    least = 10.0 ** -(digits + 2)
    return f"<{100 * least:g} %" if 0 < value < least / 2 else f"{100 * value:.{digits}f} %"


def moment(text: Any) -> str:
    """Format ``2025-12-06T16:00:00Z`` as ``2025-12-06 16:00 UTC``; a dash when it is missing."""
    return f"{str(text)[:16].replace('T', ' ')} UTC" if text else "-"


def when(text: str) -> Any:
    """Format a moment as ``Sunday 7 December 2025, 13:00 UTC``; the page's script shows it in the reader's time."""
    from markupsafe import Markup

    at = parse_utc(text)
    return Markup('<time datetime="{}" data-local>{}</time>').format(text, f"{at:%A} {at.day} {at:%B %Y, %H:%M} UTC")
