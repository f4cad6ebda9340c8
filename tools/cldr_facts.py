"""Facts of four relations from CLDR, read with Babel: only facts that have a name in all languages.

This file chooses codes, with the reason, but no names: every name of a place, language, script or currency comes from CLDR.
Babel 2.18 has CLDR 47 without its `alt` names, so aliases come from names in brackets ("Myanmar (Burma)") and from plurals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from babel import Locale
from babel.core import get_global
from question_templates import EMBEDDED_LANGUAGES

NON_LATIN = frozenset("ar bn el hi ko ru te th zh".split())

# Dependent, disputed or uninhabited territories: "which country?" has no short answer there (ISO 3166-1, column "independent").
NO_COUNTRY = frozenset(
    "AC AI AQ AS AW AX BL BM BQ BV CC CK CP CQ CW CX DG EA EH EU EZ FK FO GF GG GI GL GP GS GU HK HM IC IM IO JE KY MF MO MP MQ MS NC"
    " NF NU PF PM PN PR PS QO RE SH SJ SX TA TC TF TK TW UM UN VA VG VI WF XA XB XK YT ZZ".split()
)
# Countries that many people call by a name that Babel lacks: a right answer would count as wrong.
RENAMED = frozenset("CD CG CI CV CZ MK SZ TL TR".split())
# Time zones named after an island or a region, and zones of disputed cities.
NO_CITY = frozenset(
    "America/Bahia America/Bahia_Banderas America/Puerto_Rico Asia/Famagusta Asia/Gaza Asia/Hebron Asia/Jerusalem Asia/Kamchatka"
    " Asia/Sakhalin Atlantic/Azores Atlantic/Canary Atlantic/Madeira Europe/Simferopol Indian/Mahe Pacific/Chatham Pacific/Chuuk"
    " Pacific/Easter Pacific/Efate Pacific/Enderbury Pacific/Galapagos Pacific/Guadalcanal Pacific/Kanton Pacific/Kiritimati"
    " Pacific/Kosrae Pacific/Kwajalein Pacific/Pohnpei Pacific/Tarawa Pacific/Tongatapu".split()
)
# Countries where the most widely spoken official language by CLDR's shares is not the one that people would name.
NO_LEADING_LANGUAGE = frozenset("BI KE PK PY RW SC SN TZ UG ZW".split())
# Languages written in the same script everywhere; languages with two scripts in use (Serbian, Punjabi, Kazakh) are left out.
SCRIPT_OF_LANGUAGE = {
    "Arab": "ckb fa glk lrc mzn ps ug ur",
    "Beng": "as",
    "Cyrl": "ba be bg ce ky os ru tg tt uk cv",
    "Deva": "awa bho doi hi mag mai mr ne raj sa brx",
    "Ethi": "am byn ti tig",
    "Hebr": "yi",
    "Latn": "cy eu fi hu id is pl so sw vi yo zu",
    "Mymr": "shn",
    "Tfng": "shi zgh",
    "Thaa": "dv",
    "Tibt": "dz",
}


class CldrFact(NamedTuple):
    """One fact in all languages.

    `code`, `answer_code`: the CLDR codes of the subject and the answer. `region`: facts of one region are plausible distractors of each
    other. `names`: language -> (subject, answer, aliases).
    """

    relation: str
    code: str
    answer_code: str
    region: str
    names: dict[str, tuple[str, str, list[str]]]


@cache
def plain(text: str) -> str:
    """Return the form in which names are compared: NFKC, casefolded, only letters, digits and marks, single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in folded).split())


def reveals(subject: str, answer: str, lang: str) -> bool:
    """Return whether the subject reveals the answer: it contains it, or a word of each has the same stem (Japan, Japanese yen)."""
    return plain(answer) in plain(subject) or bool(_stems(subject, lang) & _stems(answer, lang))


def cldr_facts() -> list[CldrFact]:
    """Return the facts of the four relations that can be asked in every language: named, in its script, the answer not revealed."""
    relations = (_cities(), _main_languages(), _currencies(), _scripts())
    return [fact for facts in relations for fact in facts if _can_be_asked(fact)]


@cache
def _stems(name: str, lang: str) -> frozenset[str]:
    """Return the first characters of each word; of each position in a script without spaces."""
    # A character is a sound in some writing systems and a syllable in others.
    length = {"zh": 2, "th": 4, "ko": 2, "hi": 3, "bn": 3, "te": 3}.get(lang, 4)
    words = plain(name)
    if lang in ("zh", "th"):
        joined = words.replace(" ", "")
        return frozenset(joined[i : i + length] for i in range(len(joined) - length + 1))
    return frozenset(word[:length] for word in words.split() if len(word) > 2)


