"""Dashboard, ``reports/run_summary.html``: the page of the summary that is stored beside it as JSON.

Every figure on the page is one of ``run_summary.json`` or of the newest prediction's Parquet file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from f1lib.domain import circuits
from f1lib.domain.weekend import HORIZON_WORDS, HORIZONS
from f1lib.lake.cache import Cache
from f1lib.lake.parquet import records
from f1lib.lake.paths_published import INDEX, driver_page_key, link, race_page_key
from f1lib.predictions.archive import event_of
from f1lib.report.fan_words import matrix_rows, weather_sentences
from f1lib.report.figures import drawn_once, season, style
from f1lib.report.figures import race as figures_race
from f1lib.report.pages import moment, percent, render

GRID = "grid_slot_table"
_FAVOURITES = 5


def title_of(prediction: pd.DataFrame) -> str:
    """Return the title of a prediction.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver.

    Returns
    -------
    str
        Such as ``2025 Qatar Grand Prix``, with ``, sprint`` for a sprint.
    """
    first = prediction.iloc[0]
    return f"{first['event_year']} {first['event_name']}{', sprint' if first['session'] == 'S' else ''}"


def dashboard_html(
    summary: Mapping[str, Any],
    prediction: pd.DataFrame | None,
    entries: pd.DataFrame,
    sprint: pd.DataFrame | None = None,
    cache: Cache | None = None,
) -> str:
    """Render the dashboard.

    Parameters
    ----------
    summary : mapping
        The document of `build.build_summary`.
    prediction : pandas.DataFrame or None
        The newest prediction of the next race, a row per driver.
    entries : pandas.DataFrame
        Rows of ``accuracy.json``, one per race, horizon and system (`f1lib.evaluation.issued`); empty before the first
        race.
    sprint : pandas.DataFrame, optional
        The newest prediction of the sprint of that weekend.
    cache : Cache, optional
        Holds the figures; those of a changed prediction are drawn.

    Returns
    -------
    str
        The page as HTML.
    """
    accuracy = None if entries.empty else _accuracy(summary, entries)
    upcoming = None if prediction is None else next_race(prediction, sprint, summary, cache or Cache())
    return render(
        "dashboard.html.j2",
        INDEX,
        title="F1 predictions: " + (upcoming["title"] if upcoming else "no race ahead"),
        heading=upcoming["title"] if upcoming else "No race ahead",
        summary=summary,
        next=upcoming,
        accuracy=accuracy,
        source=summary["source"]["name"],
        attribution=summary["source"]["attribution"],
        weather_said=weather_sentences(summary["weather"]),
        titles=title_kinds(summary.get("titles", [])),
        generated=f"Made by f1lib {summary['code_version']} from data known at {moment(summary['as_of_utc'])}.",
    )


def prediction_rows(prediction: pd.DataFrame) -> list[dict[str, Any]]:
    """Convert a prediction to rows for the templates.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver with `archive.COLUMNS`.

    Returns
    -------
    list of dict
        One row per driver as JSON values, by predicted rank, without the position matrix and with the team's
        ``colour``.
    """
    colours = style.team_colours(prediction["team_id"])
    ordered = prediction.drop(columns="position_probabilities").sort_values("predicted_rank", kind="stable")
    return [
        {**row, "colour": colours[row["team_id"]], "page": link(driver_page_key(row["driver_id"]))}
        for row in records(ordered)
    ]


def caption_of(prediction: pd.DataFrame) -> str:
    """Return the caption of a prediction.

    Parameters
    ----------
    prediction : pandas.DataFrame
        A row per driver.

    Returns
    -------
    str
        One sentence with its horizon and its moment.
    """
    first = records(prediction.head(1))[0]
    return f"Forecast made {HORIZON_WORDS[first['horizon']]}, {moment(first['as_of_utc'])}."


def next_race(
    prediction: pd.DataFrame, sprint: pd.DataFrame | None, summary: Mapping[str, Any], cache: Cache
) -> dict[str, Any]:
    """Gather what the dashboard shows of the next race.

    Parameters
    ----------
    prediction : pandas.DataFrame
        Its newest prediction, a row per driver.
    sprint : pandas.DataFrame or None
        That of the sprint of the weekend.
    summary : mapping
        The document of `build.build_summary`; ``next_races`` and ``weather`` are read.
    cache : Cache
        Holds the figures; those of a changed prediction are drawn.

    Returns
    -------
    dict
        Variables of the template: titles, drivers, figures, tiles and links.
    """
    drivers, event = prediction_rows(prediction), event_of(prediction)
    race: Mapping[str, Any] = next((r for r in summary["next_races"] if r["event_partition_key"] == event), {})
    circuit = circuits.circuit(str(race.get("circuit")))
    sprint_favourite = None if sprint is None else favourites(prediction_rows(sprint))[0]
    return {
        "title": title_of(prediction),
        "start": race.get("race_start_utc"),
        "caption": caption_of(prediction),
        "drivers": drivers,
        "order": drawn_once(figures_race.order, prediction, cache),
        "matrix": matrix_rows(prediction),
        "favourites": favourites(drivers),
        "circuit": circuit.name if circuit else "",
        "sprint_favourite": sprint_favourite,
        "page": link(race_page_key(event)),
        "sprint_page": None if sprint is None else link(race_page_key(event, "S")),
        "tiles": prediction_tiles(drivers)[1:],
    }


def favourites(drivers: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the five drivers with the highest chance of winning; ``drivers`` are `prediction_rows`."""
    return sorted(drivers, key=lambda d: -d["p_win"])[:_FAVOURITES]


