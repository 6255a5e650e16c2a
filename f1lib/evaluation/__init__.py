"""Whether it is any good: backtest, gate, scores of issued predictions, drift, sweeps."""
