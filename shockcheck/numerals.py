"""Numerals: the numbers and fractions that newspapers print in words or by signs, in German and English.

Words, in Swiss spelling too, are read up to a thousand, fractions down to tenths; each is exactly what it names.
"""

import re
import unicodedata
from fractions import Fraction
from functools import cache

SMALL = {
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn "
    "achtzehn neunzehn",
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
}
TENS = {
    "de": "zwanzig dreissig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
}
ENDINGS = ("", "e", "es", "er", "en")  # of German adjectives, as in "ein halbes Prozent"
PARTS = {  # of a whole, by denominator
    "de": {3: "drittel", 4: "viertel", 5: "fünftel", 6: "sechstel", 7: "siebtel", 8: "achtel", 9: "neuntel", 10: "zehntel"},
    "en": {3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth", 10: "tenth"},
}
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
SIGN = re.compile("(?:([0-9]+) ?)?([\u00bc-\u00be\u2150-\u215e])")
SOLIDUS = re.compile("(?:([0-9]+) )?([0-9]+)[/\u2044]([0-9]+)")
Words = dict[str, Fraction]


def value(printed: str, language: str) -> Fraction | None:
    """Return the number that words or the sign of a fraction name in `language`, or None where they name none."""
    text = _plain(printed)
    for words in (_numbers(language), _with_halves(language), _parts(language)) if language in SMALL else ():
        if text in words:
            return words[text]
    sign, solidus = SIGN.fullmatch(text), SOLIDUS.fullmatch(text)
    if sign:
        return int(sign[1] or 0) + Fraction(unicodedata.numeric(sign[2])).limit_denominator(10)
    if solidus and int(solidus[3]):
        return int(solidus[1] or 0) + Fraction(int(solidus[2]), int(solidus[3]))
    return None


def part_of_whole(printed: str, language: str) -> Fraction | None:
    """Return the part that words like 'a quarter' name; None for others, as for 'half a', which say what is counted."""
    return _parts(language).get(_plain(printed)) if language in SMALL else None


def _plain(printed: str) -> str:
    """The words as the tables have them: small letters, ss for ß, single blanks, also in place of hyphens."""
    text = unicodedata.normalize("NFC", printed).casefold()
    return " ".join(re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text).split())


def _spelt(words: Words) -> Words:
    """The words, and as they are written where there are no umlauts."""
    return words | {word.translate(UMLAUTS): number for word, number in words.items()}


@cache
def _numbers(language: str) -> Words:
    below = dict(zip(SMALL[language].split(), range(20), strict=True))
    ones = [("ein" if word == "eins" else word, number) for word, number in below.items() if 0 < number < 10]
    for tens, name in enumerate(TENS[language].split(), start=2):
        between = "{1}und{0}" if language == "de" else "{0} {1}"
        below |= {name: 10 * tens} | {between.format(name, word): 10 * tens + number for word, number in ones}
    hundred, thousand, joins = (
        ("hundert", "tausend", ("", "und")) if language == "de" else (" hundred", " thousand", (" ", " and "))
    )
    found = dict(below)
    if language == "de":
        found |= {f"ein{ending}": 1 for ending in (*ENDINGS, "em")}
    for word, number in [("", 1), *([("a", 1)] if language == "en" else []), *ones]:
        start = (word + hundred).strip()
        found |= {start: 100 * number}
        found |= {start + join + rest: 100 * number + more for rest, more in below.items() if more for join in joins}
        if number == 1:
            found[(word + thousand).strip()] = 1000
    return _spelt({word: Fraction(number) for word, number in found.items()})


@cache
def _with_halves(language: str) -> Words:
    """Half of what is counted, and numbers with a half or quarter, up to twelve."""
    half, small = Fraction(1, 2), [(word, number) for word, number in _numbers(language).items() if 1 <= number <= 12]
    if language == "en":
        more = {"a half": half, "a quarter": half / 2, "three quarters": 3 * half / 2}
        mixed = {f"{word} and {part}": number + value for word, number in small for part, value in more.items()}
        return {"half a": half, "half an": half} | mixed
    articles = ("", "ein ", "eine ", "einen ", "einem ", "einer ")
    found = {f"{article}halb{ending}": half for article in articles for ending in ENDINGS}
    found |= {f"anderthalb{ending}": 3 * half for ending in ENDINGS}
    return found | {f"{word}{join}einhalb": number + half for word, number in small for join in ("", "und")}


@cache
def _parts(language: str) -> Words:
    """Parts of a whole, by their nouns."""
    counts = [(word, number) for word, number in _numbers(language).items() if 1 <= number < 10]
    if language == "en":
        found = {f"{start}half": Fraction(1, 2) for start in ("", "a ", "one ")} | {"quarter": Fraction(1, 4)}
        for denominator, part in PARTS["en"].items():
            found[f"a {part}"] = Fraction(1, denominator)
            found |= {f"{word} {part}{'s' if number > 1 else ''}": Fraction(number) / denominator for word, number in counts}
        return found
    found = {f"{start}hälfte": Fraction(1, 2) for start in ("", "die ", "eine ", "der ")}
    for denominator, part in PARTS["de"].items():
        found[part] = Fraction(1, denominator)
        found |= {f"{word}{join}{part}": Fraction(number) / denominator for word, number in counts for join in ("", " ")}
    return _spelt(found)
