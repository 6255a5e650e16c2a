"""Page of one race or sprint: the prediction, its reasons, its changes over time, and the outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from f1lib.domain.weekend import HORIZON_WORDS
from f1lib.lake import attribution
from f1lib.lake.cache import Cache
from f1lib.lake.features import group_words
from f1lib.lake.parquet import records
from f1lib.lake.paths_published import race_page_key
from f1lib.predictions import explain
from f1lib.predictions.archive import event_of
from f1lib.predictions.changes import SHOWN_MOVE_PLACES, what_changed, why_changed
from f1lib.predictions.group_effects import in_words
from f1lib.report import dashboard
from f1lib.report.fan_words import matrix_rows, surprises, weather_sentences
from f1lib.report.figures import drawn_once, race, season, style
from f1lib.report.pages import moment, percent, render, system_words

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
    penalties: Sequence[str] = (),
    duels: Sequence[Mapping[str, Any]] = (),
    frame: Mapping[str, Any] | None = None,
    season_words: Sequence[str] = (),
    cache: Cache | None = None,
) -> str:
    """Render the page of one race or sprint.

    Parameters
    ----------
    issues : sequence of pandas.DataFrame
        Every prediction issued for it, oldest first (`archive.read_issues`); the last is shown.
    effects : pandas.DataFrame
        Effects of the feature groups in places (`group_effects.explain`); empty when it cannot be explained.
    parts : pandas.DataFrame, optional
        Contributions of the features (`f1lib.predictions.explain.read`).
    weather : sequence of tuple of str
        (name, value) of the forecast (`prediction_facts.weather_words`).
    outcome : pandas.DataFrame
        Rows of `prediction_facts.outcome`; empty before the race.
    scores : sequence of dict
        Scores of this race, a row per horizon and system, in the form of `f1lib.evaluation.issued.means`.
    penalties : sequence of str
        Grid penalties in words.
    duels : sequence of mapping
        Head-to-heads of team-mates (`f1lib.predictions.duels.team_mates`).
    frame : mapping, optional
        Start of the race, links to other races and the picture to share (`f1lib.report.rounds.frames`).
    season_words : sequence of str
        How good the forecasts were so far, and the championship, for a race to come.
    cache : Cache, optional
        Holds the figures; those of a changed prediction are drawn.

    Returns
    -------
    str
        The page as HTML.
    """
    newest = issues[-1]
    drivers = dashboard.prediction_rows(newest)
    result = None if outcome.empty else _result(outcome, scores, str(newest["horizon"].iloc[0]))
    return render(
        "race.html.j2",
        race_page_key(event_of(newest), str(newest["session"].iloc[0])),
        title=dashboard.title_of(newest),
        tiles=result["tiles"] if result else dashboard.prediction_tiles(drivers),
        favourites=dashboard.favourites(drivers),
        season_words=season_words,
        weather_said=weather_sentences(dict(weather)),
        matrix=matrix_rows(newest),
        lead=dashboard.caption_of(newest),
        source=newest["source"].iloc[0],
        result=result,
        order=drawn_once(race.order, newest, cache or Cache()),
        drivers=drivers,
        duels=duels,
        reasons=None if effects.empty else _with_figures(reasons(newest, effects, parts)),
        moves=season.moves(pd.concat(issues, ignore_index=True)) if len(issues) > 1 else None,
        changes=changes(issues),
        weather=weather,
        penalties=penalties,
        attribution=attribution.of_predictions(pd.concat(issues, ignore_index=True)),
        **(frame or {}),
    )


def reasons(prediction: pd.DataFrame, effects: pd.DataFrame, parts: pd.DataFrame | None = None) -> dict[str, Any]:
    """Convert the effects of feature groups to a table.

    Parameters
    ----------
    prediction : pandas.DataFrame
        The prediction, a row per driver.
    effects : pandas.DataFrame
        A row per driver in the predicted order (`group_effects.explain`), in places.
    parts : pandas.DataFrame, optional
        Contributions of the features (`f1lib.predictions.explain.read`).

    Returns
    -------
    dict
        ``groups``: names of the groups shown, largest first; ``rows``: a row per driver with ``rank full_name effects
        words features``, the last two sentences.
    """
    effects = effects.iloc[:, :_SHOWN_GROUPS]
    rows = []
    names = dict(zip(prediction["driver_id"], prediction["full_name"], strict=True))
    for rank, (driver, moved) in enumerate(effects.iterrows(), start=1):
        said = "" if parts is None else explain.in_words(parts, str(driver))
        row = {"rank": rank, "full_name": str(names[driver]), "effects": moved.tolist(), "words": in_words(moved)}
        rows.append(row | {"features": said})
    return {"groups": [group_words(group) for group in effects.columns], "rows": rows}


def _with_figures(found: dict[str, Any]) -> dict[str, Any]:
    """Add to the result of `reasons` the ``pictures`` of the first drivers, largest effect on top."""
    pictures = []
    for row in found["rows"][:_DRAWN]:
        shown = sorted(zip(found["groups"], row["effects"], strict=True), key=lambda item: -abs(item[1]))
        picture = race.reasons(row["full_name"], shown[:_DRAWN_GROUPS])
        pictures.append({"picture": picture, "words": f"{row['full_name']}: {row['words']}"})
    return {**found, "pictures": pictures}


def changes(issues: Sequence[pd.DataFrame]) -> list[dict[str, Any]]:
    """List what changed from each prediction of a race to the next.

    Parameters
    ----------
    issues : sequence of pandas.DataFrame
        Every prediction issued for the race, oldest first.

    Returns
    -------
    list of dict
        One entry per change, newest first: ``title``, ``reasons`` (sentences), and ``rows`` of the drivers who moved
        most.
    """
    found = []
    for before, after in pairwise(issues):
        moved = what_changed(before, after)
        shown = moved[~(moved["position_moved"].abs() < SHOWN_MOVE_PLACES)]
        shown = shown.sort_values("position_moved", key=lambda m: -m.abs(), kind="stable").head(_MOVERS)
        first = records(after.head(1))[0]
        title = f"{HORIZON_WORDS[first['horizon']].capitalize()}, {moment(first['as_of_utc'])}"
        reasons = why_changed(before, after) or ["No input changed."]
        found.append({"title": title, "reasons": reasons, "rows": records(shown)})
    return found[::-1]


def provenance(prediction: pd.DataFrame) -> list[tuple[str, str]]:
    """List where a prediction comes from.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver with `archive.COLUMNS`.

    Returns
    -------
    list of tuple of str
        (name, value) of event, source, moment, horizon, model run, gold run and forecast hash.
    """
    first = records(prediction.head(1))[0]
    known = [("event", event_of(prediction)), ("source", first["source"]), ("as of", moment(first["as_of_utc"]))]
    runs = [("model run", first["model_run_id"]), ("gold run", first["gold_run_id"])]
    forecast = ("forecast hash", first["forecast_hash"] or "no forecast was known")
    return [*known, ("horizon", first["horizon"]), *runs, forecast]


def _result(outcome: pd.DataFrame, scores: Sequence[dict[str, Any]], horizon: str) -> dict[str, Any]:
    rows = dashboard.prediction_rows(outcome)
    rows.sort(key=lambda row: row["finishing_position"])
    return {
        "picture": season.outcome(outcome),
        "tiles": _result_tiles(rows, [s for s in scores if s["horizon"] == horizon]),
        "rows": rows,
        "surprises": surprises(rows, _SURPRISES),
        "scores": scores,
    }


def _result_tiles(rows: Sequence[dict[str, Any]], scores: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """List the tiles of the outcome: winner, podium, the model's error beside the baselines'."""
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
        others = [f"{system_words(name)} {mae:.2f}" for name, mae in of.items() if name != season.MODEL]
        note = ", ".join(others)
        tiles.append({"label": "places off on average", "value": f"{of[season.MODEL]:.2f}", "note": note})
    return tiles
