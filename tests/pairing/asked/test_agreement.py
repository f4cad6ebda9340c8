import pytest

from lm_eval_illusion.pairing.asked.agreement import Agreed, agreed_kind
from lm_eval_illusion.pairing.asked.kinds import AskedKinds
from lm_eval_illusion.pairing.parallel_questions import group_by_id
from lm_eval_illusion.pairing.reading.questions import Question


def questions(**by_id):
    """Parallel questions, id -> language -> (question, answer)."""
    return group_by_id(
        Question(name, lang, question, "", answer)
        for name, by_lang in by_id.items()
        for lang, (question, answer) in by_lang.items()
    )


CEO = {
    "en": ("What Goldman Sachs CEO studied in Chicago?", "Jon Corzine"),
    "de": ("Welcher Politiker studierte in Chicago?", "Jon Corzine"),
    "es": ("¿Qué político estudió en Chicago?", "Jon Corzine"),
    "ru": ("Кто учился в Чикаго?", "Джон Корзин"),
}
PARTY = {
    "en": ("What is strongest in Melbourne?", "Liberal Party"),
    "de": ("Was ist am stärksten in Melbourne?", "Liberale Partei"),
    "es": ("¿Qué es más fuerte en Melbourne?", "Partido Liberal"),
    "ru": ("Что сильнее всего в Мельбурне?", "Либеральная партия"),
}
MINISTER = {
    "en": ("What was he to become?", "Prime Minister"),
    "de": ("Was sollte er werden?", "Premierminister"),
    "es": ("¿Qué iba a ser?", "primer ministro"),
    "ru": ("Чем он должен был стать?", "премьер-министр"),
    "fr": ("Que devait-il devenir ?", "Premier ministre"),
}
# "Scientists" describes the scale. The answer is no name, so no person is asked for.
SCALE = {
    "en": ("On what scale would scientists work?", "global"),
    "de": ("Welche Wissenschaftler arbeiten in welchem Umfang?", "weltweit"),
    "es": ("¿Qué científicos trabajan y en qué medida?", "mundial"),
}
CONFLICT = {
    "en": ("Which city was it?", "Lisboa"),
    "de": ("Welche Stadt war es?", "Lisboa"),
    "es": ("¿Qué pintor fue?", "Lisboa"),
    "fr": ("Quel peintre était-ce ?", "Lisboa"),
}


@pytest.mark.parametrize(
    ("by_lang", "agreed"),
    [
        (CEO, Agreed("politician", True)),  # Two politicians and a "who": three votes for a person, most of them for the kind.
        (PARTY, Agreed("party", True)),  # Four nouns in answers, half a vote each.
        (MINISTER, Agreed("title", True)),  # The answer is an office, whatever noun it has.
        (SCALE, None),
        (CONFLICT, None),
        ({"en": ("Which city was it?", "Lisboa")}, None),  # One language has nothing to agree with.
    ],
)
def test_agreed_kind(by_lang, agreed):
    (question,) = questions(q=by_lang)
    assert agreed_kind(question) == agreed


def test_languages_without_the_noun_ask_for_the_agreed_kind():
    """ "What Goldman Sachs CEO" alone is no "who"; with three other languages it is, in English too."""
    who = {
        lang: (question, "Anna Ivanova")
        for lang, question in [("en", "Who sang?"), ("de", "Wer sang?"), ("es", "¿Quién cantó?"), ("ru", "Кто пел?")]
    }
    assert english_product(CEO, who) > 0.4 > english_product({"en": CEO["en"]}, {"en": who["en"]})


def english_product(first, second):
    features = AskedKinds(questions(a=first, b=second)).features("en").toarray()
    return features[0] @ features[1]


def test_a_finer_kind_of_the_agreed_class_stays():
    """ "Which painter" and "who" agree on a person, and the painter stays one."""
    both = {
        "en": ("Which painter was it?", "Lucas Cranach"),
        "de": ("Wer war es?", "Lucas Cranach"),
        "es": ("¿Quién fue?", "Lucas Cranach"),
    }
    painter = {"en": ("Which painter died?", "Anna Ivanova")}
    writer = {"en": ("Which writer died?", "Anna Ivanova")}
    assert english_product(both, painter) > english_product(both, writer)


def test_related_kinds_come_between_the_same_kind_and_others():
    """Where a file has one party, a company is nearer than a river; another party is nearer still."""
    asked = questions(
        party={"en": ("Which party won?", "Liberals")},
        same={"en": ("Which party lost?", "Greens")},
        company={"en": ("Which company fell?", "Lexus")},
        river={"en": ("Which river rose?", "Danube")},
    )
    same, related, other = AskedKinds(asked).similarity(asked[0], asked[1:])
    assert same > related + 0.2
    assert related > other + 0.2
