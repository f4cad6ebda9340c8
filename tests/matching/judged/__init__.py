"""Outputs judged by hand, one file per language. Columns: the answer and its aliases (separated by `|`), the output, the verdict."""
