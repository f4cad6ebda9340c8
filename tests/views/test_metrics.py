"""The metrics of each view, calculated by hand."""

from __future__ import annotations

import pytest

from lm_eval_illusion import views
from lm_eval_illusion.inference.scoring import ScoredContinuation, TopTokens
from lm_eval_illusion.matching import RULES_VERSION
from lm_eval_illusion.plugin import tasks_folder
from lm_eval_illusion.views import VIEWS
from lm_eval_illusion.views.metrics import has_one_highest, is_strictly_highest

NAN = float("nan")
ITEM = {"choices": ["abcd", "ab", "abc", "a"], "gold": 1, "answer": "ab", "aliases": ["xy"], "lang": "en"}


def scored(*loglikelihoods):
    return [(loglikelihood, False) for loglikelihood in loglikelihoods]


@pytest.mark.parametrize(
    ("scores", "highest"),
    [([-1.0, -2.0], 0), ([-2.0, -1.0, -3.0], 1), ([-1.0, -1.0], None), ([-1.0, NAN], None), ([NAN, -1.0], None), ([], None)],
)
def test_one_score_is_strictly_the_highest_or_none(scores, highest):
    found = [index for index in range(len(scores)) if is_strictly_highest(scores, index)]
    assert found == ([] if highest is None else [highest])
    assert has_one_highest(scores) is (highest is not None)


@pytest.mark.parametrize(
    ("loglikelihoods", "acc", "acc_norm", "invalid"),
    [
        ((-4.0, -1.0, -6.0, -9.0), 1, 1, 0),  # per character: -1, -0.5, -2, -9
        ((-4.0, -3.0, -6.0, -9.0), 1, 0, 0),  # per character: -1, -1.5: gold is highest only in the sum
        ((-4.0, -4.5, -30.0, -9.0), 0, 0, 0),
        ((-4.0, -4.0, -6.0, -9.0), 0, 0, 1),  # a tie at the top; per character: -1 before -2
        ((-4.0, -1.0, -6.0, -6.0), 1, 1, 0),  # a tie below the top is allowed
        ((NAN, NAN, NAN, NAN), 0, 0, 1),
        ((-4.0, -1.0, NAN, -9.0), 0, 0, 1),
        ((float("-inf"),) * 4, 0, 0, 1),
    ],
)
def test_choices(loglikelihoods, acc, acc_norm, invalid):
    metrics = views.score_choices(ITEM, scored(*loglikelihoods))
    assert metrics == {"acc": acc, "acc_norm": acc_norm, "invalid": invalid}


def test_gold_rank_is_that_of_the_gold_choice():
    results = [ScoredContinuation(-1.0 - n, False, rank) for n, rank in enumerate((1, 7, 2, 3))]
    assert views.score_choices(ITEM, results)["gold_rank"] == 7
    # The rank of a token that is tied with the greedy choice.
    results[1] = ScoredContinuation(-1.0, False, 1.5)
    assert views.score_choices(ITEM, results)["gold_rank"] == 1.5
    assert views.median_rank([1.5, 2, 7]) == 2
    results[1] = ScoredContinuation(NAN, False, None)
    assert "gold_rank" not in views.score_choices(ITEM, results)


def test_log_probabilities_of_the_gold_answer():
    results = [ScoredContinuation(-9.0, False, 2, -1.0 - n, -2.0 - n) for n in range(4)]
    metrics = views.score_choices(ITEM, results)
    assert (metrics["gold_first_logprob"], metrics["gold_logprob"]) == (-2.0, -3.0)
    # JSON has no minus infinity; the choice's own score tells as much.
    results[1] = ScoredContinuation(-9.0, False, 2, float("-inf"), float("-inf"))
    assert not {"gold_first_logprob", "gold_logprob"} & views.score_choices(ITEM, results).keys()


def test_next_tokens_are_those_of_the_gold_choice():
    results = [ScoredContinuation(-9.0, False, 2, -1.0, -2.0, TopTokens([n, 5], [-0.5, -1.25])) for n in range(4)]
    assert views.score_choices(ITEM, results)["top_logprobs"] == "[[1,5],[-0.5,-1.25]]"
    results[1] = ScoredContinuation(-9.0, False, 2, -1.0, -2.0, TopTokens([], []))
    assert "top_logprobs" not in views.score_choices(ITEM, results)


