"""Read anybody's forecasts from a CSV or JSON file, in the layout of docs/scoring.md, and check them.

Every error names the file, the race or the row (the first after the header of a CSV is row 1), and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from f1lib.domain import identities
from f1lib.domain.moments import format_utc, parse_utc
from f1lib.domain.weekend import HORIZONS, plain
from f1lib.errors import BadParameters, RunError
from f1lib.lake import silver_tables
from f1lib.lake.documents import from_json
from f1lib.lake.store import ObjectStore
from f1lib.scoring import positions
from f1lib.scoring.partial import TOPS

# Names of the columns of f1lib's own predictions -> those of the layout.
ALIASES = {
    "event_year": "season",
    "event_name": "event",
    "as_of_utc": "issued_utc",
    "driver_id": "driver",
    "predicted_rank": "rank",
}
WHERE = ("system", "season", "round", "event", "session", "issued_utc", "start_utc", "horizon", "driver")
SAID = ("rank", *TOPS, "p_dnf", "position_probabilities")
TOLERANCE = 0.02  # by which a sum of rounded probabilities may be off, for each place it is of
_COLUMNS_OFF = 0.5  # by which a place's probabilities over the drivers may be off before they are refused
_PLACE = re.compile(r"p_(\d{1,2})")


@dataclass(frozen=True)
class Forecast:
    """One race as one system forecast it: ``rows`` has ``driver_id`` and `SAID` as far as given, ``predicted_rank``.

    ``issued_utc``, ``start_utc`` (of the race) and ``horizon`` are what the file says, empty where it does not.
    """

    system: str
    event: str
    session: str
    issued_utc: str
    start_utc: str
    horizon: str
    rows: pd.DataFrame


def read_forecasts(path: Path, store: ObjectStore, system: str) -> tuple[list[Forecast], list[str]]:
    """Read and check a file of forecasts.

    Parameters
    ----------
    path : Path
        A ``.csv`` or ``.json`` file.
    store : ObjectStore
        The lake, whose calendar and results tell events and drivers.
    system : str
        Name of the system where the file has no column ``system``.

    Returns
    -------
    forecasts : list of Forecast
        In the order of the file.
    ignored : list of str
        Columns that are not read.

    Raises
    ------
    BadParameters
        The file cannot be read, or something in it is missing, unknown or does not add up.
    """
    raw = _raw(path)
    raw = raw.rename(columns={ours: name for ours, name in ALIASES.items() if ours in raw and name not in raw})
    columns = [str(name) for name in raw]
    places = sorted((name for name in columns if _PLACE.fullmatch(name)), key=lambda name: int(name[2:]))
    said = [name for name in (*SAID, *places) if name in columns]
    if "driver" not in raw or not ({"event"} <= set(raw) or {"season", "round"} <= set(raw)) or not said:
        wanted = (
            "driver, event (or season and round), and one of rank, p_win, p_podium, p_top10, p_dnf or p_1, p_2, ..."
        )
        raise BadParameters(f"{path.name}: expected the columns {wanted}; it has {', '.join(columns)}")
    for name in (n for n in said if n != "position_probabilities"):
        raw[name] = _numbers(path, raw, name)
    raw = raw.assign(**{name: raw.get(name, "") for name in WHERE})
    raw["system"] = raw["system"].replace("", system)
    raw["session"] = raw["session"].replace("", "R")
    raw["event"] = _events(path, raw, store)
    for name in ("issued_utc", "start_utc"):
        raw[name] = [_moment(f"{path.name}, row {row}: {name}", text) for row, text in raw[name].items()]
    names = _Names(store)
    found = []
    race = ["system", "event", "session", "issued_utc", "start_utc", "horizon"]
    for key, part in raw.groupby(race, sort=False):
        named, event, session, issued, start, horizon = map(str, key)
        drivers = [names.of(path, row, event, text) for row, text in part["driver"].items()]
        rows = _checked(f"{path.name}: {event} {session}", part.assign(driver_id=drivers), said, places)
        found.append(Forecast(named, event, session, issued, start, horizon, rows))
    return found, [name for name in columns if name not in (*WHERE, *said)]


def _raw(path: Path) -> pd.DataFrame:
    """Return the file's cells as they stand, by row number; a cell that is not given is an empty text."""
    try:
        if path.suffix == ".json":
            document = from_json(path.read_bytes())
            if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
                raise ValueError("expected a list of objects, one a driver")
            frame = pd.DataFrame(document, dtype=object)
            told = {
                name: frame[name].map(lambda cell: "" if cell is None or cell != cell else str(cell)) for name in frame
            }
            frame = frame.assign(**{str(k): cells for k, cells in told.items() if k != "position_probabilities"})
        elif path.suffix == ".csv":
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
        else:
            raise ValueError("expected a .csv or a .json file")
    except (OSError, ValueError) as error:
        raise BadParameters(f"cannot read {path}: {error}") from error
    if frame.empty:
        raise BadParameters(f"{path.name} has no rows")
    return frame.set_axis(range(1, len(frame) + 1))


