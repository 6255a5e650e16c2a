"""``f1 predictions``: the newest prediction of an event, or one under changed conditions that is not stored."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from f1lib.cli import output
from f1lib.cli.options import workspace_of
from f1lib.domain.weekend import EventKey
from f1lib.errors import BadParameters
from f1lib.lake import attribution
from f1lib.lake.paths_published import history_prefix
from f1lib.predictions import archive, rain
from f1lib.predictions.change_log import newest_change_log

if TYPE_CHECKING:
    import pandas as pd

    from f1lib.lake.store import ObjectStore

NAME = "predictions"
HELP = "the newest prediction of an event"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the event, the session, changes to suppose, and the form of the output."""
    parser.add_argument("event", help="2025_Abu_Dhabi_Grand_Prix, or a part of it")
    parser.add_argument("--session", choices=("R", "S"), default="R", help="the race (R) or the sprint (S)")
    text = "predict a changed race without storing it: rain=0.7, weather=wet, VER.grid_position=20; repeat for several"
    parser.add_argument("--set", action="append", default=[], metavar="CHANGE", dest="changes", help=text)
    text = "the chance that the first of two drivers finishes ahead of the second"
    parser.add_argument("--beats", nargs=2, default=(), metavar="DRIVER", help=text)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", dest="as_json")
    form.add_argument("--csv", action="store_true", dest="as_csv")


def run(arguments: argparse.Namespace) -> int:
    """Print the prediction as a table, JSON or CSV."""
    from f1lib.predictions import whatif

    if arguments.beats and arguments.changes:
        raise BadParameters("--beats reads the issued prediction: leave out --set")
    changes = [whatif.parse_change(text) for text in arguments.changes]
    ws = workspace_of(arguments)
    event = archive.find_event(ws.tracking.rows(), arguments.event, ws.store.url)
    if changes:
        asked = {"source": ws.source_name, "session": arguments.session}
        frame = whatif.predict_changed(ws.store, event, changes, say=output.print_notice, **asked)
    else:
        frame = archive.read(event, lake=ws.store.url, session=arguments.session)
    if arguments.beats:
        return _head_to_head(ws.store, frame, arguments)
    if arguments.as_json:
        output.print_plain(frame.to_json(orient="records", date_format="iso", force_ascii=False, indent=2))
    elif arguments.as_csv:
        output.print_csv(frame.drop(columns=["position_probabilities"]))
    else:
        show_predictions(ws.store, frame, [str(change) for change in changes])
    return 0


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
        output.print_line(f"{where}: {names[first]} finishes ahead of {names[second]} with {100 * share:.1f} %.")
    return 0


def show_predictions(store: ObjectStore, frame: pd.DataFrame, changes: Sequence[str] = ()) -> None:
    """Print the predicted order as a table.

    Parameters
    ----------
    store : ObjectStore
        The lake; what the forecast was made without is read there.
    frame : pandas.DataFrame
        One prediction: a row a driver, columns `f1lib.predictions.archive.COLUMNS`.
    changes : sequence of str
        The changed conditions that were supposed, in words; empty for an issued prediction.
    """
    first = frame.iloc[0]
    name = f"{first['event_year']} {first['event_name']}{', Sprint' if first['session'] == 'S' else ''}"
    title = f"{name}, {first['horizon']}, as of {first['as_of_utc']}"
    if first["source"] == "simulated":
        title = f"SIMULATED DATA - {title}"
    if changes:
        title = f"What if {', '.join(changes)}? (not stored) {title}"
    caption = f"source: {first['source']} - model run {first['model_run_id']}"
    if first["source"] != "simulated":
        caption += f" - data: {attribution.of_predictions(frame)}"
    history = history_prefix(EventKey.parse(archive.event_of(frame)))
    news = newest_change_log(store, archive.history_keys(store, history), str(first["session"]))
    if said := rain.in_words(store, frame):
        caption += f"\n{said}"
    if news.get("penalties"):
        caption += f"\nprovisional grid: {'; '.join(news['penalties'])}"
    if news.get("lacks"):
        caption += f"\nmade without: {'; '.join(news['lacks'])}"
    columns = ["rank", "driver", "team", "expected", "P(win)", "P(podium)", "P(points)", "P(DNF)"]
    rows = [
        [row["predicted_rank"], row["full_name"], row["team_name"], f"{row['predicted_position']:.1f}"]
        + [f"{100 * row[share]:.1f} %" for share in ("p_win", "p_podium", "p_points", "p_dnf")]
        for row in frame.sort_values("predicted_rank").to_dict("records")
    ]
    right = [column for column in columns if column not in ("driver", "team")]
    output.print_table(columns, rows, right=right, no_wrap=columns, width=160, title=title, caption=caption)
