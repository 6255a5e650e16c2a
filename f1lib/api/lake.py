"""A lake opened for reading: every table of it as a frame, as it was known at one moment.

>>> lake = f1lib.open("my-lake", as_of="2025-12-06T16:00:00Z")
>>> lake.results(2024)
>>> lake.predict("abu dhabi", rain=0.7, grid={"VER": 20})

Nothing is written, and neither sources nor tracking table are opened: a folder or a bucket to read is all it needs.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from f1lib.domain.moments import format_utc
from f1lib.domain.weekend import HORIZONS, EventKey
from f1lib.errors import BadParameters
from f1lib.lake.paths_published import ACCURACY
from f1lib.lake.store import ObjectStore, find_json
from f1lib.predictions import archive
from f1lib.workspace.workspace import open_lake

if TYPE_CHECKING:
    import pandas as pd

_KEYS = ["event_partition_key", "session"]


def open(lake: str = "", *, as_of: str = "") -> Lake:
    """Open a lake for reading.

    Parameters
    ----------
    lake : str
        Folder, ``file:///...`` or ``s3://bucket/prefix``; default: that of the settings, or its simulated one.
    as_of : str
        Moment in UTC, such as ``2025-12-06T16:00:00Z``, after which nothing is known; now by default.

    Returns
    -------
    Lake
        The lake at that moment.

    Raises
    ------
    StorageError
        There is no lake at the address, or it cannot be read.
    BadParameters
        ``as_of`` is not a moment.
    RunError
        This version cannot read the lake's format.
    """
    return Lake(*open_lake(lake, as_of))


class Lake:
    """A lake at one moment.

    Every frame holds what was known at ``as_of`` only. Events are named as in the command: ``abu dhabi``, ``monza``,
    ``2024 spa``, ``brazil``, ``cota`` or a key such as ``2025_Qatar_Grand_Prix``.

    Attributes
    ----------
    store : ObjectStore
        Where the files are.
    as_of : datetime
        The moment, aware UTC.
    source_name : str
        ``f1db``, ``fastf1`` or ``simulated``.
    """

    def __init__(self, store: ObjectStore, as_of: datetime, source_name: str) -> None:
        self.store = store
        self.as_of = as_of
        self.source_name = source_name

    def __repr__(self) -> str:
        return f"<f1lib.Lake {self.store.url}, {self.source_name}, as of {format_utc(self.as_of)}>"

    def calendar(self, season: int | None = None) -> pd.DataFrame:
        """Read the calendar.

        Parameters
        ----------
        season : int, optional
            One season; default: all.

        Returns
        -------
        pandas.DataFrame
            One row per event, by start: table ``events`` (docs/lake.md), with ``circuit_id country race_start_utc``.
        """
        from f1lib.lake.silver_tables import read_table

        rows = read_table(self.store, "events", [season] if season else None)
        return rows.sort_values("race_start_utc", kind="stable", ignore_index=True)

    def event(self, text: str = "") -> str:
        """Return the partition key of the event that a text means; empty: the next race.

        Raises `BadParameters` when none fits, with the name that is most like it.
        """
        events = self.calendar()
        if not text:
            ahead = events[(events["race_start_utc"] > self.as_of) & ~events["is_cancelled"]]
            if ahead.empty:
                raise BadParameters(
                    f"lake {self.store.url} knows no race after {format_utc(self.as_of)}: name an event"
                )
            return str(ahead["event_partition_key"].iloc[0])
        columns = (events[name].astype(str) for name in ("event_partition_key", "race_start_utc", "circuit_id"))
        return archive.find_event(self.store, zip(*columns, strict=True), text, self.as_of)

    def results(self, season: int | None = None, *, session: str = "R") -> pd.DataFrame:
        """Read results.

        Parameters
        ----------
        season : int, optional
            One season; default: all.
        session : {"R", "S", "Q", "SQ", "SS", "P1", "P2", "P3"}
            The session: race, sprint, qualifying, sprint qualifying or shootout, practice.

        Returns
        -------
        pandas.DataFrame
            One row per event and driver, in the order of the results: table ``results`` (docs/lake.md), with
            ``driver_id team_name grid_position finishing_position status points``; times in seconds.
        """
        return self._silver("results", season, session, "finishing_position")

    def qualifying(self, season: int | None = None) -> pd.DataFrame:
        """Read the results of qualifying; see `results`.

        Parameters
        ----------
        season : int, optional
            One season; default: all.

        Returns
        -------
        pandas.DataFrame
            One row per event and driver, in the order of qualifying, with ``q1_seconds q2_seconds q3_seconds``.
        """
        return self.results(season, session="Q")

    def laps(self, season: int | None = None, *, session: str = "R") -> pd.DataFrame:
        """Read lap times; a lake has those of FastF1's timing, and simulated ones.

        Parameters
        ----------
        season : int, optional
            One season; default: all.
        session : str
            As of `results`.

        Returns
        -------
        pandas.DataFrame
            One row per event, driver and lap: table ``laps`` (docs/lake.md), with
            ``lap_number lap_time_seconds compound tyre_life position``; empty without any.
        """
        return self._silver("laps", season, session, "lap_number")

    def _silver(self, table: str, season: int | None, session: str, order: str) -> pd.DataFrame:
        from f1lib.lake.silver_tables import read_table

        rows = read_table(self.store, table, [season] if season else None)
        known = rows[(rows["session"] == session) & (rows["available_utc"] <= self.as_of)]
        return known.sort_values(["event_year", "event_number", order], kind="stable", ignore_index=True)

    def features(self, horizon: str = "", *, event: str = "", session: str = "R") -> pd.DataFrame:
        """Read what was known of each driver before races or sprints, and what came of it.

        Parameters
        ----------
        horizon : {"", "pre_weekend", "post_practice", "post_qualifying", "pre_race"}
            How much of the weekend is known; default: every horizon.
        event : str
            One event; default: all whose result is known.
        session : {"R", "S"}
            Races or sprints.

        Returns
        -------
        pandas.DataFrame
            One row per event, horizon and driver: the training dataset, with the features of
            ``f1lib/lake/features.csv`` (with their units) and the outcome: ``finishing_position is_dnf points``. Of an
            event without a result the race's newest features, at the last horizon reached by default; no outcome.

        Raises
        ------
        BadParameters
            Unknown horizon or event.
        NoSuchKey
            The lake has no training dataset yet.
        RunError
            Nothing is known of the event at the horizon.
        """
        from f1lib.lake.gold_tables import read_training_dataset

        if horizon not in ("", *HORIZONS):
            raise BadParameters(f"there is no horizon {horizon!r}; they are {', '.join(HORIZONS)}")
        rows = self._with_result(read_training_dataset(self.store))
        rows = rows[rows["session"] == session]
        rows = rows[rows["horizon"] == horizon] if horizon else rows
        if event:
            key = self.event(event)
            rows = rows[rows["event_partition_key"] == key]
            if rows.empty:
                from f1lib.predictions.issue import newest_features

                return newest_features(self.store, key, horizon, self.as_of, session)[0]
        return rows.reset_index(drop=True)

    def _with_result(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the races and sprints whose result was known."""
        import pandas as pd

        known = pd.concat([self.results(), self.results(session="S")])[_KEYS].drop_duplicates()
        kept: pd.DataFrame = rows[pd.MultiIndex.from_frame(rows[_KEYS]).isin(pd.MultiIndex.from_frame(known))]
        return kept

    def championship(self, season: int = 0) -> pd.DataFrame:
        """Read the standings and the title chances of a season, as they stood.

        Parameters
        ----------
        season : int
            The season; 0: the last one with a forecast or a result.

        Returns
        -------
        pandas.DataFrame
            One row per driver, then one per team, by standing: table ``championship`` (docs/lake.md), with
            ``p_title points_now points_p10 points_p50 points_p90 can_still_win needs``.

        Raises
        ------
        RunError
            The lake has no result of the season, or nothing was issued of one that is not over.
        """
        from f1lib.predictions.championship import newest

        return newest(self.store, season, self.as_of)

    def predictions(self, event: str = "", *, session: str = "R", every: bool = False) -> pd.DataFrame:
        """Read the newest prediction of a race or sprint.

        Parameters
        ----------
        event : str
            The event; default: the next race.
        session : {"R", "S"}
            The race or the sprint.
        every : bool
            Every prediction that was issued, oldest first, instead of the newest.

        Returns
        -------
        pandas.DataFrame
            One row per driver (and issue), in the predicted order, with the prediction columns of docs/lake.md:
            ``predicted_rank predicted_position p_win p_podium p_points p_dnf position_probabilities`` and more.

        Raises
        ------
        BadParameters
            No event fits.
        StorageError
            No prediction of it was issued by then.
        """
        key = EventKey.parse(self.event(event))
        return archive.read_issued(self.store, key, self.as_of, session, every=every)

    def predict(
        self,
        event: str = "",
        *,
        grid: Mapping[str, int] | None = None,
        rain: float | None = None,
        weather: str = "",
        features: Mapping[str, float] | None = None,
        session: str = "R",
    ) -> pd.DataFrame:
        """Predict a race again under other conditions, with the model and features of its newest prediction.

        Parameters
        ----------
        event : str
            The event; default: the next race.
        grid : mapping, optional
            Driver (letters, name, id or number) -> slot on the grid; the others close up.
        rain : float, optional
            Chance that the race is run in the wet, from 0 to 1, whatever the forecast.
        weather : {"", "dry", "mixed", "wet"}
            The conditions that are supposed: a chance of rain of 0, 1/2 or 1, and the features of the weather.
        features : mapping, optional
            Feature, of a driver (``NOR.practice_rank``) or of all (``season_progress``) -> value.
        session : {"R", "S"}
            The race or the sprint.

        Returns
        -------
        pandas.DataFrame
            As of `predictions`; the prediction itself when nothing is changed. A change that moves nobody is warned
            about.

        Raises
        ------
        BadParameters
            Unknown event, driver, feature or value.
        StorageError
            No prediction of the event was issued by then.
        """
        from f1lib.predictions import whatif

        changes = [whatif.Change(driver, "grid_position", f"{slot}") for driver, slot in (grid or {}).items()]
        changes += [whatif.Change("", "weather", weather)] if weather else []
        changes += [] if rain is None else [whatif.Change("", "rain", f"{rain}")]
        changes += [whatif.parse_change(f"{name}={value}") for name, value in (features or {}).items()]
        issued = self.predictions(event, session=session)
        if not changes:
            return issued
        say = partial(warnings.warn, stacklevel=3)
        return whatif.predict_changed(self.store, issued, changes, source=self.source_name, say=say)

    def scores(self) -> pd.DataFrame:
        """Read the scores of the issued predictions beside the baselines'.

        Returns
        -------
        pandas.DataFrame
            One row per event, session, horizon and system (``model`` or a baseline): ``winner p_winner`` and the
            metrics of docs/scoring.md (``mae`` in places, ``spearman rps win_log_loss`` and more); empty before the
            first scored race.
        """
        import pandas as pd

        found = find_json(self.store, ACCURACY) or {"predictions": [], "sprints": {"predictions": []}}
        rows = pd.DataFrame([*found["predictions"], *found["sprints"]["predictions"]])
        return self._with_result(rows).reset_index(drop=True) if len(rows) else rows
