"""Position matrices, metrics, baselines and the scorecard: pure numpy, no I/O."""
