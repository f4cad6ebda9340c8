"""The record of a language: every fact about one language that prompts, matching and pairing need, read from `<code>.toml`.

Each class is a section of the file, each field a key. All keys but the prompt words may be left out; the defaults describe a language
that writes spaces between words and needs no special rule. Values of type `re.Pattern` are regular expressions in the syntax of Python's
`re`. Words may be written as a dictionary has them; the code that uses them normalises them.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a language file: immutable, and an unknown key is an error."""


class PromptWords(_Section, frozen=True):
    """[prompt]: the words around a question and its answer."""

    question: str
    """The word before a question."""
    answer: str
    """The word before an answer."""
    context: str
    """The word before a passage."""
    options: str
    """The word before the options."""
    colon: str = ":"
    """Written after each of the four words."""
    delimiter: str = " "
    """Between the colon and the text. Empty after a full-width colon: with a space the tokenizer would see another word."""


class Replacement(_Section, frozen=True):
    """[[spelling.replacements]]: one regular expression and the text in place of each match (`\\1` is the first group)."""

    find: re.Pattern[str]
    """What is replaced."""
    replace: str
    """The text in place of a match."""
    decomposed: bool = False
    """Apply it to the text in NFD, where accents and tone marks are characters of their own."""


class Spelling(_Section, frozen=True):
    """[spelling]: different spellings of the same word. The rules apply to lower-case text in NFKC, in the order of these fields."""

    dotless_i: bool = False
    """The letter I is the capital of ı, and İ of i."""
    elision: bool = False
    """An apostrophe within a word separates two words: l'Egypte is l and Egypte."""
    apostrophe_suffix: re.Pattern[str] | None = None
    """Suffixes that follow a name or a number after an apostrophe; both are removed."""
    strip_marks: bool = False
    """Remove accents from letters."""
    unordered_marks: str = ""
    """Marks whose order is not visible, as the content of a character class; sorted where several follow each other."""
    replacements: tuple[Replacement, ...] = ()
    """Applied one after the other; the text is in NFC again after each. If no pattern has a space, each word is folded for itself: no
    pattern may refer to the words beside one."""
    letters: dict[str, str] = {}
    """Letter -> the letter that it counts as."""
    variants: str = ""
    """Letters that count as other letters: each as the letter at the same place in `standard`. It is `letters` for long lists."""
    standard: str = ""
    """The letters that `variants` count as."""
    initials: re.Pattern[str] | None = None
    """What stands before each full stop of an abbreviation, if not one letter: U.K. is UK, J. R. R. is JRR."""
    ampersand: tuple[str, ...] = ()
    """Words for the sign & between spaces."""
    accents_optional: Literal["never", "names", "words", "lines"] = "never"
    """Where accents may be left out: in names, in all words, or in lines that have none at all."""
    accents_needed: tuple[str, ...] = ()
    """Words that are other words without their accents: año is not ano."""
    spelled_out: dict[str, str] = {}
    """Letters of an answer (lower case) that may be written as several ones: München is Muenchen, but Goethe is not Göthe."""
    alternatives: tuple[Replacement, ...] = ()
    """Other ways to write an answer: each match of one of these in an answer, or all matches of it, may be replaced."""
    kana: bool = False
    """An answer in hiragana may be written in katakana, and the reverse."""

    def __post_init__(self) -> None:
        if len(self.variants) != len(self.standard):
            raise ValueError("variants and standard need the same number of letters")


