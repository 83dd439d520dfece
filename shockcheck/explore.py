"""Exploring: a claim's number, verdict and chart by inputs that a reader chooses, and the widgets to choose them with.

A recipe recomputes one kind of claim; its fields are its inputs. A preset is a recipe with the article's inputs, by the
claim's id. Which share and which day a claim is of, the notebook says.
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import ipywidgets as widgets
import jinja2
import pandas as pd

from shockcheck import charts, facts, findings, fx, ledger, measures, prices, tables
from shockcheck.errors import ParameterError, ShockcheckError
from shockcheck.paths import TEMPLATES

LARGEST = 12  # losses drawn in a ranking: as many as stay readable beside the widgets
CHEAPEST, DEAREST = 0.05, 10.0  # USD per GPU-hour, from below any offer to above any
LAST = "the last one published"
NAMES = {
    "symbol": "Symbol",
    "day": "Day",
    "source": "Prices",
    "shares": "Share count",
    "rate_day": "Exchange rate of",
    "price_per_gpu_hour": "USD per GPU-hour",
}
DAYS = {"day", "rate_day"}
FORMATS = {"shares": ",.0f", "price_per_gpu_hour": ".2f"}


@dataclass(frozen=True)
class Answer:
    """What a recipe gives: the value in the claim's unit, with the day's low and high where there are any, and a chart."""

    value: float
    chart: charts.Chart
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """How a kind of claim is recomputed from the inputs that are its fields; days are written 'YYYY-MM-DD'."""

    @abstractmethod
    def answer(self) -> Answer:
        """The recomputed value and its chart; raises ParameterError where an input asks for what does not exist."""


@dataclass(frozen=True, kw_only=True)
class _OfShare(Recipe):
    """What recipes of a share on a day have in common. All prices that are explored come through its methods."""

    symbol: str
    day: str
    source: str = "embedded"

    @property
    def listing(self) -> prices.Listing:
        return prices.listing(self.symbol, self.day, self.source)

    def sessions(self, before: int = 1) -> pd.DataFrame:
        return prices.sessions(self.symbol, self.day, before, self.source)

    def closes(self) -> pd.Series:
        return prices.daily(self.symbol, self.day, self.source)["close"].dropna()


@dataclass(frozen=True, kw_only=True)
class Change(_OfShare):
    """How far a price rose or fell from the last close to that of the day, in percent."""

    def answer(self) -> Answer:
        """The change at the close, with that at the day's low and high."""
        days = self.sessions()
        change, low, high = measures.percent_changes(days.iloc[-1], days["close"].iloc[0])
        called, share = measures.gain_or_loss(change), self.listing
        title = f"{share.company}, daily closes: a {called} of {abs(change):.2f} % on {self.day}"
        return Answer(change, charts.path(self.closes(), title, share.currency, marked=days.index), low, high)


@dataclass(frozen=True, kw_only=True)
class FallingDays(_OfShare):
    """On how many of the two sessions that end with the day a price closed lower."""

    def answer(self) -> Answer:
        """The number of falling days, 0 to 2."""
        closes = self.sessions(before=2)["close"]
        falling = measures.falling_days(closes)
        title = f"{self.listing.company}, daily closes: {falling} of two days to {self.day} ended lower"
        return Answer(falling, charts.path(self.closes(), title, self.listing.currency, marked=closes.index))


@dataclass(frozen=True, kw_only=True)
class PriceEarnings(_OfShare):
    """The day's close as a multiple of the earnings per share of the four quarters before it, by one accounting basis."""

    basis: str

    def answer(self) -> Answer:
        """The multiple; raises ParameterError where fewer than four quarters are known."""
        close = self.sessions()["close"].iloc[-1:]
        earnings = tables.load("earnings").query("symbol == @self.symbol")
        try:
            quarters = measures.last_quarters(earnings, self.basis, on=self.day)
        except ParameterError as error:
            raise ParameterError(f"{self.symbol}: {error}") from error
        per_share = measures.trailing_earnings(quarters["eps_printed"], quarters["split_factor"])
        title = f"{self.listing.company}: closes over the {self.basis} earnings of the four quarters before {self.day}"
        chart = charts.path(self.closes() / per_share, title, "times", marked=close.index)
        return Answer(measures.price_earnings(close.iloc[0], per_share), chart)


