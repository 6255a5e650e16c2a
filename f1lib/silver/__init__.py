"""Silver: bronze typed, deduplicated and understood; one table a file and season."""
