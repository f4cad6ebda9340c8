"""The languages of the task families: one line a language, the only place to add one."""

from __future__ import annotations

from typing import NamedTuple


class Language(NamedTuple):
    """The words around a question and its answer in one language.

    `delimiter` stands between the answer word and the answer. It is empty where the colon is full-width: a space before a
    Chinese answer would make the tokenizer see another word.
    """

    question: str
    answer: str
    context: str
    colon: str = ":"
    delimiter: str = " "


LANGUAGES: dict[str, Language] = {
    "ar": Language("السؤال", "الجواب", "السياق"),
    "bn": Language("প্রশ্ন", "উত্তর", "প্রসঙ্গ"),
    "de": Language("Frage", "Antwort", "Kontext"),
    "el": Language("Ερώτηση", "Απάντηση", "Πλαίσιο"),
    "en": Language("Question", "Answer", "Context"),
    "es": Language("Pregunta", "Respuesta", "Contexto"),
    "fi": Language("Kysymys", "Vastaus", "Konteksti"),
    "hi": Language("प्रश्न", "उत्तर", "संदर्भ"),
    "id": Language("Pertanyaan", "Jawaban", "Konteks"),
    "ko": Language("질문", "답변", "문맥"),
    "ro": Language("Întrebare", "Răspuns", "Context"),
    "ru": Language("Вопрос", "Ответ", "Контекст"),
    "sw": Language("Swali", "Jibu", "Muktadha"),
    "te": Language("ప్రశ్న", "సమాధానం", "సందర్భం"),
    "th": Language("คำถาม", "คำตอบ", "บริบท"),
    "tr": Language("Soru", "Cevap", "Bağlam"),
    "vi": Language("Câu hỏi", "Trả lời", "Ngữ cảnh"),
    "zh": Language("问题", "答案", "背景", colon="：", delimiter=""),
}
