"""The page of one race: the prediction in pictures, why, how it moved, and what became of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from f1lib import __version__, dashboard, figures, figures_season
from f1lib.attribution import ATTRIBUTION
from f1lib.html import moment, render
from f1lib.predictions import event_of, records
from f1lib.predictions_changes import SHOWN_MOVE_PLACES, what_changed, why_changed
from f1lib.predictions_why import group_words, in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

_SURPRISES = 8
_DRAWN, _DRAWN_GROUPS, _SHOWN_GROUPS = 4, 7, 12


def race_page(
    issues: Sequence[pd.DataFrame],
    *,
    effects: pd.DataFrame,
    weather: Sequence[tuple[str, str]],
    outcome: pd.DataFrame,
    scores: Sequence[dict[str, Any]],
    hashes: Sequence[tuple[str, str]],
) -> str:
    """One race as a page.

    ``issues``: every prediction issued for it, oldest first (`predictions.read_issues`); the last is shown.
    ``effects``: see `predictions_why.explain`; empty when it cannot be explained.
    ``weather`` and ``hashes``: pairs of words. ``outcome``: a row an entrant, see `figures_season.outcome`, with
    ``status_words``; empty before the race. ``scores``: rows of means.
    """
    newest = issues[-1]
    title = f"{newest['event_year'].iloc[0]} {newest['event_name'].iloc[0]}"
    source = str(newest["source"].iloc[0])
    result = None if outcome.empty else _result(outcome, scores)
    return render(
        "race.html.j2",
        title=title,
        subtitle=dashboard.caption_of(newest),
        caption=dashboard.caption_of(newest),
        source=source,
        home="../../run_summary.html",
        contents=_contents(result is not None, not effects.empty),
        result=result,
        order=figures.order(newest),
        matrix=figures.matrix(newest),
        drivers=dashboard.prediction_rows(newest),
        reasons=None if effects.empty else reasons(newest, effects),
        moves=figures_season.moves(pd.concat(issues, ignore_index=True)) if len(issues) > 1 else None,
        changes=changes(issues),
        weather=weather,
        provenance=[*provenance(newest), *hashes],
        attribution=ATTRIBUTION[source],
        code_version=__version__,
    )


def reasons(prediction: pd.DataFrame, effects: pd.DataFrame) -> dict[str, Any]:
    """``effects`` (see `predictions_why.explain`) as a table's rows and the pictures of the first drivers."""
    effects = effects.iloc[:, :_SHOWN_GROUPS]
    rows, pictures = [], []
    names = dict(zip(prediction["driver_id"], prediction["full_name"], strict=True))
    groups = [group_words(group) for group in effects.columns]
    for rank, (driver, moved) in enumerate(effects.iterrows(), start=1):
        name, words = str(names[driver]), in_words(moved)
        rows.append({"rank": rank, "full_name": name, "effects": moved.tolist(), "words": words})
        if rank <= _DRAWN:
            shown = sorted(zip(groups, moved.tolist(), strict=True), key=lambda item: -abs(item[1]))[:_DRAWN_GROUPS]
            pictures.append({"picture": figures.reasons(name, shown), "words": f"{name}: {words}"})
    return {"groups": groups, "rows": rows, "pictures": pictures}


def changes(issues: Sequence[pd.DataFrame]) -> list[dict[str, Any]]:
    """What changed from each prediction to the next, newest first: a title, sentences, the drivers who moved."""
    found = []
    for before, after in pairwise(issues):
        moved = what_changed(before, after)
        shown = moved[~(moved["position_moved"].abs() < SHOWN_MOVE_PLACES)]
        first = records(after.head(1))[0]
        title = f"{figures_season.HORIZON_WORDS[first['horizon']].capitalize()}, {moment(first['as_of_utc'])}"
        reasons = why_changed(before, after) or ["No input changed."]
        found.append({"title": title, "reasons": reasons, "rows": records(shown)})
    return found[::-1]


def provenance(prediction: pd.DataFrame) -> list[tuple[str, str]]:
    """Where a prediction comes from, as pairs of words."""
    first = records(prediction.head(1))[0]
    return [
        ("event", event_of(prediction)),
        ("source", str(first["source"])),
        ("data until", moment(first["as_of_utc"])),
        ("horizon", str(first["horizon"])),
        ("model run", str(first["model_run_id"])),
        ("gold run", str(first["gold_run_id"])),
        ("forecast hash", first["forecast_hash"] or "no forecast was known"),
    ]


def _result(outcome: pd.DataFrame, scores: Sequence[dict[str, Any]]) -> dict[str, Any]:
    surprises = outcome.sort_values(["surprise", "finishing_position"]).head(_SURPRISES)
    return {
        "picture": figures_season.outcome(outcome),
        "surprises": records(surprises),
        "scores": scores,
        "metrics": dashboard.METRICS,
    }


def _contents(has_result: bool, has_reasons: bool) -> list[tuple[str, str]]:
    found = [("result", "What happened")] if has_result else []
    found += [("order", "Predicted order"), ("matrix", "Every position")]
    found += [("why", "Why")] if has_reasons else []
    return [*found, ("moves", "How it moved"), ("weather", "Weather"), ("provenance", "Provenance")]
