"""Training, export to ONNX, serving, and the registry of model runs."""

# Races with an outcome that a model is trained on at least.
FEWEST_RACES = 8
# Races in the wet that a model learns rain from at least: with eight the standard error of the width's logarithm is .4,
# of an effect of .6 (docs/models.md).
FEWEST_WET_RACES = 8