class Words(_Section, frozen=True):
    """[words]: where a word begins and ends, and which words carry no meaning."""

    spaces: bool = True
    """Spaces separate words. If not, an answer is searched as a substring and f1 counts characters."""
    articles: tuple[str, ...] = ()
    """Articles that are words of their own (no endings, no prefixes)."""
    capitals_mark_names: bool = False
    """Names begin with a capital letter and common nouns do not."""
    particles_after_any: tuple[str, ...] = ()
    """Particles and forms of "to be" that are written at the end of a noun."""
    particles_after_consonant: tuple[str, ...] = ()
    """Particles that follow only a consonant."""
    particles_after_vowel: tuple[str, ...] = ()
    """Particles that follow only a vowel."""
    attached_before: re.Pattern[str] | None = None
    """Short words that are written at the beginning of a noun, alone or several one after the other, also with the article."""
    prefixed_article: str = ""
    """The article, if it is written at the beginning of a noun: a word may have or lack it."""
    beginnings: tuple[str, ...] = ()
    """Each entry: the beginnings of the singular and the plural of a noun class, separated by spaces; "-" is no beginning."""
    copulas: str = ""
    """Without spaces: characters after which an answer of one ideograph may stand ("is", "is called")."""
    final_copulas: tuple[str, ...] = ()
    """Without spaces: words that may follow an answer of one ideograph at the end of the output."""
    never_first: str = ""
    """Without spaces: characters that belong to the character before them."""
    never_last: str = ""
    """Without spaces: characters that belong to the character behind them."""
    unbroken: tuple[str, ...] = ()
    """Without spaces: pairs of characters that an answer may not cut apart."""
    space_ends_clause: bool = False
    """Without spaces: a space stands where other languages write a comma."""
    optional_spaces: bool = False
    """Writers may join two words, or separate the parts of one."""
    word_list: bool = False
    """Without spaces: the file `<code>_words.txt.xz` in this folder lists the words of the language."""

    @property
    def particles(self) -> tuple[str, ...]:
        """All particles that are written at the end of a noun."""
        return (*self.particles_after_any, *self.particles_after_consonant, *self.particles_after_vowel)


class Inflection(_Section, frozen=True):
    """[inflection]: the forms that grammar gives a word. All parts apply to words in their normal form (lower case, spelling folded)."""

    min_stem: int = 3
    """Least number of letters that all forms of a word share."""
    classes: tuple[str, ...] = ()
    """Each entry: the endings of one declension, separated by spaces; "-" is no ending. Two words with the same stem whose endings
    stand in one entry are forms of one word. If there is a colon, an answer may have only an ending before it (nominatives)."""
    suffixes: re.Pattern[str] | None = None
    """Suffixes of a word or of one of its changed stems, also several one after the other."""
    stem_changes: tuple[Replacement, ...] = ()
    """Each gives one more stem of a word, to which `suffixes` are attached: Lahti, Lahde-. `find` should end in `$`."""
    prefixes: re.Pattern[str] | None = None
    """Prefixes of a word that leave it the same word."""
    exceptions: tuple[str, ...] = ()
    """Each entry: two words, separated by a space, that look like forms of one word and are not."""
    phrase_classes: tuple[str, ...] = ()
    """As `classes`, but only for an answer of several words: adjectives whose endings other words have, too."""
    min_word: int = 0
    """Least number of letters of a word that `classes` inflect."""
    alternations: tuple[Replacement, ...] = ()
    """Changes of a stem before an ending of `classes`; `find` sees the word as stem|ending and makes the stem that all forms share:
    Львів| becomes Львов|. Each is also applied to what those before it have made; the unchanged stem stays, too."""
    stem_changes_chain: bool = False
    """Each of `stem_changes` is also applied to what those before it have made."""
    irregular: tuple[str, ...] = ()
    """Each entry: all forms of an irregular word, which may also be the last part of a compound: man, woman."""
    closed_classes: dict[str, str] = {}
    """Endings, as in `classes` -> the stems that have them, where other words with these endings are other words."""
    other_words: re.Pattern[str] | None = None
    """Matches an answer and a word, separated by a space, that are two words: a name of a man and one of a woman."""
    before_name: re.Pattern[str] | None = None
    """Ends of forms of one word that are another name together with a capitalised word behind them: Nokia, Nokian Renkaat."""
    inflected_parts: tuple[str, ...] = ()
    """First parts of compounds that are inflected with the last part: Mustameri, Mustallamerellä."""


class Names(_Section, frozen=True):
    """[names]: what beside a name makes another name of it. Words are written as in a sentence.

    An entry of `before` or `after` may be several words. One that ends in a hyphen is a stem: each of `endings` may follow it. An entry
    with a capital letter counts only where the output writes one, too, or writes the answer in lower case.
    """

    before: tuple[str, ...] = ()
    """Words that make another name when they stand directly before one: New, North."""
    after: tuple[str, ...] = ()
    """Words that make another name when they stand directly behind one, or after a hyphen: Bissau, peroxide."""
    endings: tuple[str, ...] = ()
    """The endings of the stems in `before` and `after`."""
    exceptions: tuple[str, ...] = ()
    """Phrases that end in one of `before` and are no part of a name."""
    towns: tuple[str, ...] = ()
    """Words for a town: directly before or behind the name of a country they make another name, as in Mexico City."""
    kinds: tuple[str, ...] = ()
    """Words behind a name that say of which kind the named thing is: River, County. They leave it the same thing."""
    surname_first: bool = False
    """Given names may follow a surname, so that a second word with a capital letter makes no other name."""
    surnames: re.Pattern[str] | None = None
    """What is a surname beyond doubt, by its ending, with a patronymic before it or not. Where given names may follow a surname, only
    such a word makes another name of the word before it."""
    patronymics: re.Pattern[str] | None = None
    """A patronymic: a second given name that may be left out."""
    second_parts: tuple[str, ...] = ()
    """What may follow a name or noun after a hyphen without making another name: suffixes, and words such as "based"."""
    first_parts: tuple[str, ...] = ()
    """What may stand before a name or noun and a hyphen without making another name: ex, pro."""
    compounds: tuple[str, ...] = ()
    """Words that are written with spaces, such as sea lion in Indonesian: none of their parts is an answer by itself."""


