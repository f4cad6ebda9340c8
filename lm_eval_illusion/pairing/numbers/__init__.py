"""Answers with a number or a date: their distractors are other values of the same number.

spans          the numbers of a text, and how to write other digits in their place
changes        other values for a number, in every language of the answer
date_ranges    upper limits for days, months, centuries, times of day and inches
agreement      plurals and suffixes that must agree with the number
vowel_harmony  the Turkish suffixes among these
distractors    the choice of three values for each question
"""
