"""The interval rule and the verdicts, by examples that can be checked on paper and by what must hold of all of them."""

import re
from decimal import Decimal
from typing import get_args

import pytest
from babel.numbers import format_decimal
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from shockcheck import numerals, verdicts
from shockcheck.verdicts import Verdict

INTERVALS = [
    ("17", None, None, "[16.5, 17.5)"),
    ("17", None, "fall", "(-17.5, -16.5]"),
    ("17", None, "rise", "[16.5, 17.5)"),
    ("5,7", None, None, "[5.65, 5.75)"),
    ("5,70", None, None, "[5.695, 5.705)"),
    ("563", None, None, "[562.5, 563.5)"),
    ("zehn", None, "fall", "(-10.5, -9.5]"),
    ("fünf und sechs", "between", "rise", "[5.0, 6.0]"),
    ("5 bis 6", "between", "fall", "[-6.0, -5.0]"),
    ("5,7", "less than", None, "(-inf, 5.7)"),
    ("206", "more than", None, "(206.0, inf)"),
    ("206", "more than", "fall", "(-inf, -206.0)"),
    ("60", "almost", None, "[54.0, 60.0)"),
    ("60", "almost", "fall", "(-60.0, -54.0]"),
    ("17", "about", None, "[16.0, 18.0]"),
    ("5,7", "about", None, "[5.6, 5.8]"),
    ("1", "exactly", None, "[1.0, 1.0]"),
    ("1.234.567", None, None, "[1234566.5, 1234567.5)"),
]


@pytest.mark.parametrize(("stated", "hedge", "direction", "expected"), INTERVALS)
def test_interval_follows_from_print(stated, hedge, direction, expected):
    assert str(verdicts.interval(stated, hedge, direction, "de")) == expected


def test_every_hedge_has_its_interval_and_no_other_word_has():
    assert get_args(verdicts.Hedge) == ("about", "less than", "more than", "almost", "between", "exactly")
    assert get_args(verdicts.Direction) == ("rise", "fall")
    tested = {hedge for _, hedge, _, _ in INTERVALS}
    assert tested == {None, *get_args(verdicts.Hedge)}
    with pytest.raises(KeyError):
        verdicts.interval("17", "roughly", None, "de")


@pytest.mark.parametrize(
    ("stated", "hedge", "places"),
    [
        ("17", None, 0),
        ("5,7", "about", 1),
        ("5,70", None, 2),
        ("hundert", "about", 0),
        ("1.000", None, 0),  # thousands are no decimal places
        ("5 bis 6,25", "between", 2),  # those of the end that has more
        ("5,25 bis 6", "between", 2),
    ],
)
def test_decimal_places_are_those_of_the_print(stated, hedge, places):
    assert verdicts.decimals(stated, hedge, "de") == places


RATINGS = {
    Verdict.HOLDS: 5,
    Verdict.HELD_INTRADAY: 3,
    Verdict.OFF: 1,
    Verdict.SUPPORTED: 5,
    Verdict.IMPRECISE: 3,
    Verdict.CONTRADICTED: 1,
    Verdict.UNCHECKED: None,
}


def test_every_verdict_has_the_sign_and_the_meaning_that_the_readme_gives():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for verdict in Verdict:
        assert f"| {verdict.sign} {verdict} | {verdict.meaning} |" in text
    assert {verdict: verdict.rating for verdict in Verdict} == RATINGS


def test_what_off_means_depends_on_whether_prices_of_the_day_are_known():
    assert verdicts.OFF_WITH_RANGE == "does not match the close or any price of the day"
    assert verdicts.OFF_WITHOUT_RANGE == "does not match the number in the article"
    assert Verdict.OFF.meaning.startswith(verdicts.OFF_WITHOUT_RANGE)


def test_language_rules_the_decimal_sign():
    assert verdicts.number("5.7", "en") == Decimal("5.7")
    assert verdicts.number("5,7", "de") == Decimal("5.7")


@pytest.mark.parametrize("printed", ["5.7", "", "abc", "NaN", "Infinity", "-5", "1e3", "5,", ",5", "5,7,1", "٣", "17 %"])
def test_what_is_no_number_as_printed_in_german(printed):
    with pytest.raises(ValueError, match="is not an unsigned number as printed"):
        verdicts.number(printed, "de")


NAMED = [
    ("de", "hundert", "100"),
    ("de", "einhundert", "100"),
    ("de", "ein", "1"),
    ("de", "eine", "1"),
    ("de", "dreissig", "30"),
    ("de", "Dreißig", "30"),
    ("de", "fuenf", "5"),
    ("de", "einundzwanzig", "21"),
    ("de", "zweihundertfünf", "205"),
    ("de", "tausend", "1000"),
    ("de", "anderthalb", "1.5"),
    ("de", "zweieinhalb", "2.5"),
    ("de", "ein halbes", "0.5"),
    ("de", "ein Viertel", "0.25"),
    ("de", "drei Viertel", "0.75"),
    ("de", "1½", "1.5"),
    ("de", "1 1/2", "1.5"),
    ("de", "¾", "0.75"),
    ("de", "1'000", "1000"),
    ("de", "1’000,50", "1000.50"),
    ("de", "1 000", "1000"),
    ("de", "1\u00a0000\u00a0000", "1000000"),
    ("de", "1\u202f000", "1000"),
    ("en", "half", "0.5"),
    ("en", "half a", "0.5"),
    ("en", "a quarter", "0.25"),
    ("en", "three quarters", "0.75"),
    ("en", "one and a half", "1.5"),
    ("en", "a hundred", "100"),
    ("en", "two hundred", "200"),
    ("en", "one hundred and five", "105"),
    ("en", "twenty-one", "21"),
    ("en", "1 000.5", "1000.5"),
]


