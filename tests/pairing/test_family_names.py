"""Which family names `pair` takes: none that lm_eval or a family of ours has, whatever the letter case."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_illusion.errors import UserError
from lm_eval_illusion.escaping import for_terminal
from lm_eval_illusion.languages import language_codes
from lm_eval_illusion.pairing import family_names
from lm_eval_illusion.pairing.family_names import check_name, check_task_names
from lm_eval_illusion.views.yaml_text import yaml_text

OWN = {"mmlu": "mmlu", "mgsm_en_cot": "mgsm_en_cot", "xquad_en": "xquad_en", "quiz_core": "quiz_core", "a_fi_mc": "A_fi_mc"}


@pytest.fixture
def few_names(monkeypatch):
    monkeypatch.setattr(family_names, "names_of_lm_eval", lambda: OWN)


@pytest.mark.usefixtures("few_names")
@pytest.mark.parametrize("name", ["null", "no", "off", "y", "true", "NaN", "e5", "x1e5", "a__b", "a_", "A", "list", "x" * 100])
def test_a_name_may_be_a_word_of_yaml_or_python(name):
    check_name(name)
    check_task_names(name, ["en", "no"])


@pytest.mark.usefixtures("few_names")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mmlu", "name 'mmlu' is 'mmlu' of lm_eval's own tasks: give another one, such as my_mmlu"),
        ("MMLU", "name 'MMLU' is 'mmlu' of lm_eval's own tasks"),
        ("quiz", "name 'quiz' would give 'quiz_core', which is 'quiz_core' of lm_eval's own tasks"),
        ("MQA_illusion_x", "begins with mqa_illusion"),
        ("_", "can't be part of task names"),
        ("_x", "can't be part of task names"),
        ("1e5", "can't be part of task names"),
        ("a,b", "can't be part of task names"),
        ("a*", "can't be part of task names"),
        ("~", "can't be part of task names"),
        ("ａ", "can't be part of task names"),
        ("", "can't be part of task names"),
        ("x" * 101, "longer than 100"),
    ],
)
def test_a_name_that_is_taken_or_no_name_is_refused(name, message):
    with pytest.raises(UserError) as error:
        check_name(name)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("few_names")
@pytest.mark.parametrize(
    ("name", "languages", "message"),
    [
        ("xquad", ["de", "en"], "name 'xquad' would give 'xquad_en', which is 'xquad_en' of lm_eval's own tasks"),
        ("a", ["fi"], "name 'a' would give 'a_fi_mc', which is 'A_fi_mc' of lm_eval's own tasks"),
        ("ours", ["gen"], "language 'gen' has the name of a view, a group or a folder"),
        ("ours", ["en", "core"], "language 'core' has the name of a view, a group or a folder"),
        ("ours", ["items"], "language 'items' has the name of a view, a group or a folder"),
    ],
)
def test_names_that_languages_would_give_are_refused_too(name, languages, message):
    check_name(name)
    with pytest.raises(UserError) as error:
        check_task_names(name, languages)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["hellaswag", "MMLU", "gsm8k", "ai2_arc", "belebele", "paloma", "xquad", "arc", "mgsm"])
def test_names_of_the_installed_lm_eval_are_refused(name):
    with pytest.raises(UserError, match="of lm_eval's own tasks"):
        check_name(name)


def test_names_beside_those_of_the_installed_lm_eval_are_taken():
    for name in ("my_mmlu", "my_xquad", "capitals", "null", "trivia"):
        check_name(name)
        check_task_names(name, ["en", "de"])


def test_no_language_has_the_name_of_a_view_a_group_or_a_folder():
    check_task_names("my_quiz", language_codes())


@given(st.text(max_size=12) | st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,6}", fullmatch=True))
def test_any_text_is_a_name_that_yaml_gives_back_or_refused_in_one_line(name):
    refusal = ""
    try:
        check_name(name)
    except UserError as error:
        refusal = str(error)
    assert refusal == for_terminal(refusal)
    assert refusal or (name.isascii() and name.isidentifier())
    assert refusal or yaml.safe_load(f"{{group: {yaml_text(name)}}}") == {"group": name}