class SpokenNumbers(_Section, frozen=True):
    """[numbers.vowel_harmony]: how numbers are spoken; the last spoken word determines the vowels of a suffix."""

    digits: tuple[str, ...]
    """One to nine."""
    tens: tuple[str, ...]
    """Ten to ninety."""
    zero: str
    """The word for 0."""
    hundred: str
    """The word for 100."""
    thousand: str
    """The word for 1,000."""
    million: str
    """The word for 1,000,000."""

    def __post_init__(self) -> None:
        if len(self.digits) != 9 or len(self.tens) != 9:
            raise ValueError("digits and tens need nine words each")


class NumberWords(_Section, frozen=True):
    """[numbers.words]: numbers in words, and what turns a number into an ordinal, a range or another word.

    Words for one value are separated by "/", and may consist of several words. A word that ends in "-" is a stem: it needs one of
    `endings`, or for an ordinal one of `ordinal_endings`. Patterns apply to the normal form unless they say otherwise.
    """

    counting: str = ""
    """Zero, one, two and so on, separated by spaces."""
    tens: str = ""
    """Twenty to ninety."""
    hundreds: str = ""
    """One hundred to nine hundred."""
    cardinals: dict[str, str] = {}
    """Value -> more words for it. "0.5" and the like are allowed."""
    multipliers: dict[str, str] = {}
    """Value -> words for hundred, thousand and so on, which multiply what stands before them. Words behind "|" do not stand alone."""
    plus_ten: tuple[str, ...] = ()
    """Words behind one to nine that add ten."""
    ordinal_counting: str = ""
    """First, second, third and so on."""
    ordinal_tens: str = ""
    """Twentieth to ninetieth."""
    ordinals: dict[str, str] = {}
    """Value -> more words for its ordinal."""
    endings: str = ""
    """Endings of cardinals, separated by spaces; "-" is no ending."""
    ordinal_endings: str = ""
    """Endings of ordinals, separated by spaces; "-" is no ending."""
    ordinal_suffix: re.Pattern[str] | None = None
    """What makes an ordinal of any cardinal when attached to its end."""
    ordinal_before: tuple[str, ...] = ()
    """Words, or prefixes of a numeral, that make an ordinal of the number behind them."""
    ordinal_after: tuple[str, ...] = ()
    """Words that make an ordinal of the number before them."""
    ordinal_sign: re.Pattern[str] | None = None
    """What makes an ordinal of digits or of a Roman numeral when attached to them, as written."""
    suffix: re.Pattern[str] | None = None
    """What may be attached to the end of a numeral: case endings, particles, classifiers."""
    prefix: re.Pattern[str] | None = None
    """What may be attached to the beginning of a numeral: articles and prepositions."""
    joiners: tuple[str, ...] = ()
    """Words between the parts of a number: and."""
    joining: re.Pattern[str] | None = None
    """What joins two parts of a number and is attached to the second."""
    linkers: tuple[str, ...] = ()
    """Words between a number and its multiplier: 20 de milioane."""
    compounds: bool = False
    """The parts of a number may be written as one word."""
    ones_first: bool = False
    """The ones stand before the tens: five and twenty."""
    open_ten: bool = False
    """Ten may be followed by ones: ten one is eleven."""
    teens_after: tuple[int, ...] = ()
    """Tens to which ten to nineteen are added: sixty and eleven is 71."""
    multiplier_first: bool = False
    """A multiplier stands before what it multiplies: thousand two."""
    pairs: bool = False
    """Years may be read as two numbers: nineteen ninety-nine."""
    positional: bool = False
    """Years may be written digit by digit in words."""
    halves: tuple[str, ...] = ()
    """Words behind a number that add one half of its last part."""
    decimal_words: tuple[str, ...] = ()
    """Words for the decimal mark."""
    minus: tuple[str, ...] = ()
    """Words before a number that make it negative: minus, but not a word that also means less."""
    digit_prefixes: tuple[str, ...] = ()
    """Articles and prepositions that are attached to digits."""
    unclear: tuple[str, ...] = ()
    """Numerals that are more often another word (an article): they count only within a longer number, alone in the line, before a
    counter, or after one of `stressed`."""
    counters: re.Pattern[str] | None = None
    """The beginning of the text behind an unclear numeral that shows that it counts something."""
    stressed: tuple[str, ...] = ()
    """Words before an unclear numeral that show that it is one: only, exactly."""
    not_numerals: re.Pattern[str] | None = None
    """Phrases whose words are no numerals: no one, one of."""
    ranges: re.Pattern[str] | None = None
    """Phrases for a range; each number is written #."""


