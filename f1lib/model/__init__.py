"""Training, export to ONNX, serving, and the registry of model runs."""

# Races with an outcome that a model is trained on at least.
FEWEST_RACES = 8
