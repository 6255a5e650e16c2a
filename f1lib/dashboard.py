"""``reports/run_summary.html``: the page people open, drawn from the summary that stands beside it as JSON.

Every figure on the page is one of ``run_summary.json`` or of the newest prediction's Parquet file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from f1lib import figures, figures_season
from f1lib.html import moment, percent, render
from f1lib.predictions import records
from f1lib.terms import HORIZONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

# name in accuracy.json, heading, which way is better
METRICS = [
    ("mae", "MAE", "lower"),
    ("spearman", "Spearman", "higher"),
    ("rps", "RPS", "lower"),
    ("win_log_loss", "Win log-loss", "lower"),
    ("podium_brier", "Podium Brier", "lower"),
    ("top10_brier", "Top-10 Brier", "lower"),
    ("winner_hit", "Winner hit", "higher"),
    ("podium_overlap", "Podium overlap", "higher"),
    ("coverage", "Coverage", "0.8"),
    ("dnf_log_loss", "DNF log-loss", "lower"),
]
GRID = "grid_slot_table"


def race_page_name(event: str) -> str:
    """Where the page of one race stands, relative to ``reports/``."""
    return f"races/{event[:4]}/{event[5:]}.html"


def dashboard_html(summary: Mapping[str, Any], prediction: pd.DataFrame | None, entries: pd.DataFrame) -> str:
    """The dashboard.

    ``summary`` is `report.build_summary`'s document, ``prediction`` the newest of the next race (or None),
    ``entries`` the rows of ``accuracy.json`` (see `predictions_score`), empty before the first race.
    """
    accuracy = None if entries.empty else _accuracy(summary, entries)
    upcoming = None if prediction is None else next_race(prediction, summary)
    contents = [("next", "Next race")] if upcoming else []
    contents += [("calendar", "Races ahead")] + ([("season", "Accuracy")] if accuracy else [])
    contents += [("models", "Models"), ("health", "Pipeline health"), ("notebooks", "Notebooks")]
    return render(
        "dashboard.html.j2",
        summary=summary,
        next=upcoming,
        accuracy=accuracy,
        contents=contents,
        run_horizons=_present(run["horizon"] for run in summary["training_runs"]),
    )


def prediction_rows(prediction: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a prediction in its order, as JSON values, each with its team's colour."""
    colours = figures.team_colours(prediction["team_id"])
    ordered = prediction.drop(columns="position_probabilities").sort_values("predicted_rank", kind="stable")
    return [{**row, "colour": colours[row["team_id"]]} for row in records(ordered)]


def caption_of(prediction: pd.DataFrame) -> str:
    """One line under a prediction: its horizon, its moment and the model run."""
    first = records(prediction.head(1))[0]
    return (
        f"{figures_season.HORIZON_WORDS[first['horizon']].capitalize()}, from data until {moment(first['as_of_utc'])}; "
        f"model run {first['model_run_id']}."
    )


def next_race(prediction: pd.DataFrame, summary: Mapping[str, Any]) -> dict[str, Any]:
    """What the dashboard shows of the next race."""
    drivers = prediction_rows(prediction)
    event = f"{drivers[0]['event_year']}_{drivers[0]['event_name'].replace(' ', '_')}"
    race: Mapping[str, Any] = next((r for r in summary["next_races"] if r["event_partition_key"] == event), {})
    favourite = max(drivers, key=lambda d: d["p_win"])
    retire = max(drivers, key=lambda d: d["p_dnf"])
    return {
        "title": f"{drivers[0]['event_year']} {drivers[0]['event_name']}",
        "subtitle": f"Race starts {moment(race.get('race_start_utc'))}. {caption_of(prediction)}",
        "caption": caption_of(prediction),
        "drivers": drivers,
        "order": figures.order(prediction),
        "page": race_page_name(event),
        "tiles": [
            {"label": "favourite", "value": favourite["full_name"], "note": f"wins in {percent(favourite['p_win'])}"},
            {"label": "podium", "value": " ".join(_short(d) for d in drivers[:3]), "note": "predicted first three"},
            {"label": "expected retirements", "value": f"{sum(d['p_dnf'] for d in drivers):.1f}",
             "note": f"likeliest: {_short(retire)}, {percent(retire['p_dnf'])}"},
        ],
    }  # fmt: skip


def _short(driver: Mapping[str, Any]) -> str:
    return str(driver["abbreviation"] or driver["full_name"])


def _accuracy(summary: Mapping[str, Any], entries: pd.DataFrame) -> dict[str, Any]:
    """The tables and pictures of how issued predictions did; pictures of the last horizon most races have."""
    horizon = _charted_horizon(entries)
    shown = entries[entries["horizon"] == horizon]
    words = figures_season.HORIZON_WORDS[horizon]
    pictures = [
        (figures_season.season_scores(shown, "mae", "Mean absolute error (places)"),
         f"Mean distance between predicted and actual place, {words}; lower is better."),
        (figures_season.season_scores(shown, "spearman", "Rank correlation"),
         f"Rank correlation with the result, {words}; higher is better."),
    ]  # fmt: skip
    if GRID in set(shown["system"]):
        drawn = figures_season.cumulative(shown, "mae", "Places per driver", GRID)
        pictures.append((drawn, "Above zero the prediction leads the order of the grid."))
    bins = summary["accuracy"]["calibration"]
    if bins:
        caption = "What was said against what happened; on the diagonal the chances are honest. Lines: 95 % intervals."
        pictures.append((figures_season.calibration(bins), caption))
    races = entries["event_partition_key"].nunique()
    return {
        "note": f"{races} races so far.",
        "pictures": pictures,
        "means": summary["accuracy"]["means"],
        "metrics": METRICS,
        "horizons": _present(entries["horizon"]),
        "races": race_rows(entries),
    }


def _charted_horizon(entries: pd.DataFrame) -> str:
    counts = entries.groupby("horizon")["event_partition_key"].nunique()
    return max(HORIZONS, key=lambda h: (int(counts.get(h, 0)), HORIZONS.index(h)))


def race_rows(entries: pd.DataFrame) -> list[dict[str, Any]]:
    """One row a race and horizon, newest first: our figures with the grid order's error beside them."""
    ours = entries[entries["system"] == figures_season.MODEL]
    grid = entries[entries["system"] == GRID].set_index(["event_partition_key", "horizon"])["mae"]
    rows = []
    for row in records(ours):
        found = grid.get((row["event_partition_key"], row["horizon"]))
        rows.append({**row, "grid_mae": found, "page": race_page_name(row["event_partition_key"])})
    order = list(HORIZONS).index
    return sorted(rows, key=lambda r: (r["race_start_utc"], order(r["horizon"])), reverse=True)


def _present(horizons: Any) -> list[str]:
    found = set(horizons)
    return [h for h in HORIZONS if h in found]