class Numbers(_Section, frozen=True):
    """[numbers]: how numbers are written, and which neighbours turn a number into another one."""

    indian_grouping: bool = False
    """Digits are grouped as in 1,23,45,678."""
    ordinal_suffixes: dict[Literal["zero", "one", "two", "few", "many", "other"], str] = {}
    """CLDR plural category of an ordinal -> the suffix attached to its digits. "other" must be there if any is."""
    percent_phrases: tuple[str, ...] = ()
    """Ways to write a percentage that CLDR lacks; {0} is the number."""
    magnitudes: tuple[str, ...] = ()
    """Words for thousand, million and so on that CLDR lacks."""
    attached_magnitudes: re.Pattern[str] | None = None
    """Magnitudes that need no word boundary after them."""
    before_decade: re.Pattern[str] | None = None
    """Words before a round year that make it a decade, as normalised."""
    after_decade: re.Pattern[str] | None = None
    """Words or suffixes after a round year that make it a decade, as normalised."""
    decade_suffix: re.Pattern[str] | None = None
    """Suffixes that make a round year a decade when attached to it; any suffix if left out."""
    spoken_suffix: re.Pattern[str] | None = None
    """Attached suffixes that depend on the spoken number, so that no other number is known to take them."""
    vowel_harmony: SpokenNumbers | None = None
    """If given: attached suffixes follow the vowel harmony of Turkish."""
    words: NumberWords = NumberWords()
    """Numbers in words."""

    def __post_init__(self) -> None:
        if self.ordinal_suffixes and "other" not in self.ordinal_suffixes:
            raise ValueError('ordinal_suffixes needs the key "other"')


class Era(_Section, frozen=True):
    """[dates.second_era]: a second count of years beside the common era."""

    name: str
    """Written before a year of this era."""
    common_name: str
    """Written before a year of the common era."""
    offset: int
    """The year of this era minus the year of the common era: 543 in Thai."""
    first_year: int
    """Within a date, years from this one to `last_year` are read as years of this era even without the name of the era."""
    last_year: int
    """The last of these years."""


class Calendar(_Section, frozen=True):
    """[[dates.calendars]]: a calendar beside the Gregorian one whose dates are named in this language."""

    months: tuple[str, ...]
    """The names of its twelve months in their order; several names of one month are separated by "|"."""
    first_year: int = 0
    """In digits, a date of the years from this one to `last_year` is one of this calendar. Left out: no date in digits is."""
    last_year: int = -1
    """The last of these years."""

    def __post_init__(self) -> None:
        if len(self.months) != 12:
            raise ValueError("a calendar needs the names of twelve months")


class NumberLimit(_Section, frozen=True):
    """[[dates.limits]]: the greatest value of a number that stands before or after certain words. Give one of the two."""

    most: int
    """The greatest value: 12 before "o'clock"."""
    before_number: re.Pattern[str] | None = None
    """Matches the end of the text before the number, lower or upper case."""
    after_number: re.Pattern[str] | None = None
    """Matches the beginning of the text after the number, lower or upper case."""

    def __post_init__(self) -> None:
        if (self.before_number is None) == (self.after_number is None):
            raise ValueError("a limit needs either before_number or after_number")


