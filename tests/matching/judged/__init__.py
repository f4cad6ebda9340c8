"""Outputs judged by hand, a file a language: the answer (and its aliases, after `|`), the output, and whether it says the answer."""
