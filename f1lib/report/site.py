"""Files that make ``reports/`` a site as it stands: pages of seasons and drivers, feed, calendar, pictures.

What is equal to what stands there is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from f1lib.domain.moments import parse_utc
from f1lib.domain.weekend import HORIZON_WORDS
from f1lib.lake import attribution, fingerprint
from f1lib.lake import paths_published as paths
from f1lib.lake.parquet import parquet_rows
from f1lib.lake.provenance import code_version
from f1lib.lake.store import ObjectStore, find
from f1lib.predictions import championship
from f1lib.report.calendar_file import calendar_ics
from f1lib.report.driver_page import driver_page, duel_of, race_rows
from f1lib.report.feed import feed_xml
from f1lib.report.figures.share import share_picture
from f1lib.report.pages import render
from f1lib.report.rounds import Round
from f1lib.report.season_page import season_page
from f1lib.tracking.rows import TrackingRow
from f1lib.workspace.workspace import Workspace

_TITLES = ["championship", "driver_id", "rank", "points_now", "p_title"]
Wanted = Mapping[str, tuple[Any, Callable[[], bytes]]]


def publish(
    ws: Workspace,
    rows: Sequence[TrackingRow],
    issues: Sequence[str],
    rounds: Sequence[Round],
    before: Mapping[str, str],
) -> dict[str, str]:
    """Write the pages of seasons and drivers, feed, calendar, pictures and the copies of the newest prediction.

    Parameters
    ----------
    ws : Workspace
        Its lake is written to, its setting ``site`` is the address that absolute links begin with.
    rows : sequence of TrackingRow
        The whole tracking table.
    issues : sequence of str
        Keys of all issued predictions.
    rounds : sequence of Round
        Races and sprints.
    before : mapping
        The fingerprints that the last report returned.

    Returns
    -------
    dict
        Name of each page and picture, relative to ``reports/`` -> fingerprint of what it shows.
    """
    store, site, source = ws.store, ws.settings.site, ws.source_name
    rights = attribution.of_lake(store, source)
    _renew(store, paths.CALENDAR, calendar_ics(rows, rounds, find(store, paths.CALENDAR), site, ws.as_of, source))
    feed = feed_xml(store, issues, rounds, site=site, as_of=ws.as_of, source=source, rights=rights)
    _renew(store, paths.FEED, feed)
    for key in (paths.LATEST, paths.LATEST_SCHEMA):
        if (newest := find(store, key)) is not None:
            _renew(store, paths.published_copy(key), newest)
    told = [found for found in rounds if found.forecast]
    pictures = {paths.race_picture_key(found.event, found.session): _picture(found) for found in told}
    return _write_changed(store, _pages(store, rounds, source) | pictures, before)


def _pages(store: ObjectStore, rounds: Sequence[Round], source: str) -> dict[str, tuple[Any, Callable[[], bytes]]]:
    """Return the pages of seasons and drivers: key -> what it shows, and what renders it."""
    wanted: dict[str, tuple[Any, Callable[[], bytes]]] = {}
    titles, seasons = championship.issued_seasons(store), sorted({found.season for found in rounds})
    for season in seasons:
        own = [found for found in rounds if found.season == season]
        shown = season_page(season, own, seasons, season in titles, source)
        for key in (paths.season_page_key(season), *([paths.SEASON] if season == seasons[-1] else [])):
            wanted[key] = _page("season.html.j2", key, shown)
    chances = _titles(store, titles.get(seasons[-1], [])) if seasons else {}
    rows = race_rows(rounds)
    for driver in rows:
        key = paths.driver_page_key(driver)
        shown = driver_page(rows[driver], duel_of(driver, rows), chances.get(driver, {}), source)
        wanted[key] = _page("driver.html.j2", key, shown)
    return wanted


def _page(template: str, key: str, shown: Mapping[str, Any]) -> tuple[Any, Callable[[], bytes]]:
    return shown, lambda: render(template, key, **shown).encode()


def _titles(store: ObjectStore, issued: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the newest title chances of the drivers by id."""
    rows = parquet_rows(store.read(issued[-1]), issued[-1], _TITLES) if issued else []
    return {row["driver_id"]: row for row in rows if row["championship"] == "drivers"}


def _write_changed(store: ObjectStore, wanted: Wanted, before: Mapping[str, str]) -> dict[str, str]:
    """Make and write the files whose content changed since the last report, and those that are gone."""
    held = {key for prefix in {f"{key.rpartition('/')[0]}/" for key in wanted} for key in store.list(prefix)}
    prints: dict[str, str] = {}
    for key, (content, make) in wanted.items():
        name = paths.link(key)
        prints[name] = fingerprint.of_text(repr((code_version(), content)))[: fingerprint.SHORT]
        if before.get(name) != prints[name] or key not in held:
            store.write(key, make())
    return prints


def _renew(store: ObjectStore, key: str, data: bytes) -> None:
    if find(store, key) != data:
        store.write(key, data)


def _picture(found: Round) -> tuple[Any, Callable[[], bytes]]:
    first = found.forecast[0]
    start = parse_utc(found.calendar["session_date_utc"])
    title = f"{found.season} {found.name}"
    note = f"{start:%A} {start.day} {start:%B, %H:%M} UTC; forecast {HORIZON_WORDS[first['horizon']]}"
    warning = "SIMULATED DATA" if first["source"] == "simulated" else ""
    shown = [(row["full_name"], row["team_id"], round(row["p_win"], 3)) for row in found.forecast]
    return (title, note, warning, shown), lambda: share_picture(title, note, found.forecast, warning)