@pytest.mark.parametrize(("language", "printed", "value"), NAMED)
def test_words_fractions_and_groups_are_read_exactly(language, printed, value):
    read = verdicts.number(printed, language)
    assert (read, read.as_tuple().exponent) == (Decimal(value), Decimal(value).as_tuple().exponent)


OTHERWISE = [
    ("de", "zwei Drittel", "it has no end as a decimal: write it as far as it is meant, as '0,67', and hedge it by `about`"),
    ("en", "a third", "as '0.33', and hedge it by `about`"),
    ("en", "⅔", "as '0.67'"),
    ("de", "3.5", "a point marks no decimals in this language: write '3,5'"),
    ("en", "3,5", "a comma marks no decimals in this language: write '3.5'"),
    ("de", "1'000.50", 'write "1\'000,50"'),
    ("de", "+3,5", "leave out the sign, as in '3,5'; `direction` says whether it is a rise or a fall"),
    ("de", "−5", "leave out the sign, as in '5'"),
    ("de", "minus fünf", "leave out the sign, as in 'fünf'"),
    ("de", "Minus fünf", "leave out the sign, as in 'fünf'"),
    ("de", "−", "write it in digits, as in '3,5'"),
    ("de", "5,5 %", "write the number alone, as '5,5'"),
    ("en", "5.5 %", "write the number alone, as '5.5'"),
    ("de", "17 %", "write the number alone, as '17'; what it counts or multiplies is the `unit`"),
    ("de", "60fach", "write the number alone, as '60'"),
    ("en", "$5bn", "write the number alone, as '5'"),
    ("de", "eine Million", "write it in digits, as in '3,5'"),
    ("de", "anderthalbfach", "write it in digits, as in '3,5'"),
    ("en", ".5", "write it in digits, as in '3.5'"),
    ("en", "1e3", "write it in digits, as in '3.5'"),
    ("en", "1E3", "write it in digits, as in '3.5'"),
    ("de", "1 00", "write it in digits, as in '3,5'"),
    ("de", "1'000 000", "write it in digits, as in '3,5'"),
    ("de", "1/0", "write it in digits, as in '3,5'"),
]


@pytest.mark.parametrize(("language", "printed", "instead"), OTHERWISE)
def test_what_is_no_number_is_refused_with_what_to_write_instead(language, printed, instead):
    with pytest.raises(ValueError, match=f"is not an unsigned number as printed in language '{language}'; ") as raised:
        verdicts.number(printed, language)
    assert instead in str(raised.value)


@given(st.integers(1, 10**12), st.integers(0, 3), st.sampled_from(["'", "’", " ", "\u00a0", "\u202f", "\u2009"]))
def test_thousands_may_be_grouped_by_a_sign_that_marks_no_decimals(digits, places, sign):
    value = Decimal(digits).scaleb(-places)
    for language, mark in (("de", ","), ("en", ".")):
        printed = f"{value:,f}".replace(".", ";").replace(",", sign).replace(";", mark)
        assert verdicts.number(printed, language) == value


@pytest.mark.parametrize("language", ["de", "en"])
def test_no_word_names_two_numbers_and_every_number_has_one(language):
    tables = [numerals._numbers(language), numerals._with_halves(language), numerals._parts(language)]
    for word in set().union(*tables):
        assert len({table[word] for table in tables if word in table}) == 1, word
    assert set(numerals._numbers(language).values()) == set(range(1001))


@pytest.mark.parametrize(
    ("language", "stated", "ends"),
    [
        ("en", "twenty-one to twenty-two", [21, 22]),
        ("en", "one and a half to two", [1.5, 2]),
        ("de", "einundzwanzig bis hundert", [21, 100]),
        ("de", "1½–2", [1.5, 2]),
        ("de", "1 000 bis 1 200", [1000, 1200]),
    ],
)
def test_what_joins_two_numbers_may_stand_in_one(language, stated, ends):
    assert verdicts.numbers(stated, "between", language) == ends


TWO_NUMBERS = "is hedged by 'between' and must hold two numbers, as in '5 to 6'"
NOT_BETWEEN = [
    ("5", f"'5' {TWO_NUMBERS}"),
    ("4 und 5 und 6", f"'4 und 5 und 6' {TWO_NUMBERS}"),
    ("6 und 5", "'6 und 5' must name the smaller number first"),
    ("5 und 5", "'5 und 5' must name the smaller number first"),
    ("5 und 6 %", "'6 %' is not an unsigned number as printed in language 'de'; write the number alone, as '6'"),
    ("5.5 bis 6", "'5.5' is not an unsigned number as printed in language 'de'; a point marks no decimals"),
]