class Dates(_Section, frozen=True):
    """[dates]: months, years, centuries and times of day."""

    month_names: dict[int, tuple[str, ...]] = {}
    """Month (1 to 12) -> names that CLDR lacks."""
    month_endings: tuple[str, ...] = ()
    """Case endings that are attached to the name of a month."""
    year_last: bool = False
    """The year is never written before the month: for languages in which names of months are also other words."""
    year_words: tuple[str, ...] = ()
    """Words for "year" that stand beside a year."""
    year_suffix: re.Pattern[str] | None = None
    """Text that may be attached to a year without making it a decade."""
    second_era: Era | None = None
    """A second count of years, if the language has one."""
    named_eras: dict[str, int] = {}
    """Name of an era -> the year of the common era that is its first year."""
    before_christ: tuple[str, ...] = ()
    """Words beside a year before the common era that CLDR lacks."""
    after_christ: tuple[str, ...] = ()
    """Words beside a year of the common era that CLDR lacks."""
    fillers: tuple[str, ...] = ()
    """Words between the parts of a date that CLDR lacks: of, the."""
    capital_months: tuple[str, ...] = ()
    """Names of months that are also other words: without a year beside them they count only with a capital letter."""
    calendars: tuple[Calendar, ...] = ()
    """Calendars beside the Gregorian one."""
    decades: dict[int, tuple[str, ...]] = {}
    """Tens (20 to 90) -> names of the decade in words: twenties."""
    century: re.Pattern[str] | None = None
    """The word for "century", lower case, anywhere in the text."""
    limits: tuple[NumberLimit, ...] = ()
    """Greatest values of hours, days and the like."""

    def __post_init__(self) -> None:
        if not set(self.month_names) <= set(range(1, 13)):
            raise ValueError("month_names needs numbers of months from 1 to 12 as keys")


class Units(_Section, frozen=True):
    """[units]: words for units of measure and for currencies, in which {0} stands for the number.

    Without {0}, the word for a unit stands behind the number, and the word for a currency before or behind it.
    """

    words: dict[str, tuple[str, ...]] = {}
    """Name of a unit in CLDR -> words that CLDR lacks."""
    currencies: dict[str, tuple[str, ...]] = {}
    """ISO 4217 code -> words that CLDR lacks."""
    endings: tuple[str, ...] = ()
    """Case endings that are attached to the word of a unit."""
    locales: tuple[str, ...] = ()
    """Further locales of CLDR whose words count: en_GB writes kilometres."""
    duals: dict[str, tuple[str, ...]] = {}
    """Name of a unit in CLDR -> words for two of it, where a noun has a dual: two hours is one word."""


class Failures(_Section, frozen=True):
    """[failures]: what shows how an answer fails."""

    refusals: tuple[str, ...] = ()
    """Phrases by which a speaker says not to know the answer or not to be able to give it; each is a refusal wherever it stands."""
    refusals_alone: tuple[str, ...] = ()
    """Phrases that are a refusal only as the whole line: "no idea" is one, "he had no idea of the war" is none."""
    not_identified: bool = False
    """No answer is taken for one in this language by its words: how well these are told from those of similar languages was not
    measured."""


class Negation(_Section, frozen=True):
    """[negation]: what denies a mention. In each phrase, "*" stands for any letters of a word, "..." for up to four words."""

    before: tuple[str, ...] = ()
    """Phrases that deny what follows in their clause: not, never, neither."""
    after: tuple[str, ...] = ()
    """Phrases that deny what stands before them in their clause: Oslo `was never` the capital."""
    next_to: tuple[str, ...] = ()
    """Phrases that deny what stands directly before them, at most one word away."""
    except_before: tuple[str, ...] = ()
    """Phrases that exclude what follows directly: except, without, instead of, other than. With a negator beside them they affirm."""
    except_after: tuple[str, ...] = ()
    """Phrases that exclude what stands directly before them."""
    harmless: tuple[str, ...] = ()
    """Phrases that contain a negator and deny nothing: no doubt, not only, none other than."""
    turns: tuple[str, ...] = ()
    """Words such as "but": a negation before them does not reach behind them, and the other way round."""
    stops: tuple[str, ...] = ()
    """Words that begin another statement: which, because, and. A negation behind them says nothing about what stands before them."""
    wrong: tuple[str, ...] = ()
    """Phrases that say that what was mentioned before is wrong, also in the next clause: is wrong, is a mistake."""
    beliefs: tuple[str, ...] = ()
    """Words for a common opinion or an earlier state: many people, formerly. If "but" follows in the sentence, they deny what stands
    beside them."""


