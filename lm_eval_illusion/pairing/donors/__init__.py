"""Answers of other questions as wrong options.

answer_table     the answers of a language as numbered texts
text_index       which of many texts occur in a text
candidates       the donors that are worth rating, found by what questions share
pair_costs       the cost of a donor for a question
rules            which answers may be options of a question and beside each other
candidate_lists  the best donors of each question
assignment       three donors for each question, each answer about equally often
use_cues         how often the file uses an answer, as a cue
cue_balance      changes until no surface cue reveals the answer
"""