@dataclass(frozen=True, kw_only=True)
class MarketLoss(_OfShare):
    """What a day's fall took off the market value, in billions of `currency` at the rate of the day `rate_day`.

    `shares` is the share count; None stands for the last one published by the day.
    """

    shares: float | None = None
    rate_day: str
    currency: str

    def counted(self) -> float:
        """The share count; raises ParameterError where none is given and none was published by the day."""
        if self.shares is not None:
            return self.shares
        try:
            return float(prices.shares_outstanding(self.symbol, self.day, self.source)["shares"])
        except ParameterError as error:
            raise ParameterError(f"{error}, or type a count") from error

    def values_bn(self) -> pd.Series:
        """The market value at the close before the day and at that of the day, in billions of `currency`."""
        rate = _rate(self.listing.currency, self.currency, self.rate_day)
        return self.sessions()["close"] * self.counted() / 1e9 / rate

    def answer(self) -> Answer:
        """The loss, negative where the price rose."""
        values = self.values_bn()
        change = values.iloc[1] - values.iloc[0]
        called, unit = measures.gain_or_loss(change), f"billion {self.currency}"
        title = f"{self.listing.company} on {self.day}: a {called} of market value of {abs(change):,.2f} {unit}"
        return Answer(-change, charts.before_and_after(values.rename(index="{:%d %b %Y}".format), title, unit))


@dataclass(frozen=True, kw_only=True)
class LossRank(MarketLoss):
    """The place of a day's loss of market value among those published or recomputed up to the day `until`."""

    until: str

    def answer(self) -> Answer:
        """The rank; raises ParameterError for a day without a loss."""
        before, after = self.values_bn()
        if after >= before:
            raise ParameterError(f"{self.symbol} did not fall on {self.day}: there is no loss to rank; choose another day")
        ranking = self._ranking()
        labels = ranking["company"] + ", " + ranking["date"].dt.strftime("%Y-%m-%d")
        label, unit = f"{self.listing.company}, {self.day}", f"billion {self.currency}"
        drawn = ranking.set_index(labels)["loss_usd_bn"].head(LARGEST)
        drawn[label] = before - after
        title = f"Largest one-day losses of market value up to {self.until}, and that of {self.day}"
        chart = charts.ranked(drawn.sort_values(ascending=False), title, unit, highlight=[label])
        return Answer(measures.rank(before - after, ranking["loss_usd_bn"]), chart)

    def _ranking(self) -> pd.DataFrame:
        rate = _rate(self.listing.currency, self.currency, self.rate_day)
        own = measures.daily_losses(self.closes(), self.counted(), rate)
        published = facts.with_sources(tables.load("record_losses"))
        return measures.loss_ranking(published, own, self.listing.company, self.symbol, self.until)


@dataclass(frozen=True, kw_only=True)
class TrainingCost(Recipe):
    """What the GPU-hours of a model's training cost at one price an hour, in millions of `currency`."""

    model: str
    price_per_gpu_hour: float
    rate_day: str
    currency: str

    def answer(self) -> Answer:
        """The cost of all stages together; raises ParameterError for a model without GPU-hours."""
        hours = tables.load("gpu_hours")
        stages = hours[hours["model"] == self.model].set_index("stage")["gpu_hours"]
        if stages.empty:
            raise ParameterError(f"no GPU-hours of {self.model!r}; there are those of {', '.join(hours['model'].unique())}")
        rate = _rate("USD", self.currency, self.rate_day)
        costs = measures.cost(stages, self.price_per_gpu_hour) / rate
        total = costs.sum()
        drawn = pd.concat([costs, pd.Series({"together": total})])
        title = f"{self.model}: cost of training at {self.price_per_gpu_hour:.2f} USD per GPU-hour"
        return Answer(total, charts.ranked(drawn, title, f"million {self.currency}", highlight=["together"], digits=3))


@dataclass(frozen=True, kw_only=True)
class Converted(Recipe):
    """A sum of millions of US dollars in millions of `currency`, at the rate of the day `rate_day`."""

    amount: float
    rate_day: str
    currency: str

    def answer(self) -> Answer:
        """The converted sum; the chart shows it at the rates of the days around as well."""
        rate = _rate("USD", self.currency, self.rate_day)
        around = pd.Series(fx.rates_around("USD", self.currency, prices.day(self.rate_day, "rate_day")))
        title = f"{self.amount:,} million USD at the reference rate of {self.rate_day} and of the days around"
        highlight = around.index[around == rate]
        chart = charts.dots(self.amount / around, title, f"million {self.currency}", highlight=highlight, digits=3)
        return Answer(self.amount / rate, chart)


def _rate(of: str, per: str, on: str) -> float:
    return fx.rate(of, per, prices.day(on, "rate_day"))


