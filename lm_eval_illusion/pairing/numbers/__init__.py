"""Answers with a number or a date: their distractors are other values of the same number.

asked_number   whether a question asks for a number or a time
number_form    numbers and dates, told from names and phrases that contain a number
spans          the numbers of a text, and how to write other digits in their place
number_words   numbers in words, and other numbers in the same form
roman_centuries  centuries in Roman numerals
changes        other values for a number, in every language of the answer
date_ranges    upper limits for days, months, centuries, times of day and inches
agreement      plurals and suffixes that must agree with the number
vowel_harmony  the Turkish suffixes among these
number_cues    what could reveal the true value among four without the question
draws          draws of three values, and how often each cue finds the true one
soft_uses      how often the file has a value, as a cue that changes with every use
use_balance    changes of drawn values until how often the file has a value tells nothing
distractors    the choice of three values for each question
"""
