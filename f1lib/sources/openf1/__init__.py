"""OpenF1: an independent way to live timing since 2023."""
