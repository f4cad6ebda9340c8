"""Questions with right answers -> items with four options -> a task folder for lm_eval.

The steps of `pair`, in order, and their modules:

1. reading/: read the questions of a file or a data set of the hub, clean and check them; parallel_questions: group them by id over
   their languages.
2. screening/: no yes/no questions, none whose answer can be copied from the question, and what a question offers beside its answer.
   one_shot: hold out the one-shot examples.
3. distractors: three wrong options for each question. Numbers and dates are changed (numbers/); other answers become options of
   questions that ask for the same kind of thing (donors/, asked/), as option_rules allow, until surface_cues reveal nothing.
4. selection: the questions that become items. gold_positions: the position of the answer among the options.
5. build: the steps together. task_folder: the folder that `lm-eval-illusion pair` writes, under names that family_names allows, with
   the prompt words of own_words.
6. summary/: the text of pairing.txt, with figures on the quality of the options.

hub_datasets makes the items of the families with real QA data (XQuAD, TyDi QA) in the same way.
"""

from lm_eval_illusion.pairing.build import Paired, pair

__all__ = ["Paired", "pair"]
