"""Evaluation of models and predictions: backtest, promotion gate, scores of issued predictions, drift, sweeps."""
