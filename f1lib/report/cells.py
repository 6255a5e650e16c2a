"""Displays of the notebooks: frames and predictions as tables, each with a text for readers without HTML."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import HORIZONS, EventKey
from f1lib.evaluation.issued import means
from f1lib.lake import attribution
from f1lib.lake import features as lake_features
from f1lib.lake.parquet import records
from f1lib.lake.paths_published import INDEX
from f1lib.lake.store import ObjectStore
from f1lib.predictions.archive import event_of, read_issues
from f1lib.predictions.group_effects import explain
from f1lib.report import dashboard, race_page
from f1lib.report.pages import Html, percent, shown
from f1lib.report.title_words import titles_in_words
from f1lib.workspace.workspace import Workspace

if TYPE_CHECKING:
    from f1lib.api.lake import Lake


def summary_table(summary: Mapping[str, Any]) -> pd.DataFrame:
    """Show the document of ``run_summary.json`` as a table.

    Parameters
    ----------
    summary : mapping
        The document that `build.build_summary` returns.

    Returns
    -------
    pandas.DataFrame
        One row per topic (index: its name) with its ``state`` as text.
    """
    serving = [f"{r['model']} at {r['horizon']} ({r['run_id']})" for r in summary["training_runs"] if r["serves"]]
    best = max(summary["latest_predictions"], key=lambda row: row["p_win"], default=None)
    lines = {
        "data until": summary["source"]["data_until_utc"] or "-",
        "next race": summary["next_races"][0]["event_partition_key"] if summary["next_races"] else "-",
        "predicted": f"{best['horizon']}, favourite {best['full_name']} ({percent(best['p_win'])})" if best else "-",
        "serving": "; ".join(serving) or "-",
        "races scored": len({r["event_partition_key"] for r in summary["races"]}),
        "open errors": len(summary["pipeline"]["errors"]),
        "pages": ", ".join([INDEX, *summary["pages"]][:3]),
    }
    return pd.DataFrame({"state": pd.Series(lines, dtype="object").astype(str)})


def prediction_table(prediction: pd.DataFrame) -> Html:
    """Show a prediction as a table with bars.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver with `archive.COLUMNS`.

    Returns
    -------
    Html
        The table, in the predicted order.
    """
    rows = dashboard.prediction_rows(prediction)
    lines = [f"{r['predicted_rank']:>2} {r['full_name']:<24} P(win) {r['p_win']:.1%}" for r in rows]
    return shown("prediction", "prediction", rows, dashboard.caption_of(prediction), text="\n".join(lines))


def titles(table: pd.DataFrame) -> Html:
    """Show title chances as a sentence.

    Parameters
    ----------
    table : pandas.DataFrame
        Table ``championship``.

    Returns
    -------
    Html
        One paragraph.
    """
    return _paragraphs(titles_in_words(table))


def _paragraphs(*said: str) -> Html:
    return Html("".join(f"<p>{escape(text)}</p>" for text in said), "\n".join(said))


def reasons(store: ObjectStore, prediction: pd.DataFrame) -> Html:
    """Show the effect of each group of features on each driver, in places and in words.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    prediction : pandas.DataFrame
        An issued prediction, a row per driver.

    Returns
    -------
    Html
        The table; see `f1lib.predictions.group_effects`.

    Raises
    ------
    RunError
        The model run or the features of the prediction are no longer in the lake.
    """
    found = race_page.reasons(prediction, explain(store, prediction))
    caption = "Places moved by each kind of knowledge (forward is negative), strongest first"
    lines = [f"{row['full_name']}: {row['words']}" for row in found["rows"]]
    return shown("effects", "effects", found["groups"], found["rows"], caption, text="\n".join(lines))


def changes(store: ObjectStore, prediction: pd.DataFrame, table: pd.DataFrame) -> Html:
    """Show what changed since the previous prediction of the same race, which inputs did, and the title chances.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    prediction : pandas.DataFrame
        The newest prediction of the race or sprint, a row per driver.
    table : pandas.DataFrame
        Table ``championship``, as issued with it.

    Returns
    -------
    Html
        The reasons and the drivers who moved, or a sentence for the first prediction of a race.
    """
    session = str(prediction["session"].iloc[0])
    found = race_page.changes(read_issues(store, EventKey.parse(event_of(prediction)), session))
    if not found:
        return _paragraphs("This is the first prediction of the race.", titles_in_words(table))
    why = found[0]["reasons"]
    moved = shown("changes", why, found[0]["rows"], "Drivers who moved", text="\n".join(why))
    return Html(moved.markup + titles(table).markup, f"{moved.text}\n{titles(table).text}")


def score_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Average the scores of races by horizon and system.

    Parameters
    ----------
    scores : pandas.DataFrame
        Rows of `f1lib.evaluation.issued.score_issued`; those of sprints are left out.

    Returns
    -------
    pandas.DataFrame
        One row per horizon and system: ``horizon system races`` and the mean of each metric; empty before the first
        race.
    """
    found = pd.DataFrame(means(scores[scores["session"] == "R"] if len(scores) else scores))
    return found[[c for c in found.columns if not c.endswith("_se")]].round(4)


