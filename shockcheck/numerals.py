"""Numerals: the numbers and fractions that newspapers print in words or as signs, in German and English.

Words, also in Swiss spelling, are read up to a thousand, and fractions down to tenths; values are exact.
"""

import re
import unicodedata
from fractions import Fraction
from functools import cache

BELOW_TWENTY = {
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
    "achtzehn neunzehn",
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
}
TENS = {
    "de": "zwanzig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
}
ADJECTIVE_ENDINGS = ("", "e", "es", "er", "en")  # German, as in "ein halbes Prozent"
PARTS_OF_WHOLE = {  # by denominator
    "de": {3: "drittel", 4: "viertel", 5: "fünftel", 6: "sechstel", 7: "siebtel", 8: "achtel", 9: "neuntel", 10: "zehntel"},
    "en": {3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth", 10: "tenth"},
}
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
FRACTION_SIGN = re.compile("(?:([0-9]+) ?)?([\u00bc-\u00be\u2150-\u215e])")
WITH_SOLIDUS = re.compile("(?:([0-9]+) )?([0-9]+)[/\u2044]([0-9]+)")
Words = dict[str, Fraction]


def value(printed: str, language: str) -> Fraction | None:
    """Return the number named by words or by the sign of a fraction in `language`, or None."""
    text = _plain(printed)
    for words in (_numbers(language), _with_halves(language), _parts(language)) if language in BELOW_TWENTY else ():
        if text in words:
            return words[text]
    sign, solidus = FRACTION_SIGN.fullmatch(text), WITH_SOLIDUS.fullmatch(text)
    if sign:
        return int(sign[1] or 0) + Fraction(unicodedata.numeric(sign[2])).limit_denominator(10)
    if solidus and int(solidus[3]):
        return int(solidus[1] or 0) + Fraction(int(solidus[2]), int(solidus[3]))
    return None


def part_of_whole(printed: str, language: str) -> Fraction | None:
    """Return the part that words like 'a quarter' name; None for others, as for 'half a', which say what is counted."""
    return _parts(language).get(_plain(printed)) if language in BELOW_TWENTY else None


def _plain(printed: str) -> str:
    """Return the words as in the tables: in lower case, with ss for ß, and single spaces in place of hyphens too."""
    text = unicodedata.normalize("NFC", printed).casefold()
    return " ".join(re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text).split())


def _spelt(words: Words) -> Words:
    """Return the words, also as they are written without umlauts."""
    return words | {word.translate(UMLAUTS): number for word, number in words.items()}


@cache
def _numbers(language: str) -> Words:
    below = dict(zip(BELOW_TWENTY[language].split(), range(20), strict=True))
    ones = [("ein" if word == "eins" else word, number) for word, number in below.items() if 0 < number < 10]
    for tens, name in enumerate(TENS[language].split(), start=2):
        between = "{1}und{0}" if language == "de" else "{0} {1}"
        below |= {name: 10 * tens} | {between.format(name, word): 10 * tens + number for word, number in ones}
    hundred, thousand, joins = (
        ("hundert", "tausend", ("", "und")) if language == "de" else (" hundred", " thousand", (" ", " and "))
    )
    numbers = dict(below)
    if language == "de":
        numbers |= {f"ein{ending}": 1 for ending in (*ADJECTIVE_ENDINGS, "em")}
    for word, number in [("", 1), *([("a", 1)] if language == "en" else []), *ones]:
        start = (word + hundred).strip()
        numbers |= {start: 100 * number}
        numbers |= {start + join + rest: 100 * number + part for rest, part in below.items() if part for join in joins}
        if number == 1:
            numbers[(word + thousand).strip()] = 1000
    return _spelt({word: Fraction(number) for word, number in numbers.items()})


@cache
def _with_halves(language: str) -> Words:
    """Return words for half a thing, and for numbers up to twelve with a half or quarter."""
    half, small = Fraction(1, 2), [(word, number) for word, number in _numbers(language).items() if 1 <= number <= 12]
    if language == "en":
        parts = {"a half": half, "a quarter": half / 2, "three quarters": 3 * half / 2}
        mixed = {f"{word} and {part}": number + value for word, number in small for part, value in parts.items()}
        return {"half a": half, "half an": half} | mixed
    articles = ("", "ein ", "eine ", "einen ", "einem ", "einer ")
    halves = {f"{article}halb{ending}": half for article in articles for ending in ADJECTIVE_ENDINGS}
    halves |= {f"anderthalb{ending}": 3 * half for ending in ADJECTIVE_ENDINGS}
    return halves | {f"{word}{join}einhalb": number + half for word, number in small for join in ("", "und")}


@cache
def _parts(language: str) -> Words:
    """Return the nouns for parts of a whole."""
    counts = [(word, number) for word, number in _numbers(language).items() if 1 <= number < 10]
    if language == "en":
        parts = {f"{start}half": Fraction(1, 2) for start in ("", "a ", "one ")} | {"quarter": Fraction(1, 4)}
        for denominator, part in PARTS_OF_WHOLE["en"].items():
            parts[f"a {part}"] = Fraction(1, denominator)
            parts |= {f"{word} {part}{'s' if number > 1 else ''}": Fraction(number) / denominator for word, number in counts}
        return parts
    parts = {f"{start}hälfte": Fraction(1, 2) for start in ("", "die ", "eine ", "der ")}
    for denominator, part in PARTS_OF_WHOLE["de"].items():
        parts[part] = Fraction(1, denominator)
        parts |= {f"{word}{join}{part}": Fraction(number) / denominator for word, number in counts for join in ("", " ")}
    return _spelt(parts)
