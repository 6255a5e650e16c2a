"""Tracking table: the state of each session and stage, and the claims on them, in SQLite or DynamoDB."""
