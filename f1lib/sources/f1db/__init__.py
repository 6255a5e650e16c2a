"""F1DB: results since 1950 as one CSV release (CC BY 4.0)."""
