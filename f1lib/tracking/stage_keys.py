"""The stages of the pipeline and the sort keys of their tracking rows."""

from __future__ import annotations

from f1lib.domain.weekend import SessionCode

SCHEDULE_ROW = "STAGE#00_schedule#"
# What a source had to say about itself when the calendar was last read.
NOTICE_ROW = "STAGE#00_schedule"
GRID_ROWS = {"R": "STAGE#starting_grid", "S": "STAGE#sprint_grid"}
SESSIONS = frozenset(str(code) for code in SessionCode)
WEATHER_ROW = "STAGE#02_weather"
SCHEDULE, INGEST, WEATHER, SILVER, GOLD = "00_schedule", "01_ingest", "02_weather", "03_silver", "04_gold"
TRAIN, PREDICT, SCORE, REPORT = "05_train", "06_predict", "07_score", "08_report"
STAGES = (SCHEDULE, INGEST, WEATHER, SILVER, GOLD, TRAIN, PREDICT, SCORE, REPORT)
