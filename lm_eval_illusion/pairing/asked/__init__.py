"""What a question asks for: a person, a place, a fruit.

question_words   the words of a question, with their place and case
interrogatives   the words that ask (who, how many, which), and the class of answer that they ask for
answer_traits    what an answer looks like by itself: a country, two capitalised words, "University of"
word_weights     how much a word tells about what is asked for
agreement        the kind on which the languages of a question agree
kinds            questions as weighted features, and how alike two questions ask
"""
