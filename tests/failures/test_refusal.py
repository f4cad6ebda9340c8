"""Refusals in every language with embedded items, and answers that are none."""

from __future__ import annotations

import pytest

from lm_eval_illusion.failures.refusal import is_refusal
from lm_eval_illusion.languages import language, language_codes

REFUSALS = [
    ("en", "I'm sorry, but I don't know which city that is."),
    ("en", "I’m sorry."),
    ("de", "Das weiß ich nicht."),
    ("de", "Es tut mir leid, das kann ich nicht beantworten."),
    ("es", "Lo siento, no puedo responder a esa pregunta."),
    ("fi", "En tiedä, missä maassa se sijaitsee."),
    ("id", "Maaf, saya tidak tahu jawabannya."),
    ("ro", "Îmi pare rău, nu știu."),
    ("sw", "Samahani, sijui jibu."),
    ("tr", "Üzgünüm, bilmiyorum."),
    ("vi", "Xin lỗi, tôi không biết."),
    ("ru", "К сожалению, я не знаю ответа."),
    ("el", "Λυπάμαι, δεν γνωρίζω την απάντηση."),
    ("ar", "عذراً، لا أعرف الإجابة."),
    ("hi", "मुझे खेद है, मुझे नहीं पता।"),
    ("bn", "দুঃখিত, আমি জানি না।"),
    ("te", "క్షమించండి, నాకు తెలియదు."),
    ("th", "ขออภัย ฉันไม่ทราบคำตอบ"),
    ("zh", "抱歉，我不知道。"),
    ("ko", "죄송합니다, 잘 모르겠습니다."),
    # What models say of a missing passage or fact, and the same as the whole line.
    ("en", "I have no idea."),
    ("en", "I am unable to answer."),
    ("en", "The answer is not provided."),
    ("en", "It is not mentioned in the text."),
    ("en", "The passage does not say."),
    ("en", "I do not have access to real-time information"),
    ("en", "Not available."),
    ("en", "N/A"),
    ("en", "**Unknown**"),
    ("en", "The context does not mention a city."),
    ("en", "I'm not aware of any such city."),
    ("en", "It is unclear."),
    ("de", "Das ist mir nicht bekannt."),
    ("de", "Keine Ahnung!"),
    ("de", "Ich habe keine Ahnung."),
    ("de", "Das wird im Text nicht erwähnt."),
    ("es", "No tengo ni idea."),
    ("es", "No se menciona en el texto."),
    ("fi", "Minulla ei ole aavistustakaan."),
    ("fi", "Tekstissä ei mainita sitä."),
    ("id", "Hal itu tidak disebutkan dalam teks."),
    ("ro", "Habar nu am."),
    ("sw", "Haipatikani."),
    ("tr", "Hiçbir fikrim yok."),
    ("vi", "Điều này không được đề cập trong đoạn văn."),
    ("ru", "Понятия не имею."),
    ("ru", "В тексте не указано."),
    ("ru", "Неизвестно."),
    ("el", "Δεν έχω ιδέα."),
    ("ar", "ليس لدي أي فكرة."),
    ("hi", "मुझे कोई अंदाज़ा नहीं है।"),
    ("bn", "আমার কোনো ধারণা নেই।"),
    ("te", "అందుబాటులో లేదు"),
    ("th", "ไม่ได้ระบุในข้อความ"),
    ("zh", "文中没有提到。"),
    ("zh", "未知"),
    ("ko", "본문에 언급되지 않았습니다."),
    ("ko", "모름"),
    # Languages without embedded items.
    ("fr", "Je n’en ai aucune idée."),
    ("fr", "Désolé."),
    ("ja", "申し訳ありませんが、わかりません。"),
    ("ja", "不明"),
    ("it", "Mi dispiace, non lo so."),
    ("pt", "Não faço ideia."),
    ("nl", "Geen idee."),
    # In English, whatever the item's language.
    ("ko", "N/A"),
    ("ru", "I don't know."),
    ("zh", "I'm sorry, I cannot answer this."),
]


@pytest.mark.parametrize(("lang", "line"), REFUSALS)
def test_a_refusal(lang, line):
    assert is_refusal(line, lang)


@pytest.mark.parametrize(
    ("lang", "line"),
    [
        ("en", "Sorrento"),
        ("en", "The answer is Lyon."),
        # The phrases of a whole line within another one, and names like them.
        ("en", "The film is not available on DVD in Norway"),
        ("en", "He had no idea of the war"),
        ("en", "The witness was unable to answer"),
        ("en", "The Tomb of the Unknown Soldier"),
        ("en", "The price is not provided by the state"),
        ("en", "The passage says Lima"),
        ("en", "The cause is unclear, perhaps a fire"),
        ("en", "Na"),
        ("en", "N"),
        ("de", "Sie hatte keine Ahnung von Musik"),
        ("fr", "Le soldat inconnu"),
        ("fr", "Na"),
        ("ru", "Неизвестно где, в Сибири"),
        ("zh", "未知生，焉知死"),
        ("ja", "不明門"),
        ("de", "Weißrussland"),
        ("es", "Nosé"),
        ("ru", "Знаменка"),
        ("ar", "العراق"),
        ("hi", "पटना"),
        ("zh", "道里"),
        ("ko", "서울"),
        ("sw", "Sijuiland"),
    ],
)
def test_no_refusal(lang, line):
    assert not is_refusal(line, lang)


def test_each_language_with_embedded_items_has_phrases():
    tested = {lang for lang, _ in REFUSALS}
    assert {code for code in language_codes() if language(code).failures.refusals} == tested
    assert {code for code in language_codes() if language(code).failures.refusals_alone} == tested