def finding(claim_id: str, recipe: Recipe) -> tuple[findings.Finding, charts.Chart]:
    """The finding for a claim by one recipe, with the verdict by the rule that all claims are under, and its chart.

    Raises ParameterError for inputs that do not exist and LedgerError for an unknown claim.
    """
    answer = recipe.answer()
    return findings.check(claim_id, answer.value, answer.low, answer.high), answer.chart


def overview(presets: Mapping[str, Recipe]) -> pd.DataFrame:
    """What each preset gives, in the article's order: columns stated, recomputed (text, with unit) and verdict."""
    found = {claim.id: finding(claim.id, presets[claim.id])[0] for claim in _claims(presets)}
    rows = {name: (one.said().stated, one.said().recomputed, one.verdict) for name, one in found.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["stated", "recomputed", "verdict"]).rename_axis("claim")


def heading(changed: list[str]) -> str:
    """Whose inputs a number is by: the article's, or the reader's, of which `changed` names those that differ."""
    return "With your inputs: " + ", ".join(changed) if changed else "With the article's inputs"


def _differences(preset: Recipe, chosen: Recipe) -> list[str]:
    """The inputs in which two recipes of a claim differ, each as 'Day 2020-03-16 instead of 2020-03-12'."""
    pairs = {name: (getattr(preset, name, None), getattr(chosen, name, None)) for name in NAMES}
    return [
        f"{NAMES[name]} {_as_text(name, own)} instead of {_as_text(name, first)}"
        for name, (first, own) in pairs.items()
        if first != own
    ]


def _as_text(name: str, value: str | float | None) -> str:
    """An input as a sentence names it."""
    if value is None:
        return LAST
    return f"{value:{FORMATS.get(name, '')}}"


def _as_widget(name: str, value: str | float | None) -> str | float | date:
    """An input as its widget takes it."""
    if name in DAYS:
        return prices.day(value, name)
    if name == "shares":
        return "" if value is None else _as_text(name, value)
    return value


def _from_widget(name: str, value: str | float | date | None) -> str | float | None:
    """An input from what its widget holds; raises ParameterError for an empty day or a share count that is no number."""
    if name in DAYS:
        if value is None:
            raise ParameterError(f"the field “{NAMES[name]}” holds no day; choose one")
        return value.isoformat()
    if name == "symbol":
        return value.strip().upper()
    if name == "shares":
        return _count(value)
    if name == "source":
        return value
    return round(value, 2)  # a slider's steps add up to 2.3000000000000003


def _count(text: str) -> float | None:
    """A share count as typed, with or without commas; None where nothing is; raises ParameterError for anything else."""
    if not text.strip():
        return None
    try:
        count = float(re.sub(r"[\s,]", "", text))
    except ValueError:
        count = math.nan
    if not 0 < count < math.inf:
        raise ParameterError(f"the share count must be a number above 0, like 1,500,000,000, not {text!r}")
    return count


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined)


def _render(**shown: object) -> str:
    return _templates().get_template("explore.html").render(shown)


def _claims(presets: Mapping[str, Recipe]) -> list[ledger.Claim]:
    """The claims of the presets in the article's order; raises LedgerError for an unknown one."""
    book = ledger.load()
    known = {book.claim(claim_id).id for claim_id in presets}
    return [claim for claim in book.claims if claim.id in known]