class Alternatives(_Section, frozen=True):
    """[alternatives]: lists that leave the answer open."""

    or_words: tuple[str, ...] = ()
    """Words for "or" between two alternatives."""
    correlatives: tuple[str, ...] = ()
    """Words that stand before each of several alternatives: either, maybe."""
    correlatives_behind: tuple[str, ...] = ()
    """Words that stand behind each of several possibilities: may be, in Japanese."""
    renaming: tuple[str, ...] = ()
    """Phrases behind "or" that introduce another name for the same: in English, called, rather."""
    one_of: tuple[str, ...] = ()
    """Phrases behind a list that leave it open: one of them."""
    candidates: tuple[str, ...] = ()
    """Phrases before a list that leave it open: candidates are, it could be one of."""


class Questions(_Section, frozen=True):
    """[questions]: what asks, or leaves open, instead of answering."""

    marks: str = ""
    """Signs that end a question, beside the usual ones."""
    particles: tuple[str, ...] = ()
    """Words at the end of a sentence that make it a question, also without a question mark."""
    tags: tuple[str, ...] = ()
    """Short questions behind a statement that ask for nothing: isn't it, right."""
    unsure_before: tuple[str, ...] = ()
    """Phrases of not knowing, before what is not known: I don't know if, whether."""
    unsure_after: tuple[str, ...] = ()
    """Phrases of not knowing or not choosing, behind what is not known or chosen."""


NOUN_KINDS = {
    **dict.fromkeys(
        "person writer musician painter actor director ruler politician scientist explorer athlete soldier architect relative"
        " character".split(),
        "person",
    ),
    **dict.fromkeys(
        "place country region city continent island river lake_or_sea mountain desert building street park".split(), "place"
    ),
    **dict.fromkeys(
        "god people animal bird fish insect plant tree flower fruit vegetable food drink body_part disease medicine substance element"
        " particle material gem colour shape planet film series book song artwork genre band game sport team instrument language"
        " programming_language currency company organisation party school religion war event holiday award profession title law"
        " science theory device vehicle weapon clothing software medium letter direction unit symbol activity".split(),
        "",
    ),
}
"""Kind of thing that a noun may ask for -> the class of which it is a part, "" for none.

A person, place or thing that has no kind of its own is of kind `person` or `place`, or its noun is left out. `people`: nations, tribes,
nationalities. `element`: chemical elements. `title`: offices and ranks. `medium`: newspapers, channels. `vehicle`: cars, ships, spacecraft.
"""


class Asking(_Section, frozen=True):
    """[asking]: the words of a question that say what kind of answer it asks for.

    `*` stands for any letters of a word: wer, wen and wem, or "ke*". Entries of several words are phrases.
    """

    person: tuple[str, ...] = ()
    """Words that ask for a person: who, whom, whose."""
    place: tuple[str, ...] = ()
    """Words that ask for a place: where, where from."""
    time: tuple[str, ...] = ()
    """Words that ask for a time: when, since when."""
    quantity: tuple[str, ...] = ()
    """Words that ask for a number or an amount: how many, how long, how old."""
    reason: tuple[str, ...] = ()
    """Words that ask for a reason: why."""
    manner: tuple[str, ...] = ()
    """Words that ask for a way to do something: how."""
    thing: tuple[str, ...] = ()
    """Words that ask for a thing; a noun beside them does not say the kind: what did, with what."""
    which: tuple[str, ...] = ()
    """Words beside the noun that says the kind: which, what is."""
    naming: tuple[str, ...] = ()
    """Words that ask for what the noun behind them says: name, identify, give the."""
    pointing: tuple[str, ...] = ()
    """Words before the noun for which a statement asks: "this" in "This planet has rings"."""
    who_is: tuple[str, ...] = ()
    """Words that ask for a person; a noun behind them may say what kind of person or god: who is. With one of the two keys below, also a
    noun before them: 作者は誰."""
    where_is: tuple[str, ...] = ()
    """Words that ask for the kind that the noun beside them says, or else for a place: 首都はどこですか. A location is asked by `place`."""
    noun_last: bool = False
    """What describes a noun stands before it, relative clauses too, so that the last noun says the kind: 砂漠の船と呼ばれる動物は？"""
    which_last: bool = False
    """"Which" stands behind its noun: loài chim nào."""
    heads_last: bool = False
    """Of nouns that follow one another, the last one says the kind, unless it ends in -s, as verbs do: country singer, car manufacturer."""
    joins_nouns: bool = False
    """Nouns are joined to one word, of which the last part says the kind: Alpengipfel is a Gipfel."""
    time_nouns: tuple[str, ...] = ()
    """Nouns that ask for a time: year, century, day."""
    quantity_nouns: tuple[str, ...] = ()
    """Nouns that ask for a number or an amount: number, height, population."""
    empty_nouns: tuple[str, ...] = ()
    """Words between "which" and the noun that says the kind: name, type, kind, "called"."""
    nouns: dict[str, tuple[str, ...]] = {}
    """Kind of thing -> nouns that ask for it: fruit; film, movie. The kinds are those of `NOUN_KINDS`."""

    def __post_init__(self) -> None:
        unknown = sorted(self.nouns.keys() - NOUN_KINDS.keys())
        if unknown:
            raise ValueError(f"nouns of the unknown kind {unknown[0]}: the kinds are {', '.join(NOUN_KINDS)}")


