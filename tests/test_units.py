import pytest
from hypothesis import given
from hypothesis import strategies as st

from shockcheck.units import SCALES, Money, Rate, convert, parse_money, parse_rate

currencies = st.text(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), min_size=3, max_size=3)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("USD", Money("USD")),
        ("million JPY", Money("JPY", "million")),
        ("billion USD", Money("USD", "billion")),
        ("trillion EUR", Money("EUR", "trillion")),
        ("thousand USD", None),
        ("billion", None),
        ("billion usd", None),
        ("billion USD ", None),
        ("USD per EUR", None),
        ("percent", None),
        ("", None),
    ],
)
def test_a_sum_of_money_has_a_currency_and_may_have_a_scale(text: str, unit: Money | None):
    assert parse_money(text) == unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("USD per EUR", Rate("USD", "EUR")),
        ("USD per GPU-hour", Rate("USD", "GPU-hour")),
        ("USD per share", Rate("USD", "share")),
        ("USD", None),
        ("USD per ", None),
        ("dollars per euro", None),
        ("billion USD", None),
        ("", None),
    ],
)
def test_a_rate_is_an_amount_of_money_for_one_of_something(text: str, unit: Rate | None):
    assert parse_rate(text) == unit


@pytest.mark.parametrize(
    ("unit", "rate", "converted"),
    [
        ("billion USD", "USD per EUR", "billion EUR"),
        ("USD", "USD per EUR", "EUR"),
        ("USD per share", "USD per EUR", "EUR per share"),
        ("billion USD", "USD per USD", "billion USD"),
        ("billion JPY", "USD per EUR", "billion JPY"),
        ("percent", "USD per EUR", "percent"),
        ("billion USD", "", "billion USD"),
        ("", "USD per EUR", ""),
    ],
)
def test_an_amount_divided_by_an_exchange_rate_is_in_the_other_currency(unit: str, rate: str, converted: str):
    assert convert(unit, rate) == converted


@given(currencies, st.sampled_from([None, *SCALES]))
def test_a_sum_of_money_is_read_as_it_is_written(currency: str, scale: str | None):
    assert parse_money(str(Money(currency, scale))) == Money(currency, scale)


@given(currencies, st.one_of(currencies, st.sampled_from(["share", "GPU-hour", "metric ton"])))
def test_a_rate_is_read_as_it_is_written(currency: str, per: str):
    assert parse_rate(str(Rate(currency, per))) == Rate(currency, per)


@given(currencies, currencies, st.sampled_from([None, *SCALES]))
def test_converting_there_and_back_leaves_the_unit_as_it_was(first: str, second: str, scale: str | None):
    unit = str(Money(first, scale))
    assert convert(convert(unit, str(Rate(first, second))), str(Rate(second, first))) == unit