def test_answer():
    fields = {"match_version": RULES_VERSION}
    assert views.score_answer(ITEM, [" XY!\n"]) == {"match": 1, "exact_match": 1, "f1": 1, "match_rule": "equal", **fields}
    said = {"match": 1, "exact_match": 0, "f1": pytest.approx(0.5), "match_rule": "words", **fields}
    assert views.score_answer(ITEM, ["it is ab"]) == said
    # "abc" is another word.
    other = {"match": 0, "exact_match": 0, "f1": 0, "match_rule": "not_said", **fields}
    assert views.score_answer(ITEM, ["abc"]) == other


@pytest.mark.parametrize(
    ("answer", "index"),
    [
        ("B", 1),
        (" B", 1),
        ("B.", 1),
        ("D)", 3),
        ("B. ab", 1),
        ("B: ab ", 1),
        # The letter between marks, in full width, after the word with which the prompt ends; its option without the full stop.
        ("(B)", 1),
        ("**C**", 2),
        ("**C.** cd", 2),
        ("[D].", 3),
        ("“A”", 0),
        ("Ｂ", 1),
        ("B - ab.", 1),
        ("Answer: B", 1),
        ("**Answer:** B. ab", 1),
        # An option whose text is another letter, a word that begins with the one for answer, a reason, a refusal.
        ("B. C", None),
        ("(A) (B)", None),
        ("A or B", None),
        ("Answer B", None),
        ("Answers: B", None),
        ("Answer: A because of ab", None),
        ("A city", None),
        ("I can't answer.", None),
        ("(b)", None),
        # Letters of other alphabets: a Cyrillic В is the third of its own, and looks like the second.
        ("\u0412", None),
        ("ب", None),
        ("Answer:", None),
        ("()", None),
        # Another option's text, two letters, a sentence, a small letter, another letter, an option without its letter, nothing.
        ("B. cd", None),
        ("A, B", None),
        ("AB", None),
        ("A B", None),
        ("The answer is B", None),
        ("b", None),
        ("E", None),
        ("ab", None),
        ("", None),
    ],
)
def test_a_generated_letter_is_the_whole_answer(answer, index):
    for gold in range(4):
        item = {"choices": ["xy", "ab", "cd", "ef"], "gold": gold, "lang": "en"}
        scored = views.score_generated_letter(item, [answer])
        assert scored == {"recognised_by_letter": index == gold, "invalid": index is None}


@pytest.mark.parametrize(
    ("lang", "answer"), [("zh", "答案：B"), ("ar", "الجواب: B"), ("hi", "उत्तर: B."), ("fr", "Réponse : B")]
)
def test_the_word_for_answer_before_a_letter_is_that_of_the_language(lang, answer):
    item = {"choices": ["xy", "ab", "cd", "ef"], "gold": 1, "lang": lang}
    assert views.score_generated_letter(item, [answer]) == {"recognised_by_letter": 1, "invalid": 0}
    assert views.score_generated_letter({**item, "lang": "de"}, [answer])["invalid"] == 1


def test_beams_and_samples():
    fields = {"match_version": RULES_VERSION}
    assert views.score_beams(ITEM, [["no", "ab", "no"]]) == {"match_any": 1, "match_top1": 0, "distinct": 2, **fields}
    assert views.score_answers_any(ITEM, [["no", "ab", "xy", "no"]]) == {"match_any": 1, "match_mean": 0.5, **fields}


def test_one_warning_for_a_backend_with_a_single_beam(caplog):
    assert views.mean_distinct([1.0, 1.0]) == 1
    assert caplog.text.count("its best beam only") == 1
    caplog.clear()
    assert views.mean_distinct([1.0, 3.0]) == 2
    assert not caplog.text


def test_the_yamls_have_the_decoding_settings_of_the_views():
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(tasks_folder()), include_defaults=False)
    for view in VIEWS:
        if view.decoding is not None:
            name = f"mqa_illusion_en_{view.name}"
            assert manager.load([name])["tasks"][name].config.generation_kwargs == view.decoding.generation_kwargs()