def _numbers(path: Path, raw: pd.DataFrame, name: str) -> pd.Series[float]:
    values = pd.to_numeric(raw[name].where(raw[name] != ""), errors="coerce").astype("float64")
    low, high = (1, 100) if name == "rank" else (0, 1 + TOLERANCE)
    wrong = raw[~values.between(low, high) & (raw[name].astype(str) != "")]
    if len(wrong):
        what = "a rank from 1" if name == "rank" else "a probability from 0 to 1"
        raise BadParameters(f"{path.name}, row {wrong.index[0]}: {name} is {wrong[name].iloc[0]!r}; expected {what}")
    return values


def _moment(where: str, text: Any) -> str:
    try:
        return format_utc(parse_utc(str(text))) if str(text) else ""
    except BadParameters as error:
        raise BadParameters(f"{where} {error}") from None


def _events(path: Path, raw: pd.DataFrame, store: ObjectStore) -> list[str]:
    """Return the partition key of each row's event, and check its session and horizon."""
    events = silver_tables.read_table(store, "events")
    sessions = silver_tables.read_table(store, "sessions")
    held = set(zip(sessions["event_partition_key"], sessions["session"], strict=True))
    known: dict[tuple[str, str], str] = {}
    for row in events.to_dict("records"):
        key, season = row["event_partition_key"], str(row["event_year"])
        known |= {
            (season, plain(row["event_name"])): key,
            (season, str(row["event_number"])): key,
            ("", plain(key)): key,
        }
    found = []
    asked = raw[["season", "event", "round", "session", "horizon"]].astype(str)
    for number, season, named, round_, session, horizon in asked.itertuples():
        text = named or round_
        event = known.get(("", plain(text))) or known.get((season, plain(text)))
        if event is None:
            raise BadParameters(
                f"{path.name}, row {number}: no event {text!r} in season {season or '(none given)'}; an event is "
                "2025_Abu_Dhabi_Grand_Prix, or its name or round beside a season that the lake has"
            )
        if session not in ("R", "S") or (event, session) not in held:
            raise BadParameters(f"{path.name}, row {number}: {event} has no session {session!r}; give R or S")
        if horizon not in ("", *HORIZONS):
            raise BadParameters(f"{path.name}, row {number}: horizon {horizon!r} is none of {', '.join(HORIZONS)}")
        found.append(event)
    return found


class _Names:
    """The drivers of each event, and of its season, by the names that they have in results."""

    def __init__(self, store: ObjectStore) -> None:
        columns = ["event_partition_key", "event_year", "driver_id", "full_name", "abbreviation"]
        self._rows = silver_tables.read_table(store, "results")[columns].drop_duplicates()
        self._known: dict[str, Mapping[str, set[str]]] = {}

    def of(self, path: Path, row: Any, event: str, text: Any) -> str:
        """Return a driver's canonical id; raises `BadParameters` for one who is not known."""
        for group in (event, event[:4]):
            ids = self._of(group).get(plain(str(text))) or self._of(group).get(plain(identities.driver_id(str(text))))
            if ids and len(ids) == 1:
                return next(iter(ids))
        drivers = sorted({name for names in self._of(event).values() for name in names})
        raise BadParameters(f"{path.name}, row {row}: no driver {text!r} at {event}; there were {', '.join(drivers)}")

    def _of(self, group: str) -> Mapping[str, set[str]]:
        if group not in self._known:
            column = "event_partition_key" if "_" in group else "event_year"
            found: dict[str, set[str]] = {}
            for _, _, driver, *names in self._rows[self._rows[column].astype(str) == group].itertuples(index=False):
                for name in (driver, *names):
                    found.setdefault(plain(str(name)), set()).add(str(driver))
            self._known[group] = found
        return self._known[group]


