"""Recipes: how a kind of claim is recomputed from inputs that a reader chooses.

The fields of a recipe are its inputs. A preset is the recipe of a claim with the article's inputs; the notebook holds the
presets by the ids of the claims, and so says which share and day each claim is about.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from shockcheck import charts, ledger, measures
from shockcheck.data import facts, fx, prices, tables
from shockcheck.errors import ParameterError
from shockcheck.findings import checks
from shockcheck.findings.finding import Finding
from shockcheck.formats.days import parse_day
from shockcheck.languages.language import get_language

MAX_RANKED = 12  # losses drawn in a ranking: as many as stay readable beside the widgets


@dataclass(frozen=True)
class Answer:
    """The answer of a recipe: the value in the claim's unit, the values at the day's low and high if any, and a chart."""

    value: float
    chart: charts.Chart
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """How a kind of claim is recomputed from the inputs that are its fields; days are written 'YYYY-MM-DD'."""

    @abstractmethod
    def answer(self) -> Answer:
        """Return the recomputed value and its chart; raises ParameterError for inputs that do not exist."""


@dataclass(frozen=True, kw_only=True)
class ShareRecipe(Recipe):
    """What recipes for a share on a day have in common. All prices that are explored come through its methods."""

    symbol: str
    day: str
    source: str = "embedded"

    @property
    def listing(self) -> prices.Listing:
        """How the share is listed."""
        return prices.listing(self.symbol, self.day, self.source)

    def sessions(self, before: int = 1) -> pd.DataFrame:
        """Return the bars of the day and of the `before` sessions before it, as `prices.sessions` does."""
        return prices.sessions(self.symbol, self.day, before, self.source)

    def closes(self) -> pd.Series:
        """Return all known closes, or those around the day, by day."""
        return prices.daily(self.symbol, self.day, self.source)["close"].dropna()


@dataclass(frozen=True, kw_only=True)
class Change(ShareRecipe):
    """How far a price rose or fell from the last close to that of the day, in percent."""

    def answer(self) -> Answer:
        """Return the change at the close, with the changes at the day's low and high."""
        days = self.sessions()
        change, low, high = measures.percent_changes(days.iloc[-1], days["close"].iloc[0])
        direction, share = measures.up_or_down(change), self.listing
        title = f"{share.company}, daily closes: {direction} {abs(change):.2f}% on {_in_words(self.day)}"
        return Answer(change, charts.path(self.closes(), title, share.currency, marked=days.index), low, high)


@dataclass(frozen=True, kw_only=True)
class FallingDays(ShareRecipe):
    """On how many of two sessions, the day and the one before it, a price closed lower."""

    def answer(self) -> Answer:
        """Return the number of falling days, 0 to 2."""
        closes = self.sessions(before=2)["close"]
        falling = measures.falling_days(closes)
        title = f"{self.listing.company}, daily closes: {falling} of the two days to {_in_words(self.day)} ended lower"
        return Answer(falling, charts.path(self.closes(), title, self.listing.currency, marked=closes.index))


@dataclass(frozen=True, kw_only=True)
class PriceEarnings(ShareRecipe):
    """The day's close as a multiple of the earnings per share of the four quarters before it, by one accounting basis."""

    basis: str

    def answer(self) -> Answer:
        """Return the multiple; raises ParameterError where fewer than four quarters are known."""
        close = self.sessions()["close"].iloc[-1:]
        earnings = tables.load("earnings").query("symbol == @self.symbol")
        try:
            quarters = measures.last_quarters(earnings, self.basis, on=self.day)
        except ParameterError as error:
            raise ParameterError(f"{self.symbol}: {error}") from error
        per_share = measures.trailing_earnings(quarters["eps_printed"], quarters["split_factor"])
        quarters_before = f"the four quarters before {_in_words(self.day)}"
        title = f"{self.listing.company}: daily closes divided by {self.basis} earnings of {quarters_before}"
        chart = charts.path(measures.price_earnings(self.closes(), per_share), title, "times", marked=close.index)
        return Answer(measures.price_earnings(close.iloc[0], per_share), chart)


@dataclass(frozen=True, kw_only=True)
class MarketLoss(ShareRecipe):
    """The market value lost in a day, in billions of `currency` at the rate of the day `rate_day`.

    `shares` is the share count; None stands for the last count published by the day.
    """

    shares: float | None = None
    rate_day: str
    currency: str

    def share_count(self) -> float:
        """Return the share count; raises ParameterError where none is given and none was published by the day."""
        if self.shares is not None:
            return self.shares
        try:
            return float(prices.shares_outstanding(self.symbol, self.day, self.source)["shares"])
        except ParameterError as error:
            raise ParameterError(f"{error}, or type a count") from error

    def values_bn(self) -> pd.Series:
        """Return the market value at the last close and at the close of the day, in billions of `currency`, by day."""
        rate = _rate(self.listing.currency, self.currency, self.rate_day)
        return measures.converted(measures.market_value(self.sessions()["close"], self.share_count()), rate)

    def answer(self) -> Answer:
        """Return the loss, negative where the price rose."""
        values = self.values_bn()
        change = values.iloc[1] - values.iloc[0]
        direction, unit = measures.up_or_down(change), f"billion {self.currency}"
        day = _in_words(self.day)
        title = f"{self.listing.company}, market value: {direction} {abs(change):,.2f} {unit} on {day}"
        return Answer(-change, charts.before_and_after(values.rename(index="{:%d %b %Y}".format), title, unit))


