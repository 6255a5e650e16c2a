"""The Lambda function's side: its events, telemetry, the units of a backfill and what they cost."""
