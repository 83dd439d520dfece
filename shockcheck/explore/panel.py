"""The panel: widgets to choose a claim and the inputs of its number; verdict and chart follow every change."""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import jinja2

from shockcheck import charts
from shockcheck.data import prices, tables
from shockcheck.errors import ParameterError, ShockcheckError
from shockcheck.explore import recipes
from shockcheck.explore.recipes import Recipe
from shockcheck.findings.finding import Finding
from shockcheck.formats.days import parse_day

TEMPLATES = Path(__file__).resolve().parent / "templates"

MIN_PRICE, MAX_PRICE = 0.05, 10.0  # in USD per GPU-hour: from below any offer to above any
LAST_COUNT = "the last one published"
NAMES = {
    "symbol": "Symbol",
    "day": "Day",
    "source": "Prices",
    "shares": "Share count",
    "rate_day": "Exchange rate of",
    "price_per_gpu_hour": "USD per GPU-hour",
}
DAY_INPUTS = {"day", "rate_day"}
FORMATS = {"shares": ",.0f", "price_per_gpu_hour": ".2f"}
Input = str | float | None  # of a recipe; None stands for the last share count published


def heading(changed: list[str]) -> str:
    """Return whose inputs a number is computed from: the article's, or the reader's with the inputs in `changed`."""
    return "With your inputs: " + ", ".join(changed) if changed else "With the article's inputs"


def _differences(preset: Recipe, chosen: Recipe) -> list[str]:
    """Return the inputs in which two recipes of a claim differ, each as 'Day 2020-03-16 instead of 2020-03-12'."""
    pairs = {name: (getattr(preset, name, None), getattr(chosen, name, None)) for name in NAMES}
    return [
        f"{NAMES[name]} {_as_text(name, new)} instead of {_as_text(name, old)}"
        for name, (old, new) in pairs.items()
        if old != new
    ]


def _as_text(name: str, value: Input) -> str:
    """Return an input as a sentence names it."""
    if value is None:
        return LAST_COUNT
    return f"{value:{FORMATS.get(name, '')}}"


def _as_widget(name: str, value: Input) -> Input | date:
    """Return an input as its widget takes it."""
    if name in DAY_INPUTS:
        return parse_day(str(value), name)
    if name == "shares":
        return "" if value is None else _as_text(name, value)
    return value


def _from_widget(name: str, value: Input | date) -> Input:
    """Return an input from its widget's value; raises ParameterError for a missing day or an unreadable share count."""
    if isinstance(value, date):
        return value.isoformat()
    if value is None:
        raise ParameterError(f"the field “{NAMES[name]}” is empty; choose a day")
    if isinstance(value, float):
        return round(value, 2)  # a slider's steps add up to 2.3000000000000003
    if name == "symbol":
        return value.strip().upper()
    return _count(value) if name == "shares" else value


def _count(text: str) -> float | None:
    """Return a share count as typed, with or without commas, or None for no text; raises ParameterError for other text."""
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


