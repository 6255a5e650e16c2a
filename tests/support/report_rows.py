"""Tracking rows of a lake the evening before a race, as a report finds them."""

from __future__ import annotations

from typing import Any

EVENT = "2025_Abu_Dhabi_Grand_Prix"


ROWS: list[Any] = [
    {"event_partition_key": EVENT, "session_name_abr": "R", "event_year": 2025, "event_number": 24,
     "event_name": "Abu Dhabi Grand Prix", "event_format": "conventional", "circuit": "Yas Marina",
     "session_date_utc": "2025-12-07T13:00:00Z", "available_utc": "2025-12-07T15:30:00Z", "status": "scheduled"},
    {"event_partition_key": EVENT, "session_name_abr": "Q", "event_year": 2025, "status": "gold",
     "session_date_utc": "2025-12-06T14:00:00Z", "available_utc": "2025-12-06T15:30:00Z"},
    {"event_partition_key": "2025_Qatar_Grand_Prix", "session_name_abr": "P1", "event_year": 2025, "status": "failed",
     "session_date_utc": "2025-11-28T13:30:00Z", "last_error": "SourceError: no", "attempts": 3},
    {"event_partition_key": "PIPELINE", "session_name_abr": "STAGE#05_train", "status": "gold",
     "finished_utc": "2025-12-06T16:00:00Z", "run_id": "20251206T160000Z"},
]  # fmt: skip
