"""A season generator with known truth: what the tests, an offline trial and the leak campaigns run on."""