def _checked(where: str, rows: pd.DataFrame, said: list[str], places: list[str]) -> pd.DataFrame:
    """Return the drivers and what is said of them, once it is whole and adds up."""
    n, twice = len(rows), rows["driver_id"].duplicated()
    if twice.any():
        raise BadParameters(
            f"{where}: driver {rows['driver'][twice].iloc[0]!r} has two rows (row {rows.index[twice][0]})"
        )
    given = [name for name in said if (rows[name].astype(str) != "").any() and rows[name].notna().any()]
    for name in (name for name in given if name not in places):
        if (missing := rows.index[rows[name].isna() | (rows[name].astype(str) == "")]).size:
            raise BadParameters(f"{where}: {name} is missing in row {missing[0]}")
    if "rank" in given and sorted(rows["rank"]) != list(range(1, n + 1)):
        raise BadParameters(f"{where}: the ranks of its {n} drivers are no order 1 to {n}")
    for name, of in TOPS.items():
        wanted = min(of, n)
        if name in given and abs((total := rows[name].sum()) - wanted) > TOLERANCE * wanted:
            raise BadParameters(f"{where}: {name} over its {n} drivers sums to {total:.3f}; expected {wanted}")
    out = rows[["driver_id", *(name for name in given if name in ("rank", *TOPS, "p_dnf"))]]
    out = out.rename(columns={"rank": "predicted_rank"})
    listed = list(_listed(where, rows, given, places))
    return out.assign(position_probabilities=list(_matrix(where, rows, listed))) if listed else out


def _listed(where: str, rows: pd.DataFrame, given: list[str], places: list[str]) -> Iterator[list[float]]:
    """Yield each driver's probabilities of places, as long as the field; nothing where none are given."""
    n = len(rows)
    named = [name for name in places if name in given]
    if not named and "position_probabilities" not in given:
        return
    for number, row in rows.iterrows():
        values = [row[name] for name in named] if named else row["position_probabilities"]
        if not isinstance(values, list) or not all(isinstance(value, int | float) for value in values):
            raise BadParameters(f"{where}: position_probabilities of row {number} is no list of numbers")
        filled = np.nan_to_num(np.asarray(values, dtype="float64"))
        if named and [int(name[2:]) for name in named] != list(range(1, len(named) + 1)):
            raise BadParameters(f"{where}: the columns p_1, p_2, ... have a gap: {', '.join(named)}")
        if filled[n:].sum() > TOLERANCE or (filled < 0).any():
            raise BadParameters(f"{where}: row {number} gives a chance to a place after {n}, and has {n} drivers")
        yield np.pad(filled[:n], (0, max(n - len(filled), 0))).tolist()


def _matrix(where: str, rows: pd.DataFrame, listed: list[list[float]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the position matrix of a race: rows that sum to 1, and columns that nearly do."""
    matrix = np.array(listed)
    sums = matrix.sum(axis=1)
    if not (np.abs(sums - 1) <= TOLERANCE).all():
        finishing = (
            1 - rows["p_dnf"].to_numpy() if "p_dnf" in rows and rows["p_dnf"].notna().all() else np.ones(len(rows))
        )
        off = np.abs(sums - finishing)
        if (off > TOLERANCE).any():
            row = rows.index[int(off.argmax())]
            raise BadParameters(
                f"{where}: the places of row {row} sum to {sums[int(off.argmax())]:.3f}; expected 1, or 1 - p_dnf "
                "where the places are of those who finish"
            )
        matrix = matrix + positions.retired_places(np.minimum(1 - finishing, 0.999))
    matrix = matrix / matrix.sum(axis=1, keepdims=True)
    off = np.abs(matrix.sum(axis=0) - 1)
    if off.max() > _COLUMNS_OFF:
        place = int(off.argmax())
        raise BadParameters(f"{where}: place {place + 1} over all drivers sums to {matrix[:, place].sum():.2f}, not 1")
    try:
        return matrix if off.max() <= TOLERANCE else positions.sinkhorn(matrix + 1e-6)
    except RunError as error:
        raise BadParameters(f"{where}: {error}") from error
