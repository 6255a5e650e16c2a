"""Pages as text: the shared style and templates, and executed notebooks turned into HTML.

Every page is one file that loads nothing from anywhere, works with JavaScript off, and says loudly when
its data is simulated. Templates, style and script stand in ``f1lib/templates``.
"""

from __future__ import annotations

import base64
import json
import re
from functools import cache, lru_cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from f1lib import __version__, attribution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

_TEMPLATES = Path(str(resources.files("f1lib"))) / "templates"
_SHOWN_PROVENANCE = ("run_id", "source", "code_version")
_HOME = "../../run_summary.html"  # executed notebooks stand in reports/runs/<run_id>/
_PAPERMILL_NOTE = "papermill-error-cell-tag"  # papermill's own words on a failure; the page has better ones
_HEADING = re.compile(r"^(#{1,3}) (.+?)\s*$", re.M)


class Html:
    """Markup that a notebook shows as it is, with a text for readers without HTML.

    ``markup`` must be escaped by whoever made it: this class only carries it.
    """

    def __init__(self, markup: str, text: str) -> None:
        self.markup = markup
        self.text = text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.markup, "text/plain": self.text}


@cache
def asset(name: str) -> str:
    """The text of one file of ``f1lib/templates``."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    """The template environment: everything is escaped, an undefined name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    found.filters.update(number=number, percent=percent, moment=moment)
    return found


def render(template: str, **context: Any) -> str:
    """Fill ``f1lib/templates/<template>``; every value is escaped unless it is already `Markup`."""
    shared = {"style": _markup(asset("style.css")), "script": _markup(asset("page.js")), "code_version": __version__}
    return environment().get_template(template).render({**shared, **context})


def macro(template: str, name: str) -> Any:
    """One macro of a template, to be called for its markup; arguments are escaped."""
    return getattr(environment().get_template(template).module, name)


def number(value: Any, digits: int = 3) -> str:
    """``3.216``; a dash for what is missing."""
    return "-" if value is None or value != value else f"{value:.{digits}f}"


def percent(value: Any, digits: int = 0) -> str:
    """A share of 1 as ``57 %``; a dash for what is missing, ``<1 %`` for what rounding would hide."""
    if value is None or value != value:
        return "-"
    least = 10.0 ** -(digits + 2)
    return f"<{100 * least:g} %" if 0 < value < least / 2 else f"{100 * value:.{digits}f} %"


def moment(text: Any) -> str:
    """``2025-12-06T16:00:00Z`` as ``2025-12-06 16:00 UTC``; a dash for what is missing."""
    return f"{str(text)[:16].replace('T', ' ')} UTC" if text else "-"


def notebook_to_html(notebook: Mapping[str, Any]) -> str:
    """An executed notebook (nbformat 4 JSON) as one page.

    The runner's facts are read from ``notebook["metadata"]["f1lib"]`` (``stage status error source run_id
    code_version parameters``) and stand at the top; without them the page has none. Outputs come first, code
    is folded, a failed cell is marked and opened.
    """
    import nbformat

    read: Any = nbformat.reads
    node = read(json.dumps(notebook), as_version=4)
    facts = dict(notebook.get("metadata", {}).get("f1lib", {}))
    node.cells = [cell for cell in node.cells if _PAPERMILL_NOTE not in cell.metadata.get("tags", [])]
    for index, cell in enumerate(node.cells):
        cell.setdefault("id", f"n{index}")
    text, _ = _exporter().from_notebook_node(node, resources={"f1lib": _notebook_page(node, facts)})
    return str(text)


