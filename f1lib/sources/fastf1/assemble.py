"""Put one session together: timing in FastF1's shape and official rows become the frames of `protocols`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from f1lib.sources.fastf1 import frames as fastf1_frames
from f1lib.sources.fastf1 import results as fastf1_results
from f1lib.sources.fastf1.load import Loaded
from f1lib.sources.plausible import fastest_credible_lap, refuse


def session_frames(
    loaded: Loaded, official: list[Any], session: str, season: int, teams: Collection[str]
) -> tuple[dict[str, pd.DataFrame], list[dict[str, Any]]]:
    """Return the frames of one session under canonical ids, without impossible values.

    Parameters
    ----------
    loaded : Loaded
        The session as FastF1 gives it; other sources of timing bring theirs into that shape.
    official : list of dict
        Official rows as of `jolpica.read`; empty while there are none.
    session : str
        Code of the session.
    season : int
        Year, for the teams' ids.
    teams : collection of str
        Ids of entered teams that `is_team` does not know yet.

    Returns
    -------
    frames : dict of str to pandas.DataFrame
        As in `SessionData.frames`.
    refused : list of dict
        One entry a refused value, see `plausible.refuse`.
    """
    who = fastf1_results.people(loaded.listed, official, season, teams)
    frames: dict[str, pd.DataFrame] = {}
    refused = [
        {"driver_id": row["driver_id"], "column": column, "value": value, "reason": "a time is positive"}
        for row in official
        for column, value in row["refused"].items()
    ]
    stops = fastest = None
    if loaded.laps is not None:
        cleaned, impossible = refuse({"laps": fastf1_frames.laps(loaded.laps, who)}, session)
        frames, refused = frames | cleaned, refused + impossible
        fastest = fastest_credible_lap(frames["laps"])
        if session in fastf1_results.RACE_LIKE:
            frames["pit_stops"] = stops = fastf1_frames.pit_stops(loaded.laps, who)
    segments = fastf1_results.segment_times(loaded.parts, who, fastest)
    frames["results"] = fastf1_results.results(
        loaded.listed, frames.get("laps"), official, who, session, segments, stops, fastest
    )
    if loaded.weather is not None:
        frames["weather"] = fastf1_frames.weather(loaded.weather)
    if loaded.messages is not None:
        frames["race_control"] = fastf1_frames.race_control(loaded.messages)
    others, more = refuse({name: frame for name, frame in frames.items() if name != "laps"}, session)
    for frame in (frames | others).values():
        frame.select_dtypes("string").map(str.encode, na_action="ignore")  # half a surrogate pair cannot be stored
    return frames | others, refused + more
