"""Languages: numbers, sums and days as readers expect them, and a catalogue that lacks no label."""

import ast
import re
from datetime import date
from decimal import Decimal

import pytest
from babel.messages.pofile import read_po
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from shockcheck import verdicts
from shockcheck.errors import ParameterError
from shockcheck.findings import checks
from shockcheck.languages import language
from shockcheck.languages.language import get_language
from shockcheck.verdicts import Verdict

N = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "unit", "digits", "signed", "english", "german"),
    [
        (-16.968, "percent", 2, True, "−16.97%", f"−16,97{N}%"),
        (8.93, "percent", 2, True, "+8.93%", f"+8,93{N}%"),
        (562.828, "billion EUR", 2, False, f"€562.83{N}billion", f"562,83{N}Mrd.{N}€"),
        (5.295, "million EUR", 3, False, f"€5.295{N}million", f"5,295{N}Mio.{N}€"),
        (-1.5, "billion USD", 1, False, f"−$1.5{N}billion", f"−1,5{N}Mrd.{N}$"),
        (9185.0, "JPY", None, False, "¥9,185", f"9.185{N}¥"),
        (142.62, "USD", None, False, "$142.62", f"142,62{N}$"),
        (24_490_000_000, "shares", None, False, "24,490,000,000 shares", "24.490.000.000 Aktien"),
        (1, "rank", 0, False, "rank 1", "Rang 1"),
        (56.13, "times", 2, False, "56.13 times", "das 56,13-Fache"),
        (-0.001, "percent", 2, True, "0.00%", f"0,00{N}%"),
        (3.5, "parsecs", None, False, "3.5 parsecs", "3,5 parsecs"),
    ],
)
def test_a_quantity(value, unit, digits, signed, english, german):
    assert get_language("en").quantity(value, unit, digits, signed) == english
    assert get_language("de").quantity(value, unit, digits, signed) == german


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(592.6580000000001, "592.658"), (0.1234567891, "0.1234568"), (1e9, "1,000,000,000"), (0, "0")],
        *[(1234567.891, "1,234,567.89"), (21430.576, "21,430.58"), (123456789.4, "123,456,789.4")],
    ],
)
def test_a_number_without_digits_has_those_it_needs(value, text):
    assert get_language("en").number(value) == text


@given(st.floats(-1e12, 1e12), st.integers(0, 6))
def test_a_number_is_rounded_as_python_rounds_it(value, digits):
    assert get_language("en").number(value, digits).replace("−", "-") in (
        f"{value:,.{digits}f}",
        f"{value:,.{digits}f}".lstrip("-"),
    )


def test_days():
    assert (get_language("en").day(date(2001, 1, 27)), get_language("de").day(date(2001, 1, 27))) == (
        "27 January 2001",
        "27. Januar 2001",
    )
    assert (get_language("en").short_day(date(2001, 3, 7)), get_language("de").short_day(date(2001, 3, 7))) == (
        "7 Mar",
        "7. März",
    )


def test_units_at_an_axis():
    assert [get_language("en").unit(unit) for unit in ("billion EUR", "USD", "percent")] == ["€ billion", "$", "percent"]
    assert [get_language("de").unit(unit) for unit in ("billion EUR", "USD", "percent")] == ["Mrd. €", "$", "Prozent"]


@pytest.mark.parametrize(
    ("stated", "hedge", "direction", "english", "german"),
    [
        ("17", None, None, "at least 16.5, less than 17.5", "16,5 bis unter 17,5"),
        ("17", None, "fall", "more than −17.5, up to −16.5", "über −17,5 bis −16,5"),
        ("5 bis 6", "between", None, "5 to 6", "5 bis 6"),
        ("5,7", "less than", None, "below 5.7", "unter 5,7"),
        ("5,7", "less than", "fall", "above −5.7", "über −5,7"),
        ("1", "exactly", None, "exactly 1", "genau 1"),
        ("206", "more than", None, "above 206", "über 206"),
        ("21.430,58", None, None, "at least 21,430.575, less than 21,430.585", "21.430,575 bis unter 21.430,585"),
        (
            "1.234.567.890",
            None,
            None,
            "at least 1,234,567,889.5, less than 1,234,567,890.5",
            "1.234.567.889,5 bis unter 1.234.567.890,5",
        ),
    ],
)
def test_an_interval_in_words(stated, hedge, direction, english, german):
    allowed = verdicts.interval(stated, hedge, direction, "de")
    assert (get_language("en").interval(allowed), get_language("de").interval(allowed)) == (english, german)


@given(st.integers(0, 10**12), st.integers(0, 4))
def test_the_ends_of_an_interval_are_shown_to_the_last_digit(number, digits):
    exact = Decimal(number).scaleb(-digits)
    allowed = verdicts.interval(f"{exact:f}", None, None, "en")
    low, high = re.fullmatch("at least (.+), less than (.+)", get_language("en").interval(allowed)).groups()
    half = Decimal(1).scaleb(-digits) / 2
    assert (Decimal(low.replace(",", "").replace("−", "-")), Decimal(high.replace(",", ""))) == (exact - half, exact + half)


def test_a_unit_may_be_any_text():
    assert get_language("en").quantity(3, "{} of {value}") == "3 {} of {value}"


def test_a_finding_in_german(sample):
    words = checks.check("fall", -16.968, -18.174, -9.97).in_words(get_language("de"))
    assert (words.verdict, words.stated) == ("stimmt", f"Rückgang um 17{N}%")
    assert words.recomputed == f"−16,97{N}% (Tagesspanne −18,17{N}% bis −9,97{N}%)"


def test_a_quote_stands_in_the_marks_of_its_language():
    assert (language.quoted("so", "en"), language.quoted("so", "de")) == ("“so”", "„so“")
    assert set(language.QUOTATION_MARKS) == set(language.CODES)


def test_an_unknown_language_is_refused_by_name(project):
    with pytest.raises(ParameterError, match="lang must be one of en, de, not 'fr'"):
        language.get_language("fr")
    assert "lang must be one of en, de, not 'fr'" in project.fails("report", "--lang", "fr")
    assert "omit it for a variant" in project.fails(
        "report", "--lang", "de", "--only", "05-price-earnings", "-p", "basis=GAAP"
    )


def labels() -> set[str]:
    """Every label that templates and modules ask for by its text."""
    found = set()
    for path in (ROOT / "shockcheck").rglob("*"):
        if path.is_file() and path.suffix in (".html", ".j2"):
            text = path.read_text(encoding="utf-8")
            found |= set(re.findall(r"(?:\b_|\bsay|\blabel)\('((?:[^'\\]|\\.)+)'", text))
    for path in (ROOT / "shockcheck").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
                "text",
                "say",
            )
            if called and node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                found.add(node.args[0].value)
    meanings = {verdict.meaning for verdict in Verdict} | {verdicts.OFF_WITH_RANGE, verdicts.OFF_WITHOUT_RANGE}
    return found | set(Verdict) | meanings


def catalogue(code: str) -> dict[str, str]:
    with (ROOT / f"shockcheck/languages/{code}.po").open("rb") as file:
        return {entry.id: entry.string for entry in read_po(file) if entry.id}


def test_the_german_catalogue_lacks_no_label_and_keeps_every_value():
    german = catalogue("de")
    assert sorted(labels() - set(german)) == []
    for label, translated in german.items():
        assert translated.strip(), label
        assert sorted(re.findall(r"\{\w*\}", label)) == sorted(re.findall(r"\{\w*\}", translated)), label
