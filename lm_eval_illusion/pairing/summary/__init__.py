"""The text of pairing.txt, and its short form for the terminal.

text            the whole text: counts, what was dropped and why, held-out examples
option_quality  how good the options are: of the asked kind, alike in length, in the passage
surface_rules   what rules of surface would score that see the options only
option_text     these figures as tables, and example items
text_layout     paragraphs, tables and lines of at most 100 columns
"""