class YesNo(_Section, frozen=True):
    """[yes_no]: answers to yes/no questions. They count only alone or before a mark, not as a word within a sentence."""

    yes: tuple[str, ...] = ()
    """Words for yes. An item may have them as its answer."""
    no: tuple[str, ...] = ()
    """Words for no. An item may have them as its answer."""
    true: tuple[str, ...] = ()
    """Words for true, as data sets write the answer to a statement. Only pairing uses them: to an output they are words as any other."""
    false: tuple[str, ...] = ()
    """Words for false, in the same way."""
    openers: tuple[str, ...] = ()
    """Words at the beginning of a yes/no question that also ask for a thing: apakah in Indonesian."""
    also_yes: tuple[str, ...] = ()
    """Other replies that mean yes: of course, correct. As answers of an item they are words as any other."""
    also_no: tuple[str, ...] = ()
    """Other replies that mean no, in the same way."""
    beside: tuple[str, ...] = ()
    """Words that may stand beside them: polite words, and words that agree with any answer."""
    announcing: tuple[str, ...] = ()
    """Phrases that may stand before them: the answer is."""


class Conjugation(_Section, frozen=True):
    """[conjugation]: verbs and adjectives whose other forms are a stem with an ending. Korean syllables are taken apart (NFD)."""

    dictionary_form: re.Pattern[str] | None = None
    """What an answer must contain to be such a word; applies to the normal form."""
    stems: tuple[Replacement, ...] = ()
    """Each makes a stem of the dictionary form that `find` matches."""
    endings: re.Pattern[str] | None = None
    """Every ending that may follow a stem."""


class ClassWords(_Section, frozen=True):
    """[class_words]: words such as river, lake or mount beside a name, which may be left out: the River Nile is the Nile."""

    before: tuple[str, ...] = ()
    """Before the name, as a speaker writes them, with a preposition if there is one: island of."""
    after: tuple[str, ...] = ()
    """After the name."""
    classifiers: tuple[str, ...] = ()
    """Before a common noun, which says the same alone."""
    is_joined: bool = False
    """Class words may be written together with the name."""
    kept: tuple[str, ...] = ()
    """Names that are something else without their class word, written without it: Yellow (River)."""


class Corrections(_Section, frozen=True):
    """[corrections]: what takes back an answer just given, for another one: Oslo... no, Bergen."""

    withdrawals: tuple[str, ...] = ()
    """Words that take it back: no, wait, sorry."""
    leads: tuple[str, ...] = ()
    """Phrases before the new answer: it is, I mean."""


class Language(_Section, frozen=True):
    """Everything that depends on one language.

    Each field is the section of the file that has its name. `prompt` is None only for a language without a file: it has no prompts,
    but its answers can be matched by the default rules and CLDR.
    """

    prompt: PromptWords | None = None
    spelling: Spelling = Spelling()
    words: Words = Words()
    numbers: Numbers = Numbers()
    dates: Dates = Dates()
    failures: Failures = Failures()
    inflection: Inflection = Inflection()
    negation: Negation = Negation()
    alternatives: Alternatives = Alternatives()
    questions: Questions = Questions()
    asking: Asking = Asking()
    yes_no: YesNo = YesNo()
    names: Names = Names()
    class_words: ClassWords = ClassWords()
    units: Units = Units()
    conjugation: Conjugation = Conjugation()
    corrections: Corrections = Corrections()
