"""How a model is loaded: quantised checkpoints, and model arguments that add an adapter or quantise. No torch, no files."""
