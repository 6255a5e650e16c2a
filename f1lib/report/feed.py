"""Feed of the site, ``reports/feed.xml``: each prediction as it was issued and each score, in Atom (RFC 4287).

An entry's id depends on what it is about and on nothing else, and its ``updated`` stays while its text does. An issued
prediction never changes: its entry is taken from the feed before, unless the program or the site's address changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import HORIZON_WORDS
from f1lib.lake.parquet import parquet_rows
from f1lib.lake.paths_published import FEED, INDEX, link, parse_issue, race_page_key, raced_of
from f1lib.lake.provenance import code_version
from f1lib.lake.store import ObjectStore, find
from f1lib.predictions.words import percent, surname
from f1lib.report.pages import environment
from f1lib.report.rounds import Round
from f1lib.report.site_words import address, printable

KEPT = 100
_LISTED, _NAMED = 10, 3
_COLUMNS = ["full_name", "team_name", "p_win", "p_podium", "event_year", "event_name", "horizon", "session"]


@dataclass(frozen=True)
class Entry:
    """An entry before it is written; ``published`` as text of `format_utc`."""

    id: str
    title: str
    published: str
    href: str
    kind: str
    lines: Sequence[str]
    rows: Sequence[str] = field(default=())


def feed_xml(
    store: ObjectStore,
    issues: Iterable[str],
    rounds: Iterable[Round],
    *,
    site: str,
    as_of: datetime,
    source: str,
    rights: str,
) -> bytes:
    """Write the newest `KEPT` entries, newest first.

    Parameters
    ----------
    store : ObjectStore
        The lake: issued predictions, and the feed written last.
    issues : iterable of str
        Keys of all issued predictions.
    rounds : iterable of Round
        Races and sprints; those with a score have an entry.
    site : str
        Address at which ``reports/`` is published; empty when it is not known.
    as_of : datetime
        Aware UTC; when an entry whose text changed was updated.
    source : str
        ``simulated`` is said in the title of the feed and of each entry.
    rights : str
        Attribution of the data.

    Returns
    -------
    bytes
        The file.
    """
    macros: Any = environment().get_template("feed.xml.j2").module
    itself, mark = address(site, link(FEED)), "SIMULATED: " if source == "simulated" else ""
    known = _known(store, itself)
    made: dict[str, str] = {}
    for key in sorted(issues, key=_moment, reverse=True)[:KEPT]:
        if not (text := known.get(_id(key))):
            entry = _issued(store, key, site, mark)
            text = str(macros.entry(entry, entry.published))
        made[_id(key)] = text
    for found in (r for r in rounds if r.score):
        entry = _scored(found, site, mark)
        text = str(macros.entry(entry, entry.published))
        before = known.get(entry.id, text)
        same = str(macros.entry(entry, _tag(before, "updated"))) == before
        made[entry.id] = before if same else str(macros.entry(entry, format_utc(as_of)))
    entries = sorted(made.values(), key=lambda text: (_tag(text, "published"), _tag(text, "id")), reverse=True)[:KEPT]
    head = macros.head(
        {
            "id": _id(itself),
            "title": f"{mark}f1lib's forecasts of Formula 1",
            "subtitle": "Each prediction as it was issued before the race, and how it did",
            "updated": max((_tag(text, "updated") for text in entries), default=format_utc(as_of)),
            "version": code_version(),
            "rights": rights,
            "itself": itself,
            "home": address(site, link(INDEX)),
        }
    )
    return "\n".join([str(head), *entries, "</feed>", ""]).encode()


def _issued(store: ObjectStore, key: str, site: str, mark: str) -> Entry:
    """Return the entry of an issued prediction."""
    rows = sorted(parquet_rows(store.read(key), key, _COLUMNS), key=lambda row: -row["p_win"])
    first, (event, session) = rows[0], raced_of(key)
    what = f"{first['event_year']} {first['event_name']}{', sprint' if session == 'S' else ''}"
    best = ", ".join(f"{surname(row['full_name'])} {percent(row['p_win'])}" for row in rows[:_NAMED])
    return Entry(
        id=_id(key),
        title=printable(f"{mark}{what}, {HORIZON_WORDS[first['horizon']]}: {best}"),
        published=_moment(key),
        href=address(site, link(race_page_key(event, session))),
        kind="prediction",
        lines=["Chance of winning and of the podium, the likeliest winners first:"],
        rows=[printable(_chances(row)) for row in rows[:_LISTED]],
    )


def _chances(row: Mapping[str, Any]) -> str:
    return f"{row['full_name']}, {row['team_name']}: {percent(row['p_win'])}, podium {percent(row['p_podium'])}"


def _scored(found: Round, site: str, mark: str) -> Entry:
    """Return the entry of a result and of how its last forecast did."""
    score: Mapping[str, Any] = found.score
    right = score["winner"] == score["predicted_winner"]
    said = f"{score['winner']} won, given {percent(score['p_winner'])}{', our favourite' if right else ''}"
    lines = [] if right else [f"Our favourite was {score['predicted_winner']}."]
    lines.append(
        f"The forecast {HORIZON_WORDS[score['horizon']]} was off by {score['mae']:.1f} places a driver; "
        f"rank correlation with the result {score['spearman']:.2f}."
    )
    podium = [f"{row['full_name']}, {row['team_name']}" for row in found.result[:_NAMED]]
    return Entry(
        id=_id(f"score {found.event} {found.session}"),
        title=printable(f"{mark}{found.season} {found.name}: {said}"),
        published=found.calendar.get("available_utc") or score["race_start_utc"],
        href=address(site, found.page),
        kind="score",
        lines=[printable(line) for line in lines],
        rows=[printable(row) for row in podium],
    )


def _known(store: ObjectStore, itself: str) -> dict[str, str]:
    """Read the entries of the feed written last, as text by id; none when it is of another program or address."""
    text = (find(store, FEED) or b"").decode()
    head = text.partition("<entry>")[0]
    if f'version="{code_version()}"' not in head or f'type="application/atom+xml" href="{itself}"' not in head:
        return {}
    return {_tag(entry, "id"): entry for entry in re.findall(r"<entry>.*?</entry>", text, re.S)}


def _id(name: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'f1lib {name}')}"


def _tag(text: str, name: str) -> str:
    return text.partition(f"<{name}>")[2].partition(f"</{name}>")[0]


def _moment(key: str) -> str:
    issue = parse_issue(key)
    return format_utc(parse_utc(issue.moment)) if issue else ""
