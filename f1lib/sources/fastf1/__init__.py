"""FastF1: live timing, its mirror, and Jolpica's official results."""
