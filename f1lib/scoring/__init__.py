"""Position matrices, metrics, baselines and the scorecard; no I/O."""
