"""Currencies: signs, codes and names, from CLDR and the language's [units.currencies]."""

from __future__ import annotations

from collections.abc import Iterator

from lm_eval_illusion.languages import language
from lm_eval_illusion.matching.text.cldr import cldr

_CODES = (
    "AED ARS AUD BDT BGN BRL CAD CHF CLP CNY COP CZK DEM DKK DZD EGP ESP EUR FIM FRF GBP GRD HKD HUF IDR ILS INR IQD IRR ISK ITL JOD JPY "
    "KES KRW KWD KZT LBP LKR MAD MXN MYR NGN NLG NOK NZD PEN PHP PKR PLN PTE QAR RON RSD RUB SAR SEK SGD SYP THB TND TRY TWD TZS UAH UGX "
    "USD VND ZAR"
).split()
_SIGNS = {
    "€": "EUR", "$": "USD", "US$": "USD", "£": "GBP", "¥": "JPY CNY", "₹": "INR", "Rs": "INR PKR LKR", "₽": "RUB", "₴": "UAH", "zł": "PLN",
    "Kč": "CZK", "Ft": "HUF", "lei": "RON", "₺": "TRY", "₪": "ILS", "Rp": "IDR", "RM": "MYR", "฿": "THB", "₫": "VND", "₩": "KRW",
    "KSh": "KES", "TSh": "TZS", "Ksh": "KES", "Tsh": "TZS", "৳": "BDT", "₨": "PKR INR", "R$": "BRL", "kr": "SEK NOK DKK ISK", "₦": "NGN",
    "₱": "PHP", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD", "NT$": "TWD", "S$": "SGD", "MX$": "MXN",
    "DM": "DEM", "﷼": "IRR SAR", "₸": "KZT", "₾": "GEL", "₼": "AZN",
}  # fmt: skip


def currency_phrases(lang: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to write an amount of money, each as (phrase, ISO 4217 code); {0} is the amount.

    Raises:
        UserError: CLDR does not know the language.
    """
    patterns = {"{0} {1}", *map(str, cldr(lang, "currency_unit_patterns").values())}
    for name, code in _names(lang):
        # One Latin letter has too many meanings.
        if "{0}" in name:
            yield name, code
        elif len(name) > 1 or not name.isascii() or not name.isalpha():
            yield f"{name} {{0}}", code
            yield from ((pattern.replace("{1}", name), code) for pattern in sorted(patterns))


def _names(lang: str) -> Iterator[tuple[str, str]]:
    given = language(lang).units
    yield from ((word, code) for code, words in given.currencies.items() for word in words)
    yield from ((sign, code) for sign, codes in _SIGNS.items() for code in codes.split())
    for locale in (lang, *given.locales):
        names, symbols, plurals = (cldr(locale, f"currency_{part}") for part in ("names", "symbols", "names_plural"))
        for code in _CODES:
            yield code, code
            yield from ((name, code) for name in (names.get(code), symbols.get(code)) if name)
            yield from ((name, code) for name in plurals.get(code, {}).values())