class Panel:
    """Widgets for a claim and the inputs of its number; a card with the verdict and a chart follow every change.

    Choosing a claim sets the inputs to the article's, and hides those that its number does not depend on. The widgets
    are attributes: `claim`, `symbol`, `day`, `source`, `shares`, `rate_day`, `price_per_gpu_hour`, `back`, `card`, `chart`.
    """

    def __init__(self, presets: Mapping[str, Recipe], claim: str) -> None:
        """Show `claim` first; raises LedgerError for an unknown claim, ParameterError where `claim` has no preset."""
        if claim not in presets:
            raise ParameterError(f"no preset for the claim {claim!r}; choose one of {', '.join(presets)}")
        self.presets = presets
        self._filling = False
        self._make_widgets([(entry.in_english, entry.id) for entry in recipes.claims_of(presets)], claim)
        self.fill()
        self.claim.observe(lambda _: self.fill(), "value")
        self.back.on_click(lambda _: self.fill())
        self.symbol.observe(lambda _: self._recount(), "value")
        for name in NAMES:
            getattr(self, name).observe(lambda _: self.refresh(), "value")

    def _make_widgets(self, options: list[tuple[str, str]], claim: str) -> None:
        look: dict[str, Any] = {"layout": {"width": "auto"}, "style": {"description_width": "8.5rem"}}
        typed = look | {"continuous_update": False}  # part of a symbol or number is not an input
        symbols = sorted(tables.load("listings")["symbol"])
        self.claim = widgets.Dropdown(description="The article says", options=options, value=claim, **look)
        self.symbol = widgets.Combobox(description=NAMES["symbol"], options=symbols, **typed)
        self.day = widgets.DatePicker(description=NAMES["day"], max=date.max, **look)  # `max` keeps years to four digits
        self.source = widgets.Dropdown(description=NAMES["source"], options=list(prices.SOURCES), **look)
        self.shares = widgets.Text(description=NAMES["shares"], placeholder=LAST_COUNT, **typed)
        self.rate_day = widgets.DatePicker(description=NAMES["rate_day"], max=date.max, **look)
        self.price_per_gpu_hour = widgets.FloatSlider(
            description=NAMES["price_per_gpu_hour"], min=MIN_PRICE, max=MAX_PRICE, step=0.05, **look
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
        """Set the inputs of the chosen claim to the article's, and show the result."""
        with self._quietly():
            for name in NAMES:
                is_input = self._takes(name)
                getattr(self, name).layout.display = None if is_input else "none"
                if is_input:
                    getattr(self, name).value = _as_widget(name, getattr(self.preset, name))
        self.refresh()

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Keep card and chart as they are while several inputs change in the block."""
        self._filling = True
        try:
            yield
        finally:
            self._filling = False

    def _recount(self) -> None:
        """Show the chosen share's count: the last one published by the day, or none where none is known."""
        if self._filling or not self._takes("shares"):
            return
        with self._quietly():
            try:
                symbol, day, source = (str(self._input(name)) for name in ("symbol", "day", "source"))
                count = prices.shares_outstanding(symbol, day, source)["shares"]
            except ShockcheckError:
                count = None
            self.shares.value = _as_widget("shares", count)

    def chosen(self) -> Recipe:
        """Return the recipe of the chosen claim with the current inputs; raises ParameterError for an unreadable input."""
        return replace(self.preset, **{name: self._input(name) for name in NAMES if self._takes(name)})

    def _takes(self, name: str) -> bool:
        return hasattr(self.preset, name)

    def _input(self, name: str) -> Input:
        return _from_widget(name, getattr(self, name).value)

    def refresh(self) -> None:
        """Show number, verdict and chart for the current inputs, or what is wrong with an input."""
        if self._filling:
            return
        self.back.disabled = False
        try:
            recipe = self.chosen()
            self._show(*recipes.finding(self.claim.value, recipe), _differences(self.preset, recipe))
        except ShockcheckError as error:
            self.text, self.chart.value = f"error: {error}", ""
            self.card.value = _render(part="error", error=str(error))

    def _show(self, finding: Finding, chart: charts.Chart, changed: list[str]) -> None:
        self.back.disabled = not changed
        self.text = f"{heading(changed)}\n{finding!r}\n{chart!r}"
        self.card.value = _render(part="card", heading=heading(changed), changed=changed, card=finding.html())
        self.chart.value = _render(part="chart", chart=chart)

    def __repr__(self) -> str:
        """Return what card and chart show as text, which the notebooks' tests compare."""
        return self.text

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        """Return the widgets, and for where they cannot live, as in a stored notebook, the current card."""
        still = _render(part="style") + _render(part="still", card=self.card.value)
        bundle: dict[str, object] = self.box._repr_mimebundle_()
        return bundle | {"text/plain": repr(self), "text/html": still}