@pytest.mark.parametrize(("stated", "message"), NOT_BETWEEN)
def test_between_takes_two_numbers_the_smaller_first(stated, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        verdicts.interval(stated, "between", None, "de")


printed_values = st.builds(Decimal, st.integers(1, 10**9)).flatmap(
    lambda digits: st.integers(0, 4).map(lambda places: digits.scaleb(-places))
)


def as_printed(value: Decimal, language: str) -> str:
    places = -value.as_tuple().exponent
    return format_decimal(value, format="#,##0" + ("." + "0" * places if places else ""), locale=language)


@given(printed_values, st.sampled_from(["de", "en"]))
def test_number_reads_what_babel_prints(value, language):
    read = verdicts.number(as_printed(value, language), language)
    assert read == value
    assert read.as_tuple().exponent == value.as_tuple().exponent


@given(printed_values, st.sampled_from([None, "about", "exactly"]), st.sampled_from([None, "rise", "fall"]))
def test_interval_contains_the_printed_value(value, hedge, direction):
    allowed = verdicts.interval(as_printed(value, "de"), hedge, direction, "de")
    assert float(-value if direction == "fall" else value) in allowed


@given(printed_values)
def test_width_is_one_unit_of_the_last_printed_digit(value):
    allowed = verdicts.interval(as_printed(value, "de"), None, None, "de")
    assert allowed.length == pytest.approx(10.0 ** value.as_tuple().exponent, rel=1e-4)


@given(printed_values, st.sampled_from([None, "almost"]))
def test_edges_go_the_documented_way(value, hedge):
    allowed = verdicts.interval(as_printed(value, "de"), hedge, None, "de")
    mirrored = verdicts.interval(as_printed(value, "de"), hedge, "fall", "de")
    assert allowed.left in allowed
    assert allowed.right not in allowed
    assert mirrored.right in mirrored
    assert mirrored.left not in mirrored
    assert (mirrored.left, mirrored.right) == (-allowed.right, -allowed.left)


@given(printed_values)
def test_hedges_that_bound_leave_the_printed_value_out(value):
    for hedge in ("less than", "more than", "almost"):
        assert float(value) not in verdicts.interval(as_printed(value, "de"), hedge, None, "de")


SEVENTEEN = verdicts.interval("17", None, "fall", "de")
FIVE_TO_SIX = verdicts.interval("5 bis 6", "between", "rise", "de")


@pytest.mark.parametrize(
    ("value", "allowed", "low", "high", "expected"),
    [
        (-16.97, SEVENTEEN, None, None, "holds"),
        (-16.5, SEVENTEEN, None, None, "holds"),
        (-17.5, SEVENTEEN, None, None, "off"),
        (17.0, SEVENTEEN, None, None, "off"),  # a rise is not a fall
        (8.93, FIVE_TO_SIX, -1.83, 8.93, "held intraday"),
        (8.93, FIVE_TO_SIX, 6.0, 8.93, "held intraday"),
        (8.93, FIVE_TO_SIX, 6.01, 8.93, "off"),
        (8.93, FIVE_TO_SIX, None, None, "off"),
        (5.5, FIVE_TO_SIX, -1.83, 8.93, "holds"),
    ],
)
def test_verdict(value, allowed, low, high, expected):
    assert verdicts.verdict(value, allowed, low, high) == expected


@given(st.floats(-50, 50), st.floats(0, 30), st.floats(0, 30))
def test_a_wider_day_never_takes_a_verdict_away(value, down, up):
    order = ["off", "held intraday", "holds"]
    alone = verdicts.verdict(value, SEVENTEEN)
    ranged = verdicts.verdict(value, SEVENTEEN, value - down, value + up)
    assert order.index(ranged) >= order.index(alone)
    assert (ranged == "holds") == (alone == "holds")


HALF = "give the day's low and high together, or neither"


@pytest.mark.parametrize(
    ("value", "low", "high", "message"),
    [
        (float("nan"), None, None, "the recomputed value is nan, not a number"),
        (float("inf"), None, None, "the recomputed value is inf, not a number"),
        (1, 0, None, HALF),
        (1, None, 2, HALF),
        (1, 2, 3, "the recomputed value 1 is outside the day's range 2 to 3"),
        (4, 2, 3, "the recomputed value 4 is outside the day's range 2 to 3"),
    ],
)
def test_verdict_refuses_what_is_no_value_or_range(value, low, high, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        verdicts.verdict(value, SEVENTEEN, low, high)


def test_the_ends_of_a_day_belong_to_it():
    assert verdicts.verdict(5.0, FIVE_TO_SIX, 5.0, 7.0) == "holds"
    assert verdicts.verdict(7.0, FIVE_TO_SIX, 5.0, 7.0) == "held intraday"
    assert verdicts.verdict(6.5, FIVE_TO_SIX, 6.0, 6.5) == "held intraday"
    assert verdicts.verdict(6.5, FIVE_TO_SIX, 6.5, 6.5) == "off"  # a day of one price
