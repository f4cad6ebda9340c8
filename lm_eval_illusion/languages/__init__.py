"""The languages that prompts can be asked in: one line a language, the only place to add one."""

from __future__ import annotations

from typing import NamedTuple

from lm_eval_illusion.errors import UserError


class Language(NamedTuple):
    """The words around a question and its answer in one language.

    `delimiter` stands between the answer word and the answer. It is empty where the colon is full-width: a space before a
    Chinese answer would make the tokenizer see another word.
    """

    question: str
    answer: str
    context: str
    options: str
    colon: str = ":"
    delimiter: str = " "


LANGUAGES: dict[str, Language] = {
    "ar": Language("السؤال", "الجواب", "السياق", "الخيارات"),
    "bn": Language("প্রশ্ন", "উত্তর", "প্রসঙ্গ", "বিকল্প"),
    "cs": Language("Otázka", "Odpověď", "Kontext", "Možnosti"),
    "da": Language("Spørgsmål", "Svar", "Kontekst", "Valgmuligheder"),
    "de": Language("Frage", "Antwort", "Kontext", "Optionen"),
    "el": Language("Ερώτηση", "Απάντηση", "Πλαίσιο", "Επιλογές"),
    "en": Language("Question", "Answer", "Context", "Options"),
    "es": Language("Pregunta", "Respuesta", "Contexto", "Opciones"),
    "fa": Language("پرسش", "پاسخ", "متن", "گزینه‌ها"),
    "fi": Language("Kysymys", "Vastaus", "Konteksti", "Vaihtoehdot"),
    "fr": Language("Question", "Réponse", "Contexte", "Options", colon=" :"),
    "he": Language("שאלה", "תשובה", "הקשר", "אפשרויות"),
    "hi": Language("प्रश्न", "उत्तर", "संदर्भ", "विकल्प"),
    "hu": Language("Kérdés", "Válasz", "Szöveg", "Válaszlehetőségek"),
    "id": Language("Pertanyaan", "Jawaban", "Konteks", "Pilihan"),
    "it": Language("Domanda", "Risposta", "Contesto", "Opzioni"),
    "ja": Language("質問", "回答", "文脈", "選択肢", colon="：", delimiter=""),
    "ko": Language("질문", "답변", "문맥", "선택지"),
    "ms": Language("Soalan", "Jawapan", "Konteks", "Pilihan"),
    "nl": Language("Vraag", "Antwoord", "Context", "Opties"),
    "no": Language("Spørsmål", "Svar", "Kontekst", "Alternativer"),
    "pl": Language("Pytanie", "Odpowiedź", "Kontekst", "Opcje"),
    "pt": Language("Pergunta", "Resposta", "Contexto", "Opções"),
    "ro": Language("Întrebare", "Răspuns", "Context", "Opțiuni"),
    "ru": Language("Вопрос", "Ответ", "Контекст", "Варианты"),
    "sv": Language("Fråga", "Svar", "Kontext", "Alternativ"),
    "sw": Language("Swali", "Jibu", "Muktadha", "Chaguzi"),
    "te": Language("ప్రశ్న", "సమాధానం", "సందర్భం", "ఎంపికలు"),
    "th": Language("คำถาม", "คำตอบ", "บริบท", "ตัวเลือก"),
    "tr": Language("Soru", "Cevap", "Bağlam", "Seçenekler"),
    "uk": Language("Питання", "Відповідь", "Контекст", "Варіанти"),
    "ur": Language("سوال", "جواب", "سیاق", "اختیارات"),
    "vi": Language("Câu hỏi", "Trả lời", "Ngữ cảnh", "Lựa chọn"),
    "zh": Language("问题", "答案", "背景", "选项", colon="：", delimiter=""),
}


def words_of(lang: str) -> Language:
    """The words of a language.

    Raises:
        UserError: the language is not listed.
    """
    if lang not in LANGUAGES:
        raise UserError(
            f"language {lang!r} has no prompt words: use one of {' '.join(LANGUAGES)}, or add a line to languages.py"
        )
    return LANGUAGES[lang]
