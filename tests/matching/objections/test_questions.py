"""A mention in a question, or in a clause of not knowing, does not count."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching import explain


@pytest.mark.parametrize(
    ("lang", "answer", "output"),
    [
        ("en", "Oslo", "Is it Oslo?"),
        ("en", "Kyoto", "Kyoto? I honestly have no idea."),
        ("en", "Oslo", "Oslo? No, Bergen."),
        # the question mark of the language
        ("el", "Πλάτωνας", "Μήπως είναι ο Πλάτωνας;"),
        ("ar", "المريخ", "هل هو المريخ؟"),
        ("zh", "袋鼠", "请问是袋鼠吗？"),
        # a particle makes a question also without a mark
        ("zh", "北京", "是北京吗"),
        ("ja", "ペンギン", "ペンギンですか。"),
        ("th", "ลำปาง", "ใช่ลำปางหรือเปล่า"),
    ],
)
def test_asked(lang, answer, output):
    assert explain(output, [answer], lang)[:3] == (False, answer, "question")


def test_a_question_that_is_answered_with_yes_affirms():
    assert explain("Oslo? Yes.", ["Oslo"], "en").matched
    assert explain("是鲁迅写的吗？是的。", ["鲁迅"], "zh").matched
    assert explain("วาฬใช่ไหมครับ ใช่ครับ", ["วาฬ"], "th").matched
    # 是 begins a sentence of its own: it is Norway.
    assert not explain("冰岛吗？是挪威。", ["冰岛"], "zh").matched


def test_a_space_ends_a_question_where_it_ends_sentences():
    assert explain("ระยองเหรอ ไม่ใช่ครับ จันทบุรีต่างหาก", ["ระยอง"], "th")[:3] == (False, "ระยอง", "question")


@pytest.mark.parametrize(
    ("lang", "answer", "output"),
    [
        ("en", "Oslo", "I cannot tell if Oslo is right."),
        ("en", "Oslo", "I don't think it's Oslo."),
        # the comma before the clause does not end the doubt
        ("de", "Graz", "Ich kann nicht sagen, ob Graz stimmt."),
        ("ru", "Прага", "Не могу сказать, верен ли ответ «Прага»."),
        ("fi", "Turku", "En osaa sanoa, onko Turku oikea vastaus."),
        # behind the mention, where the language has the verb last
        ("hi", "इंदौर", "मैं नहीं कह सकता कि इंदौर सही है या नहीं।"),
        ("tr", "Sofya", "Cevabın Sofya olup olmadığını söyleyemem."),
        ("ko", "서울", "서울인지 부산인지 모르겠습니다."),
        ("ja", "ヘルシンキ", "ヘルシンキが正しいかどうか、私には分かりません。"),
        ("zh", "奥斯陆", "我无法确定奥斯陆是不是正确答案。"),
        # a list from which the speaker cannot choose
        ("en", "Peru", "Possible candidates are Bolivia, Peru and Ecuador, but I can't narrow it down."),
    ],
)
def test_unknown(lang, answer, output):
    match = explain(output, [answer], lang)
    # A particle of the answer may hide the mention in Korean; it must not count in any case.
    assert not match.matched
    assert match.rule in ("unknown", "not_said")


@pytest.mark.parametrize(
    ("lang", "answer", "output"),
    [
        # the question is answered
        ("en", "Lisbon", "The capital of Portugal? That's Lisbon."),
        ("en", "Mars", "Is it Mars? Yes, it is Mars."),
        ("zh", "居里夫人", "谁发现了镭？是居里夫人。"),
        # a negated doubt
        ("en", "Oslo", "There is no doubt it is Oslo."),
        # a doubt, and then the answer
        ("en", "Oslo", "I'm not certain, but I believe it is Oslo."),
        ("de", "Graz", "Ich bin mir nicht sicher, aber ich denke, es ist Graz."),
        ("tr", "Ankara", "Emin değilim ama sanırım Ankara."),
        ("ja", "東京", "確信はありませんが、東京だと思います。"),
        # a doubt about something else, in the next sentence
        ("en", "Oslo", "It is Oslo. I am not sure about the year."),
        # a short question behind a statement asks for nothing
        ("en", "Oslo", "It's Oslo, isn't it?"),
        ("es", "Lima", "Es Lima, ¿no?"),
        ("fr", "Lyon", "C'est Lyon, n'est-ce pas ?"),
        ("tr", "Ankara", "Ankara, değil mi?"),
        # the answer itself is a question
        ("en", "Who's Afraid of Virginia Woolf?", "The play is Who's Afraid of Virginia Woolf?"),
    ],
)
def test_answered(lang, answer, output):
    assert explain(output, [answer], lang).matched


def test_a_guess_with_a_question_mark_is_an_answer():
    # As "Oslo?" is; a question with a verb or another part still asks.
    assert explain("Perhaps Oslo?", ["Oslo"], "en").matched
    assert explain("Vielleicht Oslo?", ["Oslo"], "de").matched
    assert not explain("Is it perhaps Oslo?", ["Oslo"], "en").matched
