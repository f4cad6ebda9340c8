"""Which questions can become items, by question and answer alone.

yes_no              questions that are answered by yes or no, true or false
answer_in_question  questions that state their answer
alternatives        what a question offers beside its answer: "Mozart or Beethoven?"
screen              the tests together, for questions in several languages
"""
