"""Sweeps: a resumable grid of lm_eval runs over base models, pruning methods, sparsities, calibration languages and seeds.

`study` reads the description of the grid (`packaged_studies`: those of this package), `grid` expands it into cells, `contents` adds the
hashes of what they read, `cell_run` runs one cell and records it, `command` runs all missing cells and writes the report, `worker` runs
cells in a local process, `ray_backend` (with `ray_resources`) on a Ray cluster, `progress` shows the state. For the plan of --dry-run,
`needs` states downloads, space and GPU hours, from `model_size` and `workload`. `families` knows the family of a task.
"""
