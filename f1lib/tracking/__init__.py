"""The tracking table: what is known of each session and stage, and who works on it; SQLite and DynamoDB."""
