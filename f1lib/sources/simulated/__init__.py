"""A season generator with known truth, for tests, offline trials and leak campaigns."""