class Panel:
    """Widgets for a claim and the inputs of its number; a card with the verdict and a chart follow every change.

    Choosing a claim sets the inputs to the article's, and hides those that its number does not depend on. The widgets
    are attributes: `claim`, `symbol`, `day`, `source`, `shares`, `rate_day`, `price_per_gpu_hour`, `back`, `card`, `chart`.
    """

    def __init__(self, presets: Mapping[str, Recipe], claim: str) -> None:
        """Show `claim` first; raises LedgerError for an unknown claim, ParameterError where `claim` has no preset."""
        if claim not in presets:
            raise ParameterError(f"no preset for the claim {claim!r}; there are {', '.join(presets)}")
        self.presets = presets
        self._filling = False
        self._make_widgets([(one.in_english, one.id) for one in _claims(presets)], claim)
        self.fill()
        self.claim.observe(lambda _: self.fill(), "value")
        self.back.on_click(lambda _: self.fill())
        self.symbol.observe(lambda _: self._recount(), "value")
        for name in NAMES:
            getattr(self, name).observe(lambda _: self.refresh(), "value")

    def _make_widgets(self, options: list[tuple[str, str]], claim: str) -> None:
        look = {"layout": {"width": "auto"}, "style": {"description_width": "8.5rem"}}
        typed = look | {"continuous_update": False}  # half a symbol or number is no input
        symbols = sorted(tables.load("listings")["symbol"])
        self.claim = widgets.Dropdown(description="The article says", options=options, value=claim, **look)
        self.symbol = widgets.Combobox(description=NAMES["symbol"], options=symbols, **typed)
        self.day = widgets.DatePicker(description=NAMES["day"], max=date.max, **look)  # `max` keeps years to four digits
        self.source = widgets.Dropdown(description=NAMES["source"], options=prices.SOURCES, **look)
        self.shares = widgets.Text(description=NAMES["shares"], placeholder=LAST, **typed)
        self.rate_day = widgets.DatePicker(description=NAMES["rate_day"], max=date.max, **look)
        self.price_per_gpu_hour = widgets.FloatSlider(
            description=NAMES["price_per_gpu_hour"], min=CHEAPEST, max=DEAREST, step=0.05, **look
        )
        self.back = widgets.Button(description="Back to the article's inputs", layout={"width": "auto"})
        self.card, self.chart = widgets.HTML(), widgets.HTML()
        inputs = [getattr(self, name) for name in NAMES]
        left = widgets.VBox([*inputs, self.back], layout={"flex": "1 1 20rem", "max_width": "26rem"})
        right = widgets.VBox(
            [self.card, self.chart], layout={"flex": "2 1 26rem", "max_width": "46rem", "min_height": "32rem"}
        )
        both = widgets.HBox([left, right], layout={"flex_flow": "row wrap", "grid_gap": "1.5rem"})
        style = widgets.HTML(_render(part="style"), layout={"display": "none"})
        self.box = widgets.VBox([style, self.claim, both], layout={"padding": "0.5rem"})

    @property
    def preset(self) -> Recipe:
        """The recipe of the chosen claim with the article's inputs."""
        return self.presets[self.claim.value]

    def fill(self) -> None:
        """Show the inputs of the chosen claim, set to the article's, and what comes out."""
        with self._quietly():
            for name in NAMES:
                taken = self._takes(name)
                getattr(self, name).layout.display = None if taken else "none"
                if taken:
                    getattr(self, name).value = _as_widget(name, getattr(self.preset, name))
        self.refresh()

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Several inputs change at once in the block: card and chart wait for the last."""
        self._filling = True
        try:
            yield
        finally:
            self._filling = False

    def _recount(self) -> None:
        """Another share has another count: the last one published by the day, or none where none is known."""
        if self._filling or not self._takes("shares"):
            return
        with self._quietly():
            try:
                inputs = (self._input(name) for name in ("symbol", "day", "source"))
                count = prices.shares_outstanding(*inputs)["shares"]
            except ShockcheckError:
                count = None
            self.shares.value = _as_widget("shares", count)

    def chosen(self) -> Recipe:
        """The recipe of the chosen claim with the inputs as they stand; raises ParameterError for an unreadable one."""
        return replace(self.preset, **{name: self._input(name) for name in NAMES if self._takes(name)})

    def _takes(self, name: str) -> bool:
        return hasattr(self.preset, name)

    def _input(self, name: str) -> str | float | None:
        return _from_widget(name, getattr(self, name).value)

    def refresh(self) -> None:
        """Show number, verdict and chart of the inputs as they stand, or in their place what is wrong with an input."""
        if self._filling:
            return
        self.back.disabled = False
        try:
            recipe = self.chosen()
            self._show(*finding(self.claim.value, recipe), _differences(self.preset, recipe))
        except ShockcheckError as error:
            self.text, self.chart.value = f"error: {error}", ""
            self.card.value = _render(part="error", error=str(error))

    def _show(self, found: findings.Finding, chart: charts.Chart, changed: list[str]) -> None:
        self.back.disabled = not changed
        self.text = f"{heading(changed)}\n{found!r}\n{chart!r}"
        self.card.value = _render(part="card", heading=heading(changed), changed=changed, card=found.html())
        self.chart.value = _render(part="chart", chart=chart)

    def __repr__(self) -> str:
        """What card and chart show, as text, which is what the notebooks' tests compare."""
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        """The widgets where they can live; elsewhere, as in a stored notebook, the card as it stands."""
        still = _render(part="style") + _render(part="still", card=self.card.value)
        return self.box._repr_mimebundle_() | {"text/plain": repr(self), "text/html": still}