@dataclass(frozen=True, kw_only=True)
class LossRank(MarketLoss):
    """The rank of a day's loss of market value among the losses published or recomputed up to the day `until`."""

    until: str

    def answer(self) -> Answer:
        """Return the rank; raises ParameterError for a day without a loss."""
        before, after = self.values_bn()
        if after >= before:
            raise ParameterError(f"{self.symbol} did not fall on {self.day}: there is no loss to rank; choose another day")
        ranking = self._ranking()
        labels = ranking["company"] + ", " + ranking["date"].dt.strftime("%Y-%m-%d")
        label, unit = f"{self.listing.company}, {self.day}", f"billion {self.currency}"
        drawn = ranking.set_index(labels)["loss_usd_bn"].head(MAX_RANKED)
        drawn[label] = before - after
        title = f"Largest one-day losses of market value to {_in_words(self.until)}, and the loss of {_in_words(self.day)}"
        chart = charts.ranked(drawn.sort_values(ascending=False), title, unit, highlight=[label])
        return Answer(measures.rank(before - after, ranking["loss_usd_bn"]), chart)

    def _ranking(self) -> pd.DataFrame:
        rate = _rate(self.listing.currency, self.currency, self.rate_day)
        recomputed = measures.daily_losses(self.closes(), self.share_count(), rate)
        published = facts.with_sources(tables.load("record_losses"))
        return measures.loss_ranking(published, recomputed, self.listing.company, self.symbol, self.until)


@dataclass(frozen=True, kw_only=True)
class TrainingCost(Recipe):
    """The cost of the GPU-hours of a model's training at one price per hour, in millions of `currency`."""

    model: str
    price_per_gpu_hour: float
    rate_day: str
    currency: str

    def answer(self) -> Answer:
        """Return the cost of all stages together; raises ParameterError for a model without GPU-hours."""
        hours = tables.load("gpu_hours")
        stages = hours[hours["model"] == self.model].set_index("stage")["gpu_hours"]
        if stages.empty:
            raise ParameterError(f"no GPU-hours of {self.model!r}; there are those of {', '.join(hours['model'].unique())}")
        rate = _rate("USD", self.currency, self.rate_day)
        costs = measures.converted(measures.cost(stages, self.price_per_gpu_hour), rate)
        total = measures.total(costs)
        drawn = pd.concat([costs, pd.Series({"together": total})])
        title = f"{self.model}: cost of training at {self.price_per_gpu_hour:.2f} USD per GPU-hour"
        return Answer(total, charts.ranked(drawn, title, f"million {self.currency}", highlight=["together"], digits=3))


@dataclass(frozen=True, kw_only=True)
class Converted(Recipe):
    """A sum in millions of US dollars, converted to millions of `currency` at the rate of the day `rate_day`."""

    amount: float
    rate_day: str
    currency: str

    def answer(self) -> Answer:
        """Return the converted sum; the chart also shows it at the rates of the surrounding days."""
        rate, amount = _rate("USD", self.currency, self.rate_day), float(self.amount)
        around = pd.Series(fx.rates_around("USD", self.currency, parse_day(self.rate_day, "rate_day")))
        day = _in_words(self.rate_day)
        title = f"{self.amount:,} million USD at the ECB reference rates of {day} and the surrounding days"
        highlight = around.index[around == rate]
        amounts = pd.Series({label: measures.converted(amount, rate) for label, rate in around.items()}, dtype=float)
        chart = charts.dots(amounts, title, f"million {self.currency}", highlight=highlight, digits=3)
        return Answer(measures.converted(amount, rate), chart)


def _in_words(day: str) -> str:
    """Return a day as the titles of charts have it: '7 March 2001'."""
    return get_language("en").day(parse_day(day, "day"))


def _rate(of: str, per: str, on: str) -> float:
    """Return the rate as a plain number: what is explored carries no derivation."""
    return float(fx.rate(of, per, parse_day(on, "rate_day")))


def finding(claim_id: str, recipe: Recipe) -> tuple[Finding, charts.Chart]:
    """Return the finding for a claim by its recipe, with the verdict by the same rule as on the pages, and the chart.

    Raises ParameterError for inputs that do not exist and LedgerError for an unknown claim.
    """
    answer = recipe.answer()
    return checks.check(claim_id, answer.value, answer.low, answer.high), answer.chart


def overview(presets: Mapping[str, Recipe]) -> pd.DataFrame:
    """Return what each preset gives, in the article's order: columns stated, recomputed (text, with unit) and verdict."""
    rows = {}
    for claim in claims_of(presets):
        result, _ = finding(claim.id, presets[claim.id])
        words = result.in_words()
        rows[claim.id] = (words.stated, words.recomputed, result.verdict)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["stated", "recomputed", "verdict"]).rename_axis("claim")


def claims_of(presets: Mapping[str, Recipe]) -> list[ledger.Claim]:
    """Return the claims of the presets in the article's order; raises LedgerError for an unknown claim."""
    book = ledger.load()
    known = {book.claim(claim_id).id for claim_id in presets}
    return [claim for claim in book.claims if claim.id in known]