def _can_be_asked(fact: CldrFact) -> bool:
    for lang, (subject, answer, _) in fact.names.items():
        if not subject or not answer or reveals(subject, answer, lang):
            return False
        if lang in NON_LATIN and not (_has_own_script(subject) and _has_own_script(answer)):
            return False
    return True


def _has_own_script(name: str) -> bool:
    return any(c.isalpha() and not unicodedata.name(c).startswith("LATIN") for c in name)


def _cities() -> Iterator[CldrFact]:
    territory_of_zone = get_global("zone_territories")
    windows_zones = set(get_global("windows_zone_mapping").values())
    # The representative zone of a region comes first: its city is better known.
    zones = sorted(territory_of_zone, key=lambda zone: (zone not in windows_zones, zone))
    for zone in zones:
        territory = territory_of_zone[zone]
        if zone.count("/") != 1 or zone in NO_CITY or territory in NO_COUNTRY | RENAMED or not territory.isalpha():
            continue
        names = {lang: (_city(zone, lang), *_bracketed(_territory(territory, lang))) for lang in EMBEDDED_LANGUAGES}
        yield CldrFact("city_country", zone.split("/")[1], territory, zone.split("/")[0], names)


def _main_languages() -> Iterator[CldrFact]:
    for territory, spoken in sorted(get_global("territory_languages").items()):
        language = _leading_language(spoken)
        if territory in NO_COUNTRY | RENAMED | NO_LEADING_LANGUAGE or language is None:
            continue
        names = {lang: (_territory(territory, lang), *_bracketed(_language(language, lang))) for lang in EMBEDDED_LANGUAGES}
        yield CldrFact("country_language", territory, language, "", names)


def _leading_language(spoken: dict[str, dict[str, object]]) -> str | None:
    """Return the official language of at least 75 % of the people if no other one reaches 40 %. Shares may overlap in CLDR."""
    share = {language: float(str(entry["population_percent"])) for language, entry in spoken.items()}
    official = {"official", "de_facto_official"}
    ranked = sorted((k for k in spoken if spoken[k]["official_status"] in official), key=lambda k: (-share[k], k))
    if not ranked or share[ranked[0]] < 75 or share[ranked[0]] < max(share.values()):
        return None
    return ranked[0] if all(share[other] < 40 for other in ranked[1:]) else None


def _currencies() -> Iterator[CldrFact]:
    for territory, history in sorted(get_global("territory_currencies").items()):
        tender = [code for code, _, end, is_tender in history if end is None and is_tender]
        if territory in NO_COUNTRY | RENAMED or len(tender) != 1:
            continue
        code = tender[0]
        names = {lang: (_territory(territory, lang), *_currency(code, lang)) for lang in EMBEDDED_LANGUAGES}
        yield CldrFact("country_currency", territory, code, "", names)


def _scripts() -> Iterator[CldrFact]:
    for script, languages in SCRIPT_OF_LANGUAGE.items():
        for language in languages.split():
            names = {
                lang: (_language(language, lang), *_bracketed(Locale(lang).scripts.get(script, "")))
                for lang in EMBEDDED_LANGUAGES
            }
            yield CldrFact("language_script", language, script, "", names)


def _city(zone: str, lang: str) -> str:
    city: str = Locale(lang)._data["time_zones"].get(zone, {}).get("city", "")
    if city or lang in NON_LATIN:
        return city
    # CLDR omits a city where the name of the zone is also its name in the language (UTS 35, time zone names).
    return zone.split("/")[1].replace("_", " ")


def _territory(code: str, lang: str) -> str:
    name: str = Locale(lang).territories.get(code, "")
    return name


def _language(code: str, lang: str) -> str:
    name: str = Locale(lang).languages.get(code, "")
    return name


def _currency(code: str, lang: str) -> tuple[str, list[str]]:
    locale = Locale(lang)
    name: str = locale.currencies.get(code, "")
    plurals = locale._data["currency_names_plural"].get(code, {})
    return name, sorted({plurals[form] for form in plurals} - {name})


def _bracketed(name: str) -> tuple[str, list[str]]:
    """Split a name with brackets: "Myanmar (Burma)" -> "Myanmar" with the aliases "Burma" and the complete name."""
    match = re.fullmatch(r"(.+?)\s*[(（](.+)[)）]", name)
    return (match[1], [match[2], name]) if match else (name, [])
