"""Mentions: which of the listed shares a text names, by its company or its symbol.

Only certain mentions count: the whole name of the company, except its legal form and the number of an index ("Example" names
the Example 100), or the symbol in capitals. So "Example" is not Example Energy, nor is "Example Energy" Example.
"""

import re
from collections.abc import Mapping

WORD = re.compile(r"[^\W_]+(?:&[^\W_]+)*")
LEGAL_FORM = re.compile("ab|ag|asa|co|company|corp|corporation|group|holdings?|inc|kgaa|limited|ltd|nv|oyj|plc|sa|se|the")
Words = tuple[str, ...]


def named_in(text: str, companies: Mapping[str, str]) -> set[str]:
    """Return the symbols of the shares that the text names; `companies` are the names of companies by symbol.

    Where one name begins with another, as Example Energy does with Example, the longer name counts.
    """
    words = _words(text)
    matches = {symbol: _company_in(words, _name(company)) for symbol, company in companies.items()}
    longest = {
        symbol
        for symbol, match in matches.items()
        if match and not any(len(other) > len(match) and other[: len(match)] == match for other in matches.values())
    }
    return longest | {symbol for symbol in companies if _symbol_in(text, symbol)}


def _words(text: str) -> Words:
    return tuple(word.casefold() for word in WORD.findall(text))


def _name(company: str) -> Words:
    words = _words(company)
    return tuple(word for word in words if not LEGAL_FORM.fullmatch(word)) or words


def _company_in(words: Words, name: Words) -> Words:
    """Return the words of the name that the text has one after another, or none."""
    number = name[-1] if len(name) > 1 and name[-1].isdigit() else ""
    short = name[:-1] if number else name
    named: Words = ()
    for start in range(len(words) - len(short) + 1):
        part_of_text, following = words[start : start + len(short)], words[start + len(short) : start + len(short) + 1]
        if all(
            word in (part, f"{part}s") for word, part in zip(part_of_text, short, strict=True)
        ):  # with the German genitive
            if number and following == (number,):
                return name
            if not (number and following and following[0].isdigit()):  # the Example 250 is another index
                named = short
    return named


def _symbol_in(text: str, symbol: str) -> bool:
    """Return whether the text has the symbol, with or without the mark of an index, as in ^EX, or exchange, as in EX.L."""
    stem = symbol.lstrip("^").partition(".")[0]
    spellings = [re.escape(symbol)] + ([re.escape(stem)] if len(stem) > 1 and not stem.isdigit() else [])
    return any(re.search(rf"(?<![\w.^]){spelling}(?!\w)", text) for spelling in spellings)
