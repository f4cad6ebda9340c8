"""A denied mention does not count; beside a negation of something else it does."""

from __future__ import annotations

import pytest

from lm_eval_illusion.matching import explain


@pytest.mark.parametrize(
    ("lang", "answer", "output"),
    [
        # a clause that is nothing but "is wrong" speaks of the clause before it
        ("de", "Gera", "Dass es Gera ist, stimmt nicht."),
        ("fr", "Pau", "Je ne dirais pas que c'est Pau."),
        ("it", "Bari", "Bari no, Lecce sì."),
        ("nl", "Delft", "Dat kan Delft niet zijn."),
        # before the mention: the negator, or a word that contains it
        ("en", "Oslo", "It isn’t Oslo."),
        ("en", "Oslo", "It has never been in Oslo."),
        ("de", "Graz", "Es ist nicht Graz."),
        ("fr", "Lyon", "Ce n'est plus Lyon."),
        ("ru", "Омск", "Нет, это не Омск."),
        ("fi", "Turku", "Se ei ole Turku."),
        ("ar", "القاهرة", "العاصمة ليست القاهرة."),
        ("zh", "大阪", "答案并不是大阪。"),
        ("th", "เชียงใหม่", "ไม่ใช่เชียงใหม่"),
        ("vi", "Huế", "Đáp án là Vinh chứ không phải Huế."),
        ("sw", "Arusha", "Ni Dodoma wala si Arusha."),
        # after the mention
        ("en", "Oslo", "Oslo was never the capital of Sweden."),
        ("de", "Bonn", "Bonn ist es schon lange nicht mehr."),
        ("hi", "दिल्ली", "यह दिल्ली नहीं है।"),
        ("bn", "ঢাকা", "রাজধানী ঢাকা নয়।"),
        ("te", "వేమన", "ఈ పద్యం రాసింది వేమన కాదు."),
        ("tr", "Fırat", "Dicle, Fırat değil."),
        ("tr", "Orhan Pamuk", "Bu romanı Orhan Pamuk yazmadı."),
        ("ko", "부산", "부산이 아닙니다."),
        ("ja", "大阪", "大阪ではない。"),
        ("fa", "شیراز", "پایتخت صفویان شیراز نبود."),
        # all but the mention, or something in its place
        ("en", "cardamom", "It is made without cardamom."),
        ("de", "Saarland", "Alle Länder außer dem Saarland."),
        ("it", "aceto", "Al posto dell'aceto si usa il limone."),
        ("pl", "Bolesław Prus", "Autorem jest ktoś inny niż Bolesław Prus."),
        ("ja", "亜鉛", "亜鉛以外の金属です。"),
        # called wrong in the same clause, or in the next one
        ("en", "Ghent", "People often say Ghent, but that's a mistake: it was Bruges."),
        ("en", "Oslo", "Oslo would be the wrong answer."),
        ("nl", "Delft", "Vaak wordt Delft genoemd, maar dat klopt niet."),
        ("id", "Kapuas", "Banyak yang mengira Kapuas, padahal itu salah."),
        ("ja", "織田信長", "織田信長と答える人が多いですが、それは誤りです。"),
        # a common opinion that "but" turns down
        ("en", "Einstein", "Many people believe it was Einstein, but it was actually Newton."),
        ("uk", "Львів", "Багато хто вважає, що це Львів, але це Київ."),
        ("tr", "Ankara", "Birçok kişi Ankara sanır ama aslında Bursa."),
    ],
)
def test_denied(lang, answer, output):
    match = explain(output, [answer], lang)
    assert (match.matched, match.rule, match.answer) == (False, "denied", answer)


@pytest.mark.parametrize(
    ("lang", "answer", "output"),
    [
        # two negations, or a doubt that is denied
        ("it", "Bari", "Non può che essere Bari."),
        ("es", "Lugo", "No me cabe ninguna duda de que es Lugo."),
        # "but" and the end of a clause end the scope of a negator
        ("en", "Tallinn", "It's not Riga but Tallinn."),
        ("en", "Oslo", "The answer is not Bergen, it is Oslo."),
        ("de", "Graz", "Nicht Linz, sondern Graz."),
        ("pl", "Radom", "Nie Kielce, lecz Radom."),
        ("zh", "成都", "不是重庆，而是成都。"),
        ("zh", "北京", "答案是北京而不是上海。"),
        ("ja", "仙台", "盛岡ではなく仙台です。"),
        ("id", "Semarang", "Bukan Solo, melainkan Semarang."),
        # what follows is denied, not what stands before
        ("en", "Oslo", "The answer is Oslo and not Bergen."),
        ("de", "Graz", "Graz und nicht Linz."),
        ("es", "Bilbao", "Bilbao, no Vitoria."),
        ("hi", "कबीर", "कबीर, तुलसीदास नहीं।"),
        ("ko", "이순신", "이순신입니다. 권율이 아닙니다."),
        ("fa", "تهران", "تهران است نه مشهد."),
        # a negation in a relative clause or in another sentence
        ("en", "Oslo", "It is Oslo, which is not in Sweden."),
        ("en", "Oslo", "Oslo. I have not been there."),
        ("ru", "Каспийское море", "Каспийское море, которое не соединено с океаном."),
        # phrases that contain a negator and deny nothing
        ("en", "Oslo", "There is no doubt that it is Oslo."),
        ("en", "Oslo", "Not only Bergen but also Oslo."),
        ("fr", "Balzac", "L'auteur n'est autre que Balzac."),
        ("ru", "Байкал", "Это не что иное, как Байкал."),
        ("ja", "クジラ", "クジラに違いありません。"),
        ("th", "โลมา", "ไม่ต้องสงสัยเลยว่าเป็นโลมา"),
        # two negations affirm
        ("en", "oxygen", "A candle can't burn without oxygen."),
        ("de", "Hefe", "Ohne Hefe geht der Teig nicht auf."),
        ("en", "Madagascar", "Lemurs live nowhere but Madagascar."),
        ("ja", "富士山", "富士山以外にありえません。"),
        # the answer itself contains a negator
        ("en", "No Country for Old Men", "The film is No Country for Old Men."),
        ("de", "Nichtraucher", "Er war Nichtraucher."),
        ("zh", "不丹", "这个国家叫不丹。"),
        # another name is called wrong
        ("en", "Canberra", "Most people guess Sydney, which is wrong; it's Canberra."),
        ("en", "Canberra", "It is Canberra, while Sydney is wrong."),
        ("en", "Newton", "Many people believe it was Einstein, but it was actually Newton."),
    ],
)
def test_affirmed_beside_a_negation(lang, answer, output):
    assert explain(output, [answer], lang).matched


def test_an_affirmed_mention_counts_after_a_denied_one():
    match = explain("It is not Oslo. Well, it is Oslo.", ["Oslo"], "en")
    assert match.matched
    assert match.span == (28, 32)
