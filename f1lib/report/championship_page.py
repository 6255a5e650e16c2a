"""Page of a season's titles: chances, final points, standings, and what has to happen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from f1lib.lake import attribution
from f1lib.lake.parquet import records
from f1lib.lake.paths_published import championship_page_key
from f1lib.report.figures import style, titles
from f1lib.report.pages import moment, render

_TOLD = 5
_POINTS = ("points_now", "points_p10", "points_p50", "points_p90")
_HEADINGS = {"drivers": ("Drivers", "full_name"), "teams": ("Teams", "team_name")}


def championship_page(issues: pd.DataFrame, scorecard: Mapping[str, Any]) -> str:
    """Render the page of one season.

    Parameters
    ----------
    issues : pandas.DataFrame
        Table ``championship``: every issue of the season, oldest first; the last is shown.
    scorecard : mapping
        ``scorecard_championship.json``; empty when the chances were not backtested in this lake.

    Returns
    -------
    str
        The page as HTML.
    """
    newest = issues[issues["as_of_utc"] == issues["as_of_utc"].max()]
    first = records(newest.head(1))[0]
    season, source = first["event_year"], first["source"]
    left = [(first["races_left"], "race"), (first["sprints_left"], "sprint")]
    said = " and ".join(f"{number} {what}{'' if number == 1 else 's'}" for number, what in left if number)
    said = f"{said} left" if said else "final"
    return render(
        "championship.html.j2",
        championship_page_key(season),
        title=f"Championship {season}",
        lead=f"After round {first['after_round']}, {moment(first['as_of_utc'])}; {said}.",
        source=source,
        kinds=[_kind(issues, newest, kind) for kind in _HEADINGS],
        method=(
            f"{first['seasons']:,} seasons are simulated from the model's forecasts of the races and sprints left; "
            "strength is uncertain and drifts from weekend to weekend. Points and countback follow the rules of the "
            "season; a driver who is not entered for the next race gains nothing more."
        ),
        scores=_scores(scorecard),
        attribution=attribution.attribution(source, weather=False),
    )


def _kind(issues: pd.DataFrame, newest: pd.DataFrame, kind: str) -> dict[str, Any]:
    heading, name = _HEADINGS[kind]
    own = newest[newest["championship"] == kind]
    colours = style.team_colours(own["team_id"].astype(str))
    rows = [
        {**row, "colour": colours[row["team_id"]], "name": row[name], "has_halves": any(row[p] % 1 for p in _POINTS)}
        for row in records(own)
    ]
    alive = [row for row in rows if row["can_still_win"]]
    return {
        "name": kind,
        "heading": heading,
        "rows": rows,
        "needs": alive[:_TOLD] if len(alive) > 1 else [],
        "champion": alive[0]["name"],
        "chances": titles.chances(issues, kind) if issues["after_round"].nunique() > 1 else None,
        "points": titles.final_points(newest, kind),
    }


def _scores(scorecard: Mapping[str, Any]) -> str:
    """Say how good the chances were in the seasons that were walked through; empty without a scorecard."""
    if not scorecard:
        return ""
    means = {(row["championship"], row["system"]): row["log_loss"] for row in scorecard["means"]}
    said = [
        f"{kind} {means[kind, 'model']:.2f} (the leader at 98 %: {means[kind, 'leader']:.2f}, "
        f"past rounds drawn again: {means[kind, 'resampled']:.2f})"
        for kind in _HEADINGS
    ]
    seasons = scorecard["seasons"]
    return (
        f"Log-loss of the champion over {scorecard['rounds']} rounds of {seasons[0]}-{seasons[-1]}: {'; '.join(said)}."
    )
