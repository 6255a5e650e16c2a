"""Executed notebooks as HTML pages: outputs first, code folded, provenance at the top."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any

from f1lib.lake import attribution
from f1lib.lake.paths_published import INDEX, link
from f1lib.report.pages import TEMPLATES, asset, moment, policy

_SHOWN_PROVENANCE = ("run_id", "source", "code_version")
_HOME = f"../../{link(INDEX)}"  # executed notebooks stand in reports/runs/<run_id>/
_PAPERMILL_NOTE = "papermill-error-cell-tag"  # papermill's own message on a failure; the page has its own
_HEADING = re.compile(r"^(#{1,3}) (.+?)\s*$", re.M)


def notebook_to_html(notebook: Mapping[str, Any]) -> str:
    """Render an executed notebook (nbformat 4 JSON) as one page.

    Facts about the run are read from ``notebook["metadata"]["f1lib"]`` (``stage status error source run_id code_version
    parameters``) and shown at the top; without them the page has none. Outputs come first, code is folded, and a failed
    cell is marked and opened.
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
def warm_up() -> None:
    """Do what the first page of a process does once: import nbconvert, compile its templates and the lexer."""
    text = {"id": "a", "cell_type": "markdown", "metadata": {}, "source": "# A"}
    said = {"output_type": "stream", "name": "stdout", "text": "a"}
    code = {"id": "b", "cell_type": "code", "metadata": {}, "source": "a", "execution_count": 1, "outputs": [said]}
    notebook_to_html({"cells": [text, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@cache
def _exporter() -> Any:
    """Return the HTML exporter of nbconvert without its last step.

    That step parses the finished page again, four fifths of the time, to add alternative texts and tab stops to
    elements of nbconvert's own templates; f1lib's templates have them.
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

    exporter = page(
        optimistic_validation=True,
        template_name="notebook",
        exclude_anchor_links=True,
        extra_template_basedirs=[str(TEMPLATES)],
        extra_template_paths=[str(TEMPLATES)],
    )
    exporter.register_filter("highlight_code", code(pygments_lexer="ipython3", parent=exporter))
    exporter.register_filter("filter_data_type", widgets(notebook_metadata={}, parent=exporter, resources={}))
    return exporter


def _notebook_page(node: Any, facts: dict[str, Any]) -> dict[str, Any]:
    texts = [cell for cell in node.cells if cell.cell_type == "markdown"]
    headings = [(len(m[1]), m[2], cell.id) for cell in texts for m in _HEADING.finditer(cell.source)]
    failed = [cell for cell in node.cells if any(o.output_type == "error" for o in cell.get("outputs", []))]
    titles = [text for level, text, _ in headings if level == 1]
    source = str(facts.get("source", ""))
    return {
        "title": titles[0] if titles else str(facts.get("stage", "Notebook")),
        "subtitle": _subtitle(facts),
        "status": facts.get("status", ""),
        "error": facts.get("error", ""),
        "failed_cell": f"cell-{failed[0].id}" if failed else "",
        "source": source,
        "home": _HOME if facts.get("run_id") else "",
        "provenance": _provenance(facts),
        "toc": [(f"cell-{anchor}", text) for level, text, anchor in headings if level == 2],
        "attribution": facts.get("attribution") or attribution.attribution(source, weather=False),
        "generated": f"Made by f1lib {facts['code_version']}." if facts.get("code_version") else "Made by f1lib.",
        "style": asset("style.css") + asset("notebook.css"),
        "script": asset("page.js"),
        "theme": asset("theme.js"),
        "policy": policy(),
        "body": _body,
        "picture": _picture,
        "cell_kind": _cell_kind,
    }


def _body(cell: Any) -> str:
    """Return a text cell without its title, which is shown at the top of the page."""
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
    """Return the label of the folded code of a tagged cell."""
    named = {"parameters": "defaults", "injected-parameters": "parameters of this run", "setup": "setup"}
    return "".join(f": {named[tag]}" for tag in cell.metadata.get("tags", []) if tag in named)


def _picture(output: Any) -> str:
    """Return a picture output with its alternative text; vectors are embedded inline, so that they follow the theme."""
    if "image/svg+xml" in output.data:
        return f'<figure><div class="picture">{output.data["image/svg+xml"]}</div></figure>'
    alt = output.metadata.get("image/png", {}).get("alt") or output.data.get("text/plain", "picture")
    data = output.data["image/png"]
    data = data if isinstance(data, str) else base64.b64encode(data).decode()
    return f'<figure><img alt="{escape(alt)}" src="data:image/png;base64,{escape(data.strip())}"></figure>'
