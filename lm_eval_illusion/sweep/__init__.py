"""Sweeps: a grid of models, methods, sparsities, calibration languages and seeds, evaluated cell by cell and resumed where it stopped."""
