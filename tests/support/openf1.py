"""A stand-in for OpenF1: its answers, in its documented form, derived from the laps of the shared data.

The form is that of ``documentation/includes/_api_endpoints.md`` of br-g/openf1: flat rows keyed by car number, lap and
OpenF1's own keys of meeting and session; times in seconds, moments as ISO 8601 with an offset; nothing found is 404.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pandas as pd

from f1lib.domain.weekend import SESSION_NAMES, EventKey
from f1lib.sources.protocols import Schedule, SessionSource
from tests.support.replay_server import Answer, ReplayServer

CODES = {"FP1": "P1", "FP2": "P2", "FP3": "P3", "Q": "Q", "SS": "SS", "SQ": "SQ", "S": "S", "R": "R"}
PREFIX = "https://api.openf1.org/v1/"
CLOSED = Answer(401, b'{"detail": "Session in progress, access is restricted to authenticated users."}')
PIT_LANE = 2064
ENDPOINTS = "meetings sessions drivers laps stints pit weather race_control session_result starting_grid".split()
SPEEDS = {"i1_speed": "SpeedI1", "i2_speed": "SpeedI2", "st_speed": "SpeedST"}
WEATHER = {
    "air_temperature": "air_temp_c",
    "humidity": "humidity_pct",
    "pressure": "pressure_mbar",
    "track_temperature": "track_temp_c",
    "wind_direction": "wind_direction_deg",
}
MESSAGES = ("category", "flag", "scope", "sector", "message")
Row = dict[str, Any]
Rows = list[Row]


class OpenF1:
    """Tables by endpoint; ``faults`` are answers that are given instead, by endpoint or for all (``""``).

    ``zeros``: when FastF1's clock of a session began, by code and round; a quarter of an hour early where not given.
    """

    def __init__(
        self,
        shared_data: Path,
        official: SessionSource,
        season: int,
        rounds: tuple[int, ...],
        zeros: dict[tuple[str, int], str] | None = None,
    ) -> None:
        self.tables: dict[str, Rows] = {name: [] for name in ENDPOINTS}
        self.faults: dict[str, Answer] = {}
        self.asked: list[str] = []
        self._official = official
        self._zeros = {place: pd.Timestamp(moment) for place, moment in (zeros or {}).items()}
        later = datetime.fromisoformat("2026-11-01T00:00:00+00:00")
        schedule = official.schedule(season, later)
        laps = pd.read_parquet(shared_data / "laps" / f"{season}.parquet")
        for number in rounds:
            self._meeting(schedule, number, laps[laps["RoundNumber"] == number], later)

    def serve(self, server: ReplayServer) -> None:
        """Answer for OpenF1's host."""
        server.routes[PREFIX] = self.answer

    def answer(self, url: str) -> Answer:
        """The rows that the query asks for."""
        parts = urlsplit(url)
        name, query = parts.path.rpartition("/")[2], dict(parse_qsl(parts.query))
        self.asked.append(name)
        if fault := self.faults.get(name) or self.faults.get(""):
            return fault
        rows = [row for row in self.tables[name] if all(str(row[key]) == value for key, value in query.items())]
        return Answer(200, json.dumps(rows).encode()) if rows else Answer(404, b'{"detail": "No results found."}')

    def key(self, code: str, number: int = 1) -> int:
        """OpenF1's key of a session of a round."""
        return 9000 + 10 * number + list(SESSION_NAMES).index(code)

    def of(self, endpoint: str, code: str, number: int = 1) -> Rows:
        """The rows of one session, to be changed."""
        return [row for row in self.tables[endpoint] if row["session_key"] == self.key(code, number)]

    def tell(self, code: str, frames: dict[str, pd.DataFrame], number: int = 1) -> None:
        """Add the weather and the messages of race control of a session, as another source gave them."""
        zero, key = self._zeros[code, number], {"meeting_key": 1000 + number, "session_key": self.key(code, number)}
        for row in frames["weather"].to_dict("records"):
            said = {ours: row[theirs] for ours, theirs in WEATHER.items()}
            at = (zero + pd.Timedelta(seconds=row["time_seconds"])).isoformat()
            wind = {"wind_speed": round(row["wind_speed_kmh"] / 3.6, 1), "rainfall": int(row["rainfall"])}
            self.tables["weather"].append({**key, **said, **wind, "date": at})
        for row in frames["race_control"].astype(object).to_dict("records"):
            said = {name: None if pd.isna(row[name]) else row[name] for name in MESSAGES}
            number_of = None if pd.isna(row["driver_number"]) else int(row["driver_number"])
            lap = {"lap_number": None if pd.isna(row["lap"]) else int(row["lap"]), "driver_number": number_of}
            self.tables["race_control"].append({**key, **said, **lap, "date": row["time_utc"].isoformat()})

    def _meeting(self, schedule: Schedule, number: int, laps: pd.DataFrame, later: datetime) -> None:
        event = schedule.events[schedule.events["event_number"] == number].to_dict("records")[0]
        name, year, place = event["event_name"], event["event_year"], event["circuit"]
        self.tables["meetings"].append(
            {"meeting_key": 1000 + number, "meeting_name": name, "year": year, "location": place}
        )
        for row in schedule.sessions[schedule.sessions["event_number"] == number].to_dict("records"):
            code, start, end = row["session"], row["session_start_utc"], row["session_end_utc"]
            key = {"meeting_key": 1000 + number, "session_key": self.key(code, number)}
            times = {"date_start": start.isoformat(), "date_end": end.isoformat()}
            self.tables["sessions"].append({**key, **times, "session_name": row["session_name"], "year": year})
            own = laps[laps["Session"].map(CODES) == code]
            if own.empty:
                continue
            self._zeros.setdefault((code, number), start - pd.Timedelta(minutes=15))
            results = self._official.session(EventKey(year, name), code, later).frames["results"]
            self._people(key, results, own.groupby("DriverNumber")["Team"].first())
            self._timing(key, own, self._zeros[code, number])
            self._results(key, results, code)
            if code == "R":
                self._grid(key | {"session_key": self.key("Q", number)}, EventKey(year, name), later)

    def _grid(self, key: dict[str, int], event: EventKey, later: datetime) -> None:
        for row in self._official.starting_grid(event, "R", later).frames["starting_grid"].to_dict("records"):
            slot = {"position": int(row["position"]), "driver_number": int(row["driver_number"])}
            self.tables["starting_grid"].append({**key, **slot, "lap_duration": None})

    def _people(self, key: dict[str, int], results: pd.DataFrame, teams: pd.Series[Any]) -> None:
        for row in results.to_dict("records"):
            first, _, last = row["full_name"].partition(" ")
            named = {"first_name": first, "last_name": last, "full_name": f"{first} {last.upper()}"}
            named |= {"name_acronym": row["abbreviation"], "team_name": teams.get(row["driver_number"])}
            self.tables["drivers"].append({**key, **named, "driver_number": int(row["driver_number"])})

    def _timing(self, key: dict[str, int], laps: pd.DataFrame, zero: pd.Timestamp) -> None:
        """Add laps, stints and visits to the pit lane; ``zero`` is when FastF1's clock of the session begins."""
        is_race = laps["Session"].iloc[0] in ("R", "S")
        for number, own in laps.sort_values("LapNumber").groupby("DriverNumber"):
            car = {**key, "driver_number": int(str(number))}
            for lap, left in zip(own.to_dict("records"), own["PitOutTime"].shift(-1), strict=True):
                came = lap["PitInTime"]
                row: Row = {**car, "lap_number": int(lap["LapNumber"]), "lap_duration": _seconds(lap["LapTime"])}
                row |= {f"duration_sector_{n}": _seconds(lap[f"Sector{n}Time"]) for n in (1, 2, 3)}
                row |= {ours: _number(lap[theirs]) for ours, theirs in SPEEDS.items()}
                row["date_start"] = None if pd.isna(lap["LapStartTime"]) else (zero + lap["LapStartTime"]).isoformat()
                row["is_pit_out_lap"] = bool(pd.notna(lap["PitOutTime"]))
                row["segments_sector_3"] = [] if is_race else [2049, PIT_LANE if pd.notna(came) else 2048]
                self.tables["laps"].append(row)
                if pd.notna(came) and pd.notna(left):
                    visit = {"lap_number": row["lap_number"], "pit_duration": _seconds(left - came)}
                    self.tables["pit"].append({**car, **visit, "date": (zero + left).isoformat()})
            for stint, part in own.groupby("Stint"):
                first, age = part.iloc[0], part["TyreLife"].iloc[0]
                row = {**car, "stint_number": int(str(stint).partition(".")[0]), "lap_start": int(first["LapNumber"])}
                row |= {"lap_end": int(part["LapNumber"].max()), "compound": _text(first["Compound"])}
                self.tables["stints"].append(row | {"tyre_age_at_start": None if pd.isna(age) else int(age) - 1})

    def _results(self, key: dict[str, int], results: pd.DataFrame, code: str) -> None:
        for row in results.to_dict("records"):
            text, lapped = row["position_text"], row["gap_laps"] if pd.notna(row["gap_laps"]) else 0
            parts = [_plain(row[f"q{n}_seconds"]) for n in (1, 2, 3)]
            best = _plain(row["best_lap_seconds"] if code.startswith("P") else row["race_time_seconds"])
            own: Row = {**key, "driver_number": int(row["driver_number"]), "number_of_laps": _plain(row["laps"])}
            own |= {"position": int(text) if text.isdigit() else None}
            own |= {"gap_to_leader": f"+{lapped} LAP{'S' * (lapped > 1)}" if lapped else _plain(row["gap_seconds"])}
            own |= {"duration": parts if code in ("Q", "SQ", "SS") else best}
            own |= {name: text == name.upper() for name in ("dnf", "dns", "dsq")}
            self.tables["session_result"].append(own)


def _seconds(length: Any) -> float | None:
    return None if pd.isna(length) else round(length.total_seconds(), 3)


def _number(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _plain(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)
