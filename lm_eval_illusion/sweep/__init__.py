"""Sweeps: a resumable grid of lm_eval runs over base models, pruning methods, sparsities, calibration languages and seeds.

`study` reads the description of the grid, `grid` expands it into cells, `cell_run` runs one cell and records it, `command` runs all
missing cells and writes the report, `ray_backend` (with `ray_resources`) runs cells on a Ray cluster, `progress` shows the state.
"""