SHOWN_ROWS = 12
SHOWN_COLUMNS = 24  # of the text; the HTML table has all


def table(frame: pd.DataFrame, rows: int = SHOWN_ROWS) -> Html:
    """Show a frame as a sortable table.

    Parameters
    ----------
    frame : pandas.DataFrame
        The frame.
    rows : int
        Longer frames are shown by their first and last rows, this many in all.

    Returns
    -------
    Html
        A table of every column, and a note of how many rows are shown.
    """
    half = (rows + 1) // 2
    part = frame if len(frame) <= rows else pd.concat([frame.head(half), frame.tail(rows - half)])
    note = f"{len(frame)} rows" if len(part) == len(frame) else f"{len(part)} of {len(frame)} rows: first and last"
    text = frame.to_string(max_rows=rows, max_cols=SHOWN_COLUMNS)
    forms = [_form(part.iloc[:, place]) for place in range(part.shape[1])]
    return shown("plain", list(frame.columns), forms, [list(r.values()) for r in records(part)], note, text=text)


def _form(column: pd.Series[Any]) -> str:
    """Return the format of a column's numbers: as many decimals for all as four figures of one of them need."""
    if not pd.api.types.is_float_dtype(column):
        return "%s"
    texts = [f"{value:.4g}" for value in column[np.isfinite(column)].abs()]
    if any("e" in text for text in texts):
        return "%.4g"
    largest = max((float(text) for text in texts), default=0.0)
    most = 4 if largest >= 1 or not largest else 3 - math.floor(math.log10(largest))
    return f"%.{min(most, max((len(text.partition('.')[2]) for text in texts), default=0))}f"


def credits(ws: Workspace | Lake) -> Html:
    """Show where the data of a notebook comes from, as its licence asks, with a warning when it is simulated."""
    where = f"Lake {ws.store.url} at {format_utc(ws.as_of)}."
    said = attribution.of_lake(ws.store, ws.source_name)
    loud = "SIMULATED DATA - nothing below happened. " if ws.source_name == "simulated" else ""
    return shown("credits", ws.source_name, said, where, text=f"{loud}Data: {said}. {where}")


def features(rows: pd.DataFrame) -> Html:
    """Show gold's features with their meaning and how often they are known.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of gold with ``horizon`` and every feature.

    Returns
    -------
    Html
        A row per feature: group, unit, meaning, and for each horizon in ``rows`` the share of known values.
    """
    at = rows["horizon"].to_numpy()
    known = [h for h in HORIZONS if (at == h).any()]
    of_horizon = [at == h for h in known]
    lines: list[dict[str, Any]] = []
    for feature in lake_features.features():  # a column at a time: all of them at once are a copy of gold
        is_known = ~np.isnan(rows[feature.name].to_numpy())
        shares = [float(is_known[those].mean()) for those in of_horizon]
        lines.append({"name": feature.name, "group": feature.group, "unit": feature.unit, "meaning": feature.meaning,
                      "null_when": feature.null_when, "shares": shares})  # fmt: skip
    caption = f"{len(lines)} features of {len(rows)} rows, and how often each is known"
    text = "\n".join(f"{line['name']}: {line['meaning']}" for line in lines)
    return shown("features", known, lines, caption, text=text)
