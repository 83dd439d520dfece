"""Exchange rates: those of the library, by day and by currency, and what is said where there is none."""

from datetime import date, timedelta

import pytest
from currency_converter import CurrencyConverter

from shockcheck.data import fx
from shockcheck.errors import ParameterError


def test_rates_around_a_day_skip_the_weekend():
    rates = fx.rates_around("USD", "EUR", date(2025, 1, 27))
    assert rates == {
        "ECB, 23 Jan": 1.0404,
        "ECB, 24 Jan": 1.0472,
        "ECB, 27 Jan": 1.053,
        "ECB, 28 Jan": 1.0421,
        "ECB, 29 Jan": 1.0396,
    }


def test_the_last_rate_before_easter_monday_is_of_thursday():
    assert fx.last_day("USD", "EUR", date(2024, 4, 1)) == date(2024, 3, 28)
    assert fx.last_day("USD", "EUR", date(1999, 1, 10)) == date(1999, 1, 8)
    with pytest.raises(ParameterError, match="no reference rate USD/EUR for 1999-01-03"):
        fx.last_day("USD", "EUR", date(1999, 1, 3))


def test_rates_around_easter_and_at_the_end_of_what_is_shipped():
    assert list(fx.rates_around("USD", "EUR", date(2024, 4, 2), days=1)) == ["ECB, 28 Mar", "ECB, 2 Apr", "ECB, 3 Apr"]
    assert len(fx.rates_around("USD", "EUR", fx.span()[1])) == 3


def test_rates_are_those_of_the_library_whatever_year():
    every = CurrencyConverter()
    first, last = every.bounds["EUR"]
    assert fx.span() == (first, last)
    for on in (first, date(2008, 7, 15), date(2024, 12, 31), date(2025, 1, 2), last):
        assert fx.rate("USD", "EUR", on) == every.convert(1, "EUR", "USD", date=on)
        assert fx.rate("JPY", "CHF", on) == every.convert(1, "CHF", "JPY", date=on)


@pytest.mark.parametrize("on", [date(1998, 12, 31), date(2025, 1, 1), date(2025, 1, 26), fx.span()[1] + timedelta(days=1)])
def test_a_day_without_a_rate_is_refused(on):
    with pytest.raises(ParameterError, match=f"no reference rate USD/EUR for {on}"):
        fx.rate("USD", "EUR", on)


def test_a_currency_that_is_no_longer_has_no_rate_and_one_that_never_was_is_none():
    assert fx.rate("HRK", "EUR", date(2022, 12, 30)) == 7.5365
    with pytest.raises(ParameterError, match="no reference rate HRK/EUR for 2023-01-02"):
        fx.rate("HRK", "EUR", date(2023, 1, 2))
    with pytest.raises(ParameterError, match="no reference rate for the currency 'XXX'"):
        fx.rate("XXX", "EUR", date(2023, 1, 2))


def test_cross_and_inverse_rates_follow_from_the_euro_rates():
    on = date(2025, 1, 27)
    assert fx.rate("EUR", per="USD", on=on) == pytest.approx(1 / 1.0530)
    assert fx.rate("USD", per="USD", on=on) == 1
    yen = fx.rate("JPY", per="EUR", on=on)
    assert fx.rate("JPY", per="USD", on=on) == pytest.approx(yen / 1.0530)


@pytest.mark.parametrize(
    ("currency", "day", "message"),
    [
        ("USD", date(2025, 1, 26), "no reference rate USD/EUR for 2025-01-26; choose a working day"),
        ("USD", date(1990, 1, 2), "no reference rate USD/EUR for 1990-01-02"),
        ("XXX", date(2025, 1, 27), "no reference rate for the currency 'XXX'"),
    ],
)
def test_no_exchange_rate(currency, day, message):
    with pytest.raises(ParameterError, match=message):
        fx.rate(currency, per="EUR", on=day)


def test_a_holiday_of_the_bank_takes_the_last_rate_before_it():
    assert fx.last_day("USD", "EUR", date(2024, 5, 1)) == date(2024, 4, 30)
    assert fx.last_day("TWD", "TWD", date(2024, 5, 1)) == date(2024, 5, 1)
