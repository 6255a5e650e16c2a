"""The page of one race: the prediction in pictures, why, how it moved, and what became of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from f1lib.lake import attribution
from f1lib.lake.cache import Cache
from f1lib.lake.features import group_words
from f1lib.lake.parquet import records
from f1lib.predictions import explain
from f1lib.predictions.archive import event_of
from f1lib.predictions.changes import SHOWN_MOVE_PLACES, what_changed, why_changed
from f1lib.predictions.group_effects import in_words
from f1lib.report import dashboard
from f1lib.report.figures import drawn_once, race, season, style
from f1lib.report.pages import moment, percent, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SURPRISES, _MOVERS = 5, 8
_DRAWN, _DRAWN_GROUPS, _SHOWN_GROUPS = 4, 7, 12


def race_page(
    issues: Sequence[pd.DataFrame],
    *,
    effects: pd.DataFrame,
    parts: pd.DataFrame | None = None,
    weather: Sequence[tuple[str, str]],
    outcome: pd.DataFrame,
    scores: Sequence[dict[str, Any]],
    hashes: Sequence[tuple[str, str]],
    notebooks: Sequence[Mapping[str, str]] = (),
    cache: Cache | None = None,
) -> str:
    """One race as a page; ``cache`` may hold its pictures.

    ``issues``: every prediction issued for it, oldest first (`predictions.read_issues`); the last is shown.
    ``effects``: `predictions_why.explain`'s; empty when it cannot be explained. ``parts``: `predictions_shap.read`'s.
    ``weather`` and ``hashes``: pairs of words. ``outcome``: `report_facts.outcome`'s rows; empty before the race.
    ``scores``: rows of means. ``notebooks``: ``name`` and ``href`` of the executed ones.
    """
    newest = issues[-1]
    drivers = dashboard.prediction_rows(newest)
    result = None if outcome.empty else _result(outcome, scores, str(newest["horizon"].iloc[0]))
    return render(
        "race.html.j2",
        title=dashboard.title_of(newest),
        tiles=result["tiles"] if result else dashboard.tiles_ahead(drivers, dict(weather)),
        caption=dashboard.caption_of(newest),
        source=newest["source"].iloc[0],
        contents=_contents(result is not None, not effects.empty),
        result=result,
        order=drawn_once(race.order, newest, cache or Cache()),
        matrix=drawn_once(race.matrix, newest, cache or Cache()),
        drivers=drivers,
        reasons=None if effects.empty else _drawn(reasons(newest, effects, parts)),
        moves=season.moves(pd.concat(issues, ignore_index=True)) if len(issues) > 1 else None,
        changes=changes(issues),
        weather=weather,
        notebooks=notebooks,
        provenance=[*provenance(newest), *hashes],
        attribution=attribution.of_predictions(pd.concat(issues, ignore_index=True)),
    )


def reasons(prediction: pd.DataFrame, effects: pd.DataFrame, parts: pd.DataFrame | None = None) -> dict[str, Any]:
    """``effects`` (see `predictions_why.explain`) as ``groups`` and a table's ``rows``, in the predicted order.

    ``parts`` (see `predictions_shap`) tell each driver's strongest features in words beside it.
    """
    effects = effects.iloc[:, :_SHOWN_GROUPS]
    rows = []
    names = dict(zip(prediction["driver_id"], prediction["full_name"], strict=True))
    for rank, (driver, moved) in enumerate(effects.iterrows(), start=1):
        said = "" if parts is None else explain.in_words(parts, str(driver))
        row = {"rank": rank, "full_name": str(names[driver]), "effects": moved.tolist(), "words": in_words(moved)}
        rows.append(row | {"features": said})
    return {"groups": [group_words(group) for group in effects.columns], "rows": rows}


def _drawn(found: dict[str, Any]) -> dict[str, Any]:
    """`reasons` with those of the first drivers as ``pictures``, the strongest on top."""
    pictures = []
    for row in found["rows"][:_DRAWN]:
        shown = sorted(zip(found["groups"], row["effects"], strict=True), key=lambda item: -abs(item[1]))
        picture = race.reasons(row["full_name"], shown[:_DRAWN_GROUPS])
        pictures.append({"picture": picture, "words": f"{row['full_name']}: {row['words']}"})
    return {**found, "pictures": pictures}


def changes(issues: Sequence[pd.DataFrame]) -> list[dict[str, Any]]:
    """What changed from each prediction to the next, newest first: a title, sentences, the drivers who moved."""
    found = []
    for before, after in pairwise(issues):
        moved = what_changed(before, after)
        shown = moved[~(moved["position_moved"].abs() < SHOWN_MOVE_PLACES)]
        shown = shown.sort_values("position_moved", key=lambda m: -m.abs(), kind="stable").head(_MOVERS)
        first = records(after.head(1))[0]
        title = f"{season.HORIZON_WORDS[first['horizon']].capitalize()}, {moment(first['as_of_utc'])}"
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


def _result(outcome: pd.DataFrame, scores: Sequence[dict[str, Any]], horizon: str) -> dict[str, Any]:
    rows = dashboard.prediction_rows(outcome)
    rows.sort(key=lambda row: row["finishing_position"])
    return {
        "picture": season.outcome(outcome),
        "tiles": _result_tiles(rows, [s for s in scores if s["horizon"] == horizon]),
        "rows": rows,
        "surprises": sorted(rows, key=lambda row: (row["surprise"], row["finishing_position"]))[:_SURPRISES],
        "scores": scores,
        "metrics": dashboard.METRICS,
    }


def _result_tiles(rows: Sequence[dict[str, Any]], scores: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What became of it at a glance: the winner, the podium, our error beside the grid order's."""
    winner = rows[0]
    hits = sum(row["predicted_rank"] <= 3 for row in rows[:3])
    of = {s["system"]: s["mae"] for s in scores}
    tiles = [
        {"label": "winner", "value": winner["full_name"],
         "note": f"predicted {winner['predicted_rank']}, given {percent(winner['p_win'], 1)}"},
        {"label": "podium", "value": " ".join(style.letters_of(row) for row in rows[:3]),
         "note": f"{hits} of 3 were predicted there"},
    ]  # fmt: skip
    if season.MODEL in of:
        others = [f"{name.replace('_', ' ')} {mae:.2f}" for name, mae in of.items() if name != season.MODEL]
        note = f"places a driver; {', '.join(others)}" if others else "places a driver"
        tiles.append({"label": "mean error", "value": f"{of[season.MODEL]:.2f}", "note": note})
    return tiles


def _contents(has_result: bool, has_reasons: bool) -> list[tuple[str, str]]:
    found = [("result", "What happened")] if has_result else []
    found += [("order", "Predicted order")]
    found += [("why", "Why")] if has_reasons else []
    return [*found, ("moves", "How it moved"), ("weather", "Weather"), ("provenance", "Provenance")]
