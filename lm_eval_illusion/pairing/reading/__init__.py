"""Files and data sets of questions -> checked questions.

question_file     the reader: a source, all its rows, what was dropped or changed
formats, tables, table_cells, json_documents, folders, hub  a source -> its rows
rows, literals    a row as a source gives it; lists and objects that stand in a text
column_mapping    `--map FIELD=COLUMN`
fields            the fields of a row under the names that data sets give them
missing_fields    what to do about a field that a row lacks
row_languages, language_columns, nested_languages  a field in several languages, a column or an object for each
language_codes    codes and names of languages as data sets write them
row_parser        a row -> its questions
given_answers, answers, choices, choice_positions  the answer, its aliases and the options of a row, in all their shapes
marked_options, index_base, option_labels  options marked as right, positions from 0 or 1, labels of options that were not found
cleaning          invisible characters, HTML entities, white space
questions         the `Question` record, and the checks of one and of all together
bad_rows          when rows that can't be used are an error
notices           what reading changed, one line for each kind
"""
