"""How a model is loaded: quantised checkpoints, model arguments that add an adapter or quantise, headers of GGUF files. No torch."""
