"""Training, export to ONNX, serving, and the registry of model runs."""