@cache
def _exporter() -> Any:
    """nbconvert's exporter to HTML without its last step.

    It would parse the page it has just made, for four fifths of the time, to add alternative texts and tab stops to
    the elements of its own templates; ours have them.
    """
    from nbconvert.exporters.html import HTMLExporter
    from nbconvert.exporters.templateexporter import TemplateExporter
    from nbconvert.filters import Highlight2HTML
    from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter

    class Pages(HTMLExporter):
        def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> Any:
            return TemplateExporter.from_notebook_node(self, nb, resources, **kw)

    page: Any = Pages
    code: Any = Highlight2HTML
    widgets: Any = WidgetsDataTypeFilter

    @lru_cache(maxsize=200)
    def coloured(source: str) -> str:  # a season's pages show the same few cells over and over
        return str(filters["clean_html"](filters["highlight_code"](source)))

    exporter = page(
        optimistic_validation=True,
        template_name="notebook",
        exclude_anchor_links=True,
        extra_template_basedirs=[str(_TEMPLATES)],
        extra_template_paths=[str(_TEMPLATES)],
    )
    exporter.register_filter("highlight_code", code(pygments_lexer="ipython3", parent=exporter))
    exporter.register_filter("coloured", coloured)
    exporter.register_filter("filter_data_type", widgets(notebook_metadata={}, parent=exporter, resources={}))
    filters = exporter.environment.filters
    return exporter


def _notebook_page(node: Any, facts: dict[str, Any]) -> dict[str, Any]:
    headings = [(len(m[1]), m[2], cell.id) for cell in node.cells for m in _headings(cell)]
    titles = [text for level, text, _ in headings if level == 1]
    source = str(facts.get("source", ""))
    return {
        "title": titles[0] if titles else str(facts.get("stage", "Notebook")),
        "subtitle": _subtitle(facts),
        "status": facts.get("status", ""),
        "error": facts.get("error", ""),
        "failed_cell": next((f"cell-{cell.id}" for cell in node.cells if _has_failed(cell)), ""),
        "source": source,
        "home": _HOME if facts.get("run_id") else "",
        "provenance": _provenance(facts),
        "toc": [(f"cell-{anchor}", text) for level, text, anchor in headings if level == 2],
        "attribution": facts.get("attribution") or attribution.attribution(source, weather=False),
        "generated": f"Made by f1lib {facts['code_version']}." if facts.get("code_version") else "Made by f1lib.",
        "style": asset("style.css") + asset("notebook.css"),
        "script": asset("page.js"),
        "body": _body,
        "picture": _picture,
        "cell_kind": _cell_kind,
    }


def _has_failed(cell: Any) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def _headings(cell: Any) -> list[re.Match[str]]:
    return list(_HEADING.finditer(cell.source)) if cell.cell_type == "markdown" else []


def _body(cell: Any) -> str:
    """A text cell without its title, which stands at the top of the page."""
    return re.sub(r"\A# .*$", "", cell.source, flags=re.M)


def _subtitle(facts: Mapping[str, Any]) -> str:
    given = facts.get("parameters", {})
    words = [given.get("event"), given.get("horizon"), moment(given["as_of"]) if given.get("as_of") else ""]
    return " · ".join(str(word) for word in words if word)


def _provenance(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    known = [(name.replace("_", " "), str(facts[name])) for name in _SHOWN_PROVENANCE if facts.get(name)]
    given = facts.get("parameters", {})
    shown = {name: value for name, value in given.items() if value not in ("", []) and name not in facts}
    return known + [(f"parameter {name}", str(value)) for name, value in shown.items()]


def _cell_kind(cell: Any) -> str:
    """What the folded code is called, where its tag says more than its place."""
    named = {"parameters": "defaults", "injected-parameters": "parameters of this run", "setup": "setup"}
    return "".join(f": {named[tag]}" for tag in cell.metadata.get("tags", []) if tag in named)


def _picture(output: Any) -> str:
    """A picture output with its alternative text; vectors are put in as they are, so that they follow the theme."""
    if "image/svg+xml" in output.data:
        return f'<figure><div class="picture">{output.data["image/svg+xml"]}</div></figure>'
    alt = output.metadata.get("image/png", {}).get("alt") or output.data.get("text/plain", "picture")
    data = output.data["image/png"]
    data = data if isinstance(data, str) else base64.b64encode(data).decode()
    return f'<figure><img alt="{escape(alt)}" src="data:image/png;base64,{escape(data.strip())}"></figure>'


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)
