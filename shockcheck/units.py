"""Units: sums of money ("billion USD") and rates ("USD per EUR"), read from their texts in one place."""

import re
from typing import NamedTuple

SCALES = ("million", "billion", "trillion")
MONEY = re.compile(rf"(?:({'|'.join(SCALES)}) )?([A-Z]{{3}})")
RATE = re.compile(r"([A-Z]{3}) per (\S.*)")


class Money(NamedTuple):
    """The unit of a sum of money: "USD", or "million USD"; `currency` is an ISO 4217 code, `scale` one of `SCALES`."""

    currency: str
    scale: str | None = None

    def __str__(self) -> str:
        """Return the unit as text."""
        return f"{self.scale} {self.currency}" if self.scale else self.currency


class Rate(NamedTuple):
    """The unit of an amount of money for one of something: "USD per EUR", "USD per GPU-hour"."""

    currency: str
    per: str

    def __str__(self) -> str:
        """Return the unit as text."""
        return f"{self.currency} per {self.per}"


def parse_money(unit: str) -> Money | None:
    """Return the unit of a sum of money, or None for any other unit."""
    match = MONEY.fullmatch(unit)
    return Money(currency=match[2], scale=match[1]) if match else None


def parse_rate(unit: str) -> Rate | None:
    """Return the unit of a rate, or None for any other unit."""
    match = RATE.fullmatch(unit)
    return Rate(currency=match[1], per=match[2]) if match else None


def convert(unit: str, rate: str) -> str:
    """Return the unit of an amount divided by a rate, from the units of both: "billion USD", "USD per EUR" -> "billion EUR".

    A unit that is not in the currency of the rate stays as it is.
    """
    money, exchange, price = parse_money(unit), parse_rate(rate), parse_rate(unit)
    if exchange and money and money.currency == exchange.currency:
        return str(money._replace(currency=exchange.per))
    if exchange and price and price.currency == exchange.currency:
        return str(price._replace(currency=exchange.per))
    return unit
