"""``f1 predictions``: the newest prediction of an event, or one under changed conditions that is not stored."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from f1lib.cli import output
from f1lib.cli.options import DONE, session_option, workspace_of
from f1lib.domain.moments import format_utc, has_come, parse_utc
from f1lib.domain.weekend import RACE_OR_SPRINT, EventKey
from f1lib.errors import BadParameters, StorageError
from f1lib.lake import attribution
from f1lib.predictions import archive, rain, words
from f1lib.predictions.change_log import newest_change_log
from f1lib.report.pages import percent
from f1lib.tracking.index import Rows
from f1lib.tracking.rows import STORED
from f1lib.workspace.lake_kind import check_not_lost

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.lake.store import ObjectStore
    from f1lib.tracking.rows import TrackingRow
    from f1lib.tracking.table import TrackingTable
    from f1lib.workspace.workspace import Workspace

NAME = "predictions"
HELP = "the newest prediction of the next race, or of an event"
_CHANCES = {"P(win)": "p_win", "P(podium)": "p_podium", "P(points)": "p_points", "P(DNF)": "p_dnf"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the event, the session, changes to suppose, and the form of the output."""
    text = "abu dhabi, monza, brazil, cota, 2024 spa, or a key such as 2025_Qatar_Grand_Prix; default: the next race"
    parser.add_argument("event", nargs="*", help=text)
    session_option(parser)
    text = "predict a changed race without storing it: rain=0.7, weather=wet, VER.grid_position=20; repeat for several"
    parser.add_argument("--set", action="append", default=[], metavar="CHANGE", dest="changes", help=text)
    text = "the chance that the first of two drivers finishes ahead of the second"
    parser.add_argument("--beats", nargs=2, default=(), metavar="DRIVER", help=text)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", dest="as_json", help="every column, as JSON")
    form.add_argument("--csv", action="store_true", dest="as_csv", help="the same as CSV, without the matrix")


def run(arguments: argparse.Namespace) -> int:
    """Print the prediction as a table, JSON or CSV."""
    ws = workspace_of(arguments)
    tracked = ws.tracking.rows()
    check_not_lost(ws.store, tracked)
    event = _event(tracked, " ".join(arguments.event), ws)
    now = format_utc(ws.as_of)
    issued, session = _newest(ws.tracking, event, arguments.session, now)
    if not issued:
        raise StorageError(_none_yet(session, arguments.session, event, now) + f" (lake {ws.store.url})")
    if arguments.changes or arguments.beats or arguments.as_json or arguments.as_csv:
        return _from_frame(ws, event, arguments)
    show_predictions(ws.store, issued, session, now)
    return DONE


def _newest(
    tracking: TrackingTable, event: str, session: str, now: str
) -> tuple[list[dict[str, Any]], TrackingRow | None]:
    """Return the rows of the newest prediction, and the row of what it is for."""
    return archive.newest_rows(tracking.predictions(event), session, now), tracking.get(event, session)


def show(ws: Workspace, event: str) -> None:
    """Print the newest prediction of the race of an event, if there is one."""
    now = format_utc(ws.as_of)
    issued, session = _newest(ws.tracking, event, "R", now)
    if issued:
        show_predictions(ws.store, issued, session, now)


def sentence_of(ws: Workspace, event: str, name: str) -> str:
    """Describe the newest prediction of a race or sprint, or how it ended.

    Parameters
    ----------
    ws : Workspace
        Where and when.
    event : str
        Partition key of the event.
    name : {"R", "S"}
        The race or the sprint.

    Returns
    -------
    str
        The sentence; empty when none was issued.
    """
    now = format_utc(ws.as_of)
    issued, session = _newest(ws.tracking, event, name, now)
    return sentence(issued, session, _places(ws.store, session, now), now) if issued else ""


def _none_yet(session: TrackingRow | None, name: str, event: str, now: str) -> str:
    kind = RACE_OR_SPRINT[name]
    said = f"no prediction for the {kind} of {event}"
    if session is None:
        return f"{said}: the calendar has no such {kind}"
    start = session["session_date_utc"]
    if has_come(start, now):
        return f"{said} was issued by {now}; it started on {output.local_time(start)}"
    return (
        f"{said} yet; `f1 run` issues the first one a day before the weekend (the {kind}: {output.local_time(start)})"
    )


def _event(rows: Sequence[TrackingRow], text: str, ws: Workspace) -> str:
    if text:
        races = [row for row in rows if row["session_name_abr"] == "R"]
        known = ((row["event_partition_key"], row["session_date_utc"], row.get("circuit", "")) for row in races)
        return archive.find_event(ws.store, known, text, ws.as_of)
    race = Rows(rows).next_race(ws.as_of)
    if race is None:
        raise BadParameters(f"the calendar of lake {ws.store.url} has no race after {ws.as_of:%Y-%m-%d}: name an event")
    return race["event_partition_key"]


def _from_frame(ws: Workspace, event: str, arguments: argparse.Namespace) -> int:
    """Print a prediction from its file, or under changed conditions; both need pandas."""
    from f1lib.lake.parquet import records
    from f1lib.predictions import whatif

    if arguments.beats and arguments.changes:
        raise BadParameters("--beats reads the issued prediction: leave out --set")
    changes = [whatif.parse_change(text) for text in arguments.changes]
    frame = archive.read_issued(ws.store, EventKey.parse(event), ws.as_of, arguments.session)
    if changes:
        frame = whatif.predict_changed(ws.store, frame, changes, source=ws.source_name, say=output.print_notice)
    if arguments.beats:
        return _head_to_head(ws.store, frame, arguments)
    if arguments.as_json:
        output.print_json(records(frame))
    elif arguments.as_csv:
        output.print_csv(frame.drop(columns=["position_probabilities"]))
    else:
        rows = records(frame.sort_values("predicted_rank"))
        show_predictions(ws.store, rows, None, format_utc(ws.as_of), [str(change) for change in changes])
    return DONE


