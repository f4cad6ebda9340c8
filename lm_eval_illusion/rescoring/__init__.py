"""`lm-eval-illusion rescore`: apply the matching rules of today to stored outputs, without a model.

`rows` judges one line of a samples file, `aggregates` recomputes the means of a results file, `run_files` writes a run, `command` is the
subcommand.
"""