def title_kinds(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return who can still be champion, drivers and teams; ``rows`` are those of table ``championship``."""
    colours = style.team_colours(str(row["team_id"]) for row in rows)
    found = []
    for kind, name in (("drivers", "full_name"), ("teams", "team_name")):
        own = [{**r, "name": r[name], "colour": colours[r["team_id"]]} for r in rows if r["championship"] == kind]
        alive = sorted((r for r in own if r["can_still_win"]), key=lambda r: -r["p_title"])
        if alive:
            found.append({"kind": kind, "alive": alive[:_FAVOURITES], "count": len(alive)})
    return found


def prediction_tiles(drivers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """List the tiles of a prediction: favourite, podium, retirements; ``drivers`` are `prediction_rows`."""
    favourite, retire = max(drivers, key=lambda d: d["p_win"]), max(drivers, key=lambda d: d["p_dnf"])
    return [
        {"label": "favourite", "value": favourite["full_name"], "note": f"wins in {percent(favourite['p_win'])}"},
        {"label": "podium", "value": " ".join(_short(d) for d in drivers[:3]), "note": "predicted first three"},
        {"label": "expected retirements", "value": f"{sum(d['p_dnf'] for d in drivers):.1f}",
         "note": f"likeliest: {_short(retire)}, {percent(retire['p_dnf'])}"},
    ]  # fmt: skip


def _short(driver: Mapping[str, Any]) -> str:
    return str(driver["abbreviation"] or driver["full_name"])


def _accuracy(summary: Mapping[str, Any], entries: pd.DataFrame) -> dict[str, Any]:
    """Gather tables and figures of the issued predictions' scores; figures are of the horizon most races have."""
    races = entries[entries["session"] == "R"]
    horizon, count = _charted_horizon(races), races["event_partition_key"].nunique()
    shown = races[races["horizon"] == horizon]
    pictures = _season_pictures(shown, HORIZON_WORDS[horizon])
    bins = summary["accuracy"]["calibration"]
    if bins:
        caption = "What was said against what happened; on the diagonal the chances are honest. Lines: 95 % intervals."
        pictures.append((season.calibration(bins), caption))
    return {
        "note": f"{count} race{'' if count == 1 else 's'} so far.",
        "pictures": pictures,
        "means": summary["accuracy"]["means"],
        "horizons": in_order(entries["horizon"]),
        "races": race_rows(entries),
    }


def _season_pictures(entries: pd.DataFrame, words: str) -> list[tuple[style.Picture, str]]:
    """Draw the scores of one horizon race by race and added up; none before the second race."""
    if entries["event_partition_key"].nunique() < 2:
        return []
    pictures = [
        (season.season_scores(entries, "mae", "Mean absolute error (places)"),
         f"Mean distance between predicted and actual place, {words}; lower is better."),
        (season.season_scores(entries, "spearman", "Rank correlation"),
         f"Rank correlation with the result, {words}; higher is better."),
    ]  # fmt: skip
    if GRID in set(entries["system"]):
        drawn = season.cumulative(entries, "mae", "Places per driver", GRID)
        pictures.append((drawn, "Above zero the prediction leads the order of the grid."))
    return pictures


def _charted_horizon(entries: pd.DataFrame) -> str:
    counts = entries.groupby("horizon")["event_partition_key"].nunique()
    return max(HORIZONS, key=lambda h: (int(counts.get(h, 0)), HORIZONS.index(h)))


def race_rows(entries: pd.DataFrame) -> list[dict[str, Any]]:
    """Convert scores to rows for the table of races.

    Parameters
    ----------
    entries : pandas.DataFrame
        Rows of ``accuracy.json``, one per race, horizon and system.

    Returns
    -------
    list of dict
        One row per race and horizon, newest first: the model's scores, the error of the grid order as ``grid_mae``
        (places) and the link of the race's ``page``.
    """
    ours = entries[entries["system"] == season.MODEL]
    grid = entries[entries["system"] == GRID].set_index(["event_partition_key", "session", "horizon"])["mae"]
    rows = []
    for row in records(ours):
        found = grid.get((row["event_partition_key"], row["session"], row["horizon"]))
        rows.append({**row, "grid_mae": found, "page": link(race_page_key(row["event_partition_key"], row["session"]))})
    order = list(HORIZONS).index
    return sorted(rows, key=lambda r: (r["race_start_utc"], order(r["horizon"])), reverse=True)


def in_order(horizons: Iterable[str]) -> list[str]:
    """Return the horizons that occur, earliest first."""
    found = set(horizons)
    return [h for h in HORIZONS if h in found]