def _head_to_head(store: ObjectStore, frame: pd.DataFrame, arguments: argparse.Namespace) -> int:
    """Print the chance that one driver finishes ahead of another, as a sentence, JSON or CSV."""
    import pandas as pd

    from f1lib.predictions import duels

    first, second = (duels.find_driver(frame, text) for text in arguments.beats)
    if first == second:
        raise BadParameters(f"--beats takes two drivers, and both are {first}")
    share = float(duels.head_to_heads(store, frame)[second][first])
    if arguments.as_json:
        output.print_json({"driver_id": first, "rival_id": second, "p_ahead": share})
    elif arguments.as_csv:
        output.print_csv(pd.DataFrame([{"driver_id": first, "rival_id": second, "p_ahead": share}]))
    else:
        names = frame.set_index("driver_id")["full_name"]
        where = f"{'SIMULATED DATA - ' if frame['source'].iloc[0] == 'simulated' else ''}{archive.event_of(frame)}"
        output.print_line(f"{where}: {names[first]} finishes ahead of {names[second]} with {percent(share, 1)}.")
    return DONE


def show_predictions(
    store: ObjectStore,
    rows: Sequence[Mapping[str, Any]],
    session: TrackingRow | None,
    now: str,
    changes: Sequence[str] = (),
) -> None:
    """Print the predicted order as a table, and the prediction in a sentence.

    Parameters
    ----------
    store : ObjectStore
        The lake; the result, and what the prediction was made without, are read there.
    rows : sequence of mappings
        One prediction: a row a driver, in the predicted order, with `f1lib.predictions.archive.COLUMNS`.
    session : TrackingRow or None
        The row of the race or sprint; None leaves its start and result out.
    now : str
        The moment, as text of `format_utc`.
    changes : sequence of str
        The changed conditions that were supposed, in words; empty for an issued prediction.
    """
    from f1lib.cli.layout import Column

    event = EventKey(int(rows[0]["event_year"]), str(rows[0]["event_name"]))
    places = _places(store, session, now)
    columns = [Column("rank", "#", right=True), Column("result", right=True, rank=1), Column("driver")]
    columns += [Column("team", rank=5), Column("expected", "exp.", right=True, rank=4)]
    columns += [
        Column(name, name[2:-1], right=True, rank=rank) for name, rank in zip(_CHANCES, (0, 2, 3, 6), strict=True)
    ]
    cells = []
    for row in rows:
        driver = row["full_name"], row.get("abbreviation") or row["full_name"]
        chances = (percent(row[share], 1) for share in _CHANCES.values())
        expected = f"{row['predicted_position']:.1f}"
        place = places.get(row["driver_id"], "")
        cells.append([row["predicted_rank"], place, driver, row["team_name"], expected, *chances])
    output.print_table(columns, cells, title=_title(rows[0], event, changes), caption=_caption(store, rows, event))
    output.print_line(sentence(rows, session, places, now))


def sentence(
    rows: Sequence[Mapping[str, Any]], session: TrackingRow | None, places: Mapping[str, int], now: str
) -> str:
    """Say what is predicted and when the session starts in local time, or how it ended.

    Parameters
    ----------
    rows : sequence of mappings
        One prediction, a row a driver.
    session : TrackingRow or None
        The row of the race or sprint.
    places : mapping
        Driver id -> finishing position; empty when the result is not known.
    now : str
        The moment, as text of `format_utc`.

    Returns
    -------
    str
        The sentence.
    """
    if places:
        return words.outcome_sentence(rows, places)
    start = session["session_date_utc"] if session else ""
    if not start or has_come(start, now):
        return words.forecast_sentence(rows, "") + (" It has started; its result is not known yet." if start else "")
    return words.forecast_sentence(rows, output.local_time(start))


def _places(store: ObjectStore, session: TrackingRow | None, now: str) -> dict[str, int]:
    if session is None or session.get("status") not in STORED or not has_come(session.get("available_utc"), now):
        return {}
    return words.finishing_places(store, session["event_partition_key"], session["session_name_abr"])


def _title(first: Mapping[str, Any], event: EventKey, changes: Sequence[str]) -> str:
    name = f"{event.season} {event.event_name}{', Sprint' if first['session'] == 'S' else ''}"
    title = f"{name}, {first['horizon']}, as of {first['as_of_utc']}"
    if first["source"] == "simulated":
        title = f"SIMULATED DATA - {title}"
    return f"What if {', '.join(changes)}? (not stored) {title}" if changes else title


def _caption(store: ObjectStore, rows: Sequence[Mapping[str, Any]], event: EventKey) -> str:
    first = rows[0]
    caption = f"source: {first['source']} - model run {first['model_run_id']}"
    if first["source"] != "simulated":
        weather = any(row.get("forecast_hash") for row in rows)
        caption += f" - data: {attribution.attribution(str(first['source']), weather=weather)}"
    session, moment = str(first["session"]), parse_utc(str(first["as_of_utc"]))
    news = newest_change_log(store, archive.issued_until(store, event, moment, session), session)
    if said := rain.in_words(store, str(first["model_run_id"]), first.get("p_rain")):
        caption += f"\n{said}"
    if news.get("penalties"):
        caption += f"\nprovisional grid: {'; '.join(news['penalties'])}"
    return caption + (f"\nmade without: {'; '.join(news['lacks'])}" if news.get("lacks") else "")
