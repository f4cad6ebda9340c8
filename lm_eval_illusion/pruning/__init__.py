"""Pruning and quantisation: a recipe and calibration text turn a base model into a checkpoint in the store.

Start reading in `prune`, which calls the other modules in this order: `settings` (the arguments), `recipes` (templates in pruners/;
`recipe_process` reads those of other people), `calibration` (text samples; `hub_text` draws those of the hub), `hf_checkpoint` (load and
save), `owl` (sparsity of each block), `compressor` (llmcompressor), `sparsity` and `quantization` (measurement and checks),
`checkpoint_store` with `manifest` and `job_folder`. `export` writes a model card.
No module here imports torch or transformers before a model is loaded; `modifiers` is imported only then. This file imports nothing,
because `recipe_process` starts a Python process for a single module of the package.
"""
