"""Races and sprints of the seasons that are reported on: calendar, newest forecast, result and score as plain rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from f1lib.domain.weekend import EventKey
from f1lib.evaluation.issued import MODEL
from f1lib.lake import paths
from f1lib.lake.parquet import parquet_rows
from f1lib.lake.paths_published import link, race_page_key, race_picture_key, raced_of, season_page_key
from f1lib.lake.store import ObjectStore, each, find
from f1lib.predictions.words import forecast_sentence
from f1lib.report.site_words import address
from f1lib.tracking.rows import TrackingRow

_FORECAST = (
    "event_year event_name session as_of_utc horizon driver_id abbreviation full_name team_id team_name "
    "predicted_rank predicted_position p_win p_podium p_points p_dnf position_p10 position_p90 expected_points source"
).split()
_RESULT = (
    "event_partition_key session driver_id abbreviation full_name team_id team_name finishing_position "
    "classified_position grid_position points status"
).split()
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Round:
    """A race (``R``) or sprint (``S``) in the calendar.

    ``forecast`` is its newest prediction by predicted rank, ``result`` in the order of the result, ``score`` the entry
    of ``accuracy.json`` of the last horizon; each is empty while there is none.
    """

    event: str
    session: str
    calendar: Row
    forecast: tuple[Row, ...]
    result: tuple[Row, ...]
    score: Row

    @property
    def season(self) -> int:
        """The season."""
        return int(self.event[:4])

    @property
    def name(self) -> str:
        """``Abu Dhabi Grand Prix``, with ``, sprint`` for a sprint."""
        named = self.calendar.get("event_name") or EventKey.parse(self.event).event_name
        return f"{named}{', sprint' if self.session == 'S' else ''}"

    @property
    def page(self) -> str:
        """Address of its page relative to ``reports/``; empty for one without a prediction."""
        return link(race_page_key(self.event, self.session)) if self.forecast else ""


def read_rounds(
    store: ObjectStore, rows: Iterable[TrackingRow], issues: Iterable[str], scored: Iterable[Row], as_of: datetime
) -> list[Round]:
    """Read the races and sprints of every season with a prediction, and of the season of ``as_of``.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    rows : iterable of TrackingRow
        The whole tracking table.
    issues : iterable of str
        Keys of all issued predictions, in the order of issue within an event.
    scored : iterable of mapping
        Entries of ``accuracy.json``, oldest horizon first.
    as_of : datetime
        Aware UTC.

    Returns
    -------
    list of Round
        By start; those that were called off included.
    """
    newest = {raced_of(key): key for key in issues}
    seasons = {event[:4] for event, _ in newest} | {str(as_of.year)}
    contents = each(store, store.read, newest.values())
    forecasts = {of: _forecast(data, newest[of]) for of, data in zip(newest, contents, strict=True)}
    results: dict[tuple[str, str], list[Row]] = {}
    for season in sorted(seasons):
        key = paths.silver_key("results", int(season))
        for placed in parquet_rows(data, key, _RESULT) if (data := find(store, key)) else []:
            if placed["session"] in ("R", "S") and placed["finishing_position"] is not None:
                results.setdefault((placed["event_partition_key"], placed["session"]), []).append(placed)
    scores = {(e["event_partition_key"], e["session"]): e for e in scored if e["system"] == MODEL}
    found = []
    for row in rows:
        of = row["event_partition_key"], row["session_name_abr"]
        if of[1] in ("R", "S") and of[0][:4] in seasons and row.get("session_date_utc"):
            result = sorted(results.get(of, []), key=lambda r: int(r["finishing_position"]))
            found.append(Round(*of, row, forecasts.get(of, ()), tuple(result), scores.get(of, {})))
    return sorted(found, key=lambda r: (r.calendar["session_date_utc"], r.event))


def frames(rounds: Iterable[Round], site: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Map each race and sprint with a page to its ``start``, the links ``around`` it and the picture to ``share``.

    ``site`` is the address at which ``reports/`` is published, empty when it is not known.
    """
    paged = [found for found in rounds if found.page]
    races = [found for found in paged if found.session == "R"]
    found = {}
    for place, one in enumerate(paged):
        beside = [("", other, other.name) for other in paged if other.event == one.event and other is not one]
        before = [("prev", other, f"\u2190 {other.name}") for other in races if other in paged[:place]][-1:]
        after = [("next", other, f"{other.name} \u2192") for other in races if other in paged[place + 1 :]][:1]
        around = [
            {"rel": rel, "page": other.page, "text": text}
            for rel, other, text in (*before, *beside, *after)
            if other.event != one.event or not rel
        ]
        around.append({"rel": "index", "page": link(season_page_key(one.season)), "text": f"Season {one.season}"})
        picture = race_picture_key(one.event, one.session)
        image = address(site, link(picture)) if site else quote(picture.rpartition("/")[2])
        found[one.event, one.session] = {
            "around": around,
            "start": one.calendar.get("session_date_utc"),
            "share": {"image": image, "words": forecast_sentence(one.forecast, "")},
        }
    return found


def _forecast(data: bytes, key: str) -> tuple[Row, ...]:
    return tuple(sorted(parquet_rows(data, key, _FORECAST), key=lambda row: int(row["predicted_rank"])))
