"""Silver: bronze as typed, deduplicated tables; one file per table and season."""
