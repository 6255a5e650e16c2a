"""Executed notebooks become pages that say what they are, open offline and execute nothing from upstream."""

from __future__ import annotations

import re
import warnings
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from f1lib.report.notebook_html import notebook_to_html, warm_up
from f1lib.report.pages import moment, percent

EVIL = "<img src=x onerror=alert(1)>"


def _cell(kind: str, source: str, outputs: list[dict[str, Any]] | None = None, tags: list[str] | None = None) -> Any:
    cell = {"cell_type": kind, "id": f"id-{abs(hash(source))}", "metadata": {"tags": tags or []}, "source": source}
    return cell | ({"execution_count": 1, "outputs": outputs or []} if kind == "code" else {})


def _notebook(*cells: Any, **facts: Any) -> dict[str, Any]:
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, **({"f1lib": facts} if facts else {})}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


def _stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def _tags(page: str, name: str) -> list[list[tuple[str, str | None]]]:
    found: list[list[tuple[str, str | None]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append(attrs) if tag == name else None  # type: ignore[method-assign]
    parser.feed(page)
    return found


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}


def test_the_output_stands_before_its_folded_code() -> None:
    page = notebook_to_html(_notebook(_cell("code", "x = 41 + 1", [_stream("the answer")])))
    assert page.index("the answer") < page.index("<summary>Code")
    assert "<details open" not in page


def test_the_parameters_and_the_provenance_stand_at_the_top() -> None:
    facts = {"stage": "05_train", "run_id": "20251206T160000Z", "source": "f1db", "code_version": "9.9", "status": "ok"}
    page = notebook_to_html(_notebook(_cell("code", "1"), **facts, parameters={"model": "full_v1", "event": ""}))
    top = page[: page.index("<main")]
    for text in ("20251206T160000Z", "f1db", "9.9", "parameter model", "full_v1"):
        assert text in top
    assert "parameter event" not in top


def test_the_contents_lead_to_the_cells() -> None:
    page = notebook_to_html(
        _notebook(_cell("markdown", "# T"), _cell("markdown", "## One"), _cell("markdown", "## Two"))
    )
    anchors = re.findall(r'<li><a href="#([^"]+)">(One|Two)</a>', page)
    assert [text for _, text in anchors] == ["One", "Two"]
    assert all(f'id="{anchor}"' in page for anchor, _ in anchors)


def test_the_title_is_shown_once() -> None:
    page = notebook_to_html(_notebook(_cell("markdown", "# The Title\n\nbelow")))
    assert page.count("The Title") == 2  # the window's title and the heading
    assert "below" in page


def test_the_page_of_a_failed_run_leads_to_the_cell_and_says_what_was_not_run() -> None:
    error = {"output_type": "error", "ename": "E", "evalue": "no", "traceback": ["E: no"]}
    note = _cell("markdown", "<span>An Exception was encountered</span>", tags=["papermill-error-cell-tag"])
    later = {**_cell("code", "later = 1"), "execution_count": None}
    bad = _cell("code", "boom()", [error])
    page = notebook_to_html(_notebook(note, _cell("code", "fine = 1"), bad, later, status="failed", error="E: no"))
    assert f'<a href="#cell-{bad["id"]}">The cell that failed</a>' in page
    assert f'id="cell-{bad["id"]}"' in page
    assert page.count("(not run)") == 1
    assert "An Exception was encountered" not in page


def test_a_failed_cell_is_marked_and_open() -> None:
    error = {
        "output_type": "error",
        "ename": "ValueError",
        "evalue": "no",
        "traceback": ["\x1b[31mValueError\x1b[0m: no"],
    }
    good, bad = _cell("code", "fine = 1"), _cell("code", "boom()", [error])
    page = notebook_to_html(_notebook(good, bad, status="failed", error="ValueError: no", stage="05_train"))
    failed = page[page.index('class="cell failed"') :]
    assert "this cell failed" in failed
    assert "<details open" in failed
    assert "ValueError: no" in page[: page.index("<main")]
    assert page.count("this cell failed") == 1


@pytest.mark.parametrize("source", ["simulated", "f1db"])
def test_simulated_data_is_said_loudly_and_only_when_it_is(source: str) -> None:
    page = notebook_to_html(_notebook(_cell("code", "1"), source=source, stage="x"))
    assert ("SIMULATED DATA" in page) is (source == "simulated")
    assert ("F1DB, https://github.com/f1db/f1db, CC BY 4.0" in page) is (source == "f1db")


def test_what_upstream_sends_is_text() -> None:
    frame = pd.DataFrame({"name": [EVIL]})
    shown = _shown({"text/html": frame.to_html(), "text/plain": EVIL})
    cells = [
        _cell("code", "a", [shown]),
        _cell("code", "b", [_stream(EVIL)]),
        _cell("code", "c", [_shown({"text/plain": EVIL})]),
    ]
    page = notebook_to_html(_notebook(*cells, stage="x", error=EVIL, parameters={"event": EVIL}))
    assert EVIL not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= 5


def test_scripts_in_an_output_are_left_out() -> None:
    page = notebook_to_html(_notebook(_cell("code", "a", [_shown({"application/javascript": "alert(7)"})])))
    assert "alert(7)" not in page


def test_a_vector_is_put_in_as_it_is_and_a_bitmap_has_its_text() -> None:
    vector = _shown({"image/svg+xml": "<svg><title>v</title></svg>", "text/plain": "v"})
    bitmap = _shown({"image/png": "aGk=\n", "text/plain": 'a "quoted" text'})
    page = notebook_to_html(_notebook(_cell("code", "a", [vector]), _cell("code", "b", [bitmap])))
    assert "<svg><title>v</title></svg>" in page
    assert dict(_tags(page, "img")[0])["alt"] == 'a "quoted" text'


def test_the_page_loads_nothing_from_anywhere() -> None:
    page = notebook_to_html(_notebook(_cell("markdown", "# T\n\n$x^2$"), _cell("code", "1", [_stream("x")])))
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page) == []
    assert "@import" not in page
    assert "url(" not in page


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.574, "57 %"), (0.0, "0 %"), (0.0001, "<1 %"), (1.0, "100 %"), (None, "-"), (float("nan"), "-")],
)
def test_a_share_is_shown_in_per_cent_and_small_is_not_zero(value: float | None, text: str) -> None:
    assert percent(value) == text


def test_a_moment_is_shown_with_its_zone() -> None:
    assert moment("2025-12-06T16:00:00Z") == "2025-12-06 16:00 UTC"
    assert moment(None) == "-"


def test_preparing_the_first_page_warns_of_nothing() -> None:
    with warnings.catch_warnings(action="error"):
        warm_up.__wrapped__()
