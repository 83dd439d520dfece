"""Charts in one house style: a table in, a drawing with an alternative text made from the same numbers out.

Each chart carries the table that it is drawn from. Its SVG has the same bytes in every run, its numbers are in the language
of the build, and its colours are variables that a page may set anew, for a dark theme. `claim` is the id of the claim that a
chart bears on: a page adds the verdict to the text. In the alternative text, which is English, numbers are in English.
"""

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, num2date
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullLocator

from shockcheck import frames
from shockcheck.charts import svg
from shockcheck.languages.language import current_language, decimal_places, get_language
from shockcheck.project.context import current_run
from shockcheck.quantities import check_band

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

INK, MUTED, RULE = "#1f2328", "#57606a", "#cfd4da"
FALL, RISE, PLAIN, BAND = "#a3123f", "#00614e", "#2456a8", "#f0c872"  # bad, good, plain and band of the pages' palette
VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    RULE: "rule",
    FALL: "fall",
    RISE: "rise",
    PLAIN: "plain",
    BAND: "band",
}
SETTINGS: "dict[RcKeyType, Any]" = {  # of matplotlib
    "svg.hashsalt": "shockcheck",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # ships with matplotlib, so that the layout is the same everywhere
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign is money
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.6,
    "timezone": "UTC",
}
# Every setting of matplotlib, so that neither a user's matplotlibrc nor a style sheet shows in a chart.
STYLE = {name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")} | SETTINGS
WIDTH = 4.8  # in inches: text stays readable when a phone shows the chart at two thirds of its size

Inputs = ParamSpec("Inputs")  # of a drawing


@dataclass(frozen=True)
class Chart:
    """A drawing as SVG with its caption, its alternative text and the table that it is drawn from."""

    svg: str
    caption: str
    alt: str
    table: pd.DataFrame
    claim: str | None = None

    def __repr__(self) -> str:
        """Return caption and alternative text, which the notebooks' tests compare."""
        return f"Chart: {self.caption}\n{self.alt}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict[str, Any], dict[str, Any]]:
        data = {"text/plain": repr(self), "image/svg+xml": self.svg, frames.MIMETYPE: frames.as_data(self.table)}
        return data, {"image/svg+xml": {"alt": self.alt, "caption": self.caption, "claim": self.claim}}


def _drawn(draw: Callable[Inputs, Chart]) -> Callable[Inputs, Chart]:
    """Return a function that draws nothing in a run for findings only, where drawing would be wasted."""

    @wraps(draw)
    def chart(*inputs: Inputs.args, **named: Inputs.kwargs) -> Chart:
        return Chart("", "", "", pd.DataFrame()) if current_run().findings_only else draw(*inputs, **named)

    return chart


@_drawn
def before_and_after(values: pd.Series, title: str, unit: str, claim: str | None = None) -> Chart:
    """Return two bars to scale for the two `values`, before and after, with their difference marked."""
    (first, before), (last, after) = values.items()
    change, colour = after - before, FALL if after < before else RISE
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.4)
        axes.bar([0, 1], [before, min(before, after)], color=PLAIN, width=0.6)
        axes.bar([1], [abs(change)], bottom=min(before, after), color=colour, width=0.6)
        middle = max(before, after) - abs(change) / 2
        axes.text(1.36, middle, _number(change, 2, signed=True), color=colour, va="center", weight="bold")
        for position, value in enumerate((before, after)):
            axes.text(position, max(before, after) * 1.02, _number(value, 2), ha="center")
        axes.set(xticks=[0, 1], xticklabels=[str(first), str(last)], xlim=(-0.5, 1.9), ylabel=current_language().unit(unit))
        axes.yaxis.set_major_formatter(AXIS)
        alt = f"Two bars: {before:,.2f} {unit} on {first}, {after:,.2f} on {last}; difference {change:+,.2f}."
        return _chart(figure, title, alt, values.to_frame(unit), claim)


@_drawn
def path(values: pd.Series, title: str, unit: str, marked: Iterable[pd.Timestamp] = (), claim: str | None = None) -> Chart:
    """Return a line over days, with the `marked` days as labelled points."""
    points = values[list(marked)]
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.0)
        axes.plot(values.index, values, color=PLAIN)
        axes.plot(points.index, points, "o", color=FALL)
        for when, value in zip(pd.DatetimeIndex(points.index), points, strict=True):
            label = f"{current_language().short_day(when)}: {_number(value, 2)}"
            above = value >= values.median()  # away from where the line goes on
            axes.annotate(label, (when, value), xytext=(6, 4 if above else -14), textcoords="offset points")
        _label_days(axes)
        axes.set(ylabel=current_language().unit(unit))
        alt = f"Line: {_extremes(values, unit, '%Y-%m-%d')}; marked: {_dated(points)}."
        return _chart(figure, title, alt, values.to_frame(unit), claim)


@_drawn
def path_with_band(values: pd.Series, title: str, unit: str, low: float, high: float, claim: str | None = None) -> Chart:
    """Return a line over the hours of one day, with a shaded band from `low` to `high` and the points inside it marked.

    Raises ParameterError for a band that does not run from a number up to another.
    """
    check_band(low, high)
    times, is_inside = pd.DatetimeIndex(values.index), values.between(low, high)
    inside, clock = values[is_inside], times.tz_localize(None)
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.0)
        axes.axhspan(low, high, color=BAND, linewidth=0)
        axes.axhline(0, color=RULE, linewidth=0.8)
        axes.plot(clock, values, color=PLAIN)
        axes.plot(clock[is_inside], inside, "o", color=FALL, markersize=4)
        band = current_language().text("{low} to {high}", low=_number(low), high=current_language().quantity(high, unit))
        axes.annotate(band, (clock[0], high), xytext=(2, 3), textcoords="offset points")
        clock_format = ConciseDateFormatter(axes.xaxis.get_major_locator(), show_offset=False)  # type: ignore[no-untyped-call]  # matplotlib.dates is untyped
        axes.xaxis.set_major_formatter(clock_format)
        axes.yaxis.set_major_formatter(AXIS)
        axes.set(ylabel=current_language().unit(unit), xlabel=current_language().text("time of day, {zone}", zone=times.tz))
        edges = " and ".join(get_language("en").number(edge, decimal_places(edge)) for edge in (low, high))
        share = f"{len(inside)} of {len(values)} points lie between {edges} {unit}"
        when = f", from {inside.index[0]:%H:%M} to {inside.index[-1]:%H:%M}" if len(inside) else ""
        alt = f"Line: {_extremes(values, unit, '%H:%M')}; {share}{when}."
        return _chart(figure, title, alt, values.to_frame(unit), claim)


@_drawn
def ranked(  # eight arguments, of which notebooks name all but three: each is a choice of how the chart looks
    values: pd.Series,
    title: str,
    unit: str,
    *,
    highlight: Iterable[str] = (),
    notes: pd.Series | None = None,
    log: bool = False,
    digits: int = 0,
    claim: str | None = None,
) -> Chart:
    """Return horizontal bars, or dots on a log scale, in the order of `values`, with value and note beside each.

    `highlight` names the rows that matter; `notes` holds texts by the same index.
    """
    marked = set(highlight)
    written, spoken = (
        pd.Series([write(value, digits) for value in values], index=values.index) for write in (_number, _spoken)
    )
    if notes is not None:
        written, spoken = (texts + " (" + notes + ")" for texts in (written, spoken))
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=0.7 + 0.27 * len(values))
        colours = [FALL if label in marked else PLAIN for label in values.index]
        if log:  # a bar's length would depend on where the axis begins
            axes.scatter(values, range(len(values)), color=colours, s=36, clip_on=False)
        else:
            axes.barh(range(len(values)), values, color=colours, height=0.7)
        for row, (value, text) in enumerate(zip(values, written, strict=True)):
            axes.annotate(text, (max(value, 0), row), xytext=(6, 0), textcoords="offset points", va="center")
        _label_rows(axes, values.index, unit, log)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(*_limits(values, log, text=0.024 * written.str.len().max()))
        listed = ", ".join(f"{label} {text}" for label, text in spoken.items())
        table = values.to_frame(unit) if notes is None else pd.DataFrame({unit: values, "note": notes})
        return _chart(figure, title, f"{'Dots' if log else 'Bars'}, {unit}: {listed}.", table, claim)


@_drawn
def path_with_ribbon(values: pd.DataFrame, title: str, unit: str, claim: str | None = None) -> Chart:
    """Return a line over days, the first column of `values`, in a band between the second and the third."""
    line, low, high = (values.iloc[:, number] for number in range(3))
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.0)
        axes.fill_between(values.index, low, high, color=BAND, linewidth=0, alpha=0.6)
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.plot(values.index, line, "o-", color=PLAIN, markersize=4)
        _label_days(axes)
        axes.yaxis.set_major_formatter(AXIS)
        axes.set(ylabel=current_language().unit(unit))
        ends = f"band at the end {low.iloc[-1]:,.2f} to {high.iloc[-1]:,.2f}"
        alt = f"Line with a band: {_extremes(line, unit, '%Y-%m-%d')}; {ends}."
        return _chart(figure, title, alt, values.iloc[:, :3], claim)


@_drawn
def spread(values: pd.Series, event: float, title: str, unit: str, label: str, claim: str | None = None) -> Chart:
    """Return a histogram of many days, with one day, `event`, marked by its `label`."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=2.6)
        highest = np.max(axes.hist(values, bins=24, color=PLAIN)[0])
        axes.plot([event], [0.03 * highest], "v", color=FALL, markersize=9)
        axes.annotate(f"{label}: {_number(event, 2)}", (event, 0.1 * highest), color=FALL, va="bottom")
        axes.xaxis.set_major_formatter(AXIS)
        axes.set(xlabel=current_language().unit(unit), ylabel=current_language().text("days"))
        lower = f"{label} at {event:,.2f}, with {int((values <= event).sum())} days at or below it"
        alt = f"Histogram of {len(values)} days from {values.min():,.2f} to {values.max():,.2f} {unit}; {lower}."
        return _chart(figure, title, alt, values.to_frame(unit), claim)


@_drawn
def intervals(  # seven arguments, of which notebooks name the last three: each is a choice of how the chart looks
    low: pd.Series,
    high: pd.Series,
    title: str,
    unit: str,
    *,
    log: bool = False,
    digits: int = 1,
    claim: str | None = None,
) -> Chart:
    """Return horizontal bars from `low` to `high`, both by the same index, with both ends written beside each."""
    pairs = list(zip(low, high, strict=True))
    written = [
        current_language().text("{low} to {high}", low=_number(start, digits), high=_number(end, digits))
        for start, end in pairs
    ]
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=0.9 + 0.32 * len(low))
        axes.barh(range(len(low)), high - low, left=low, color=PLAIN, height=0.6)
        for row, (end, text) in enumerate(zip(high, written, strict=True)):
            axes.annotate(text, (end, row), xytext=(6, 0), textcoords="offset points", va="center")
        _label_rows(axes, low.index, unit, log)
        axes.set_xlim(*_limits(pd.concat([low, high]), log, text=0.024 * max(map(len, written))))
        spoken = (
            f"{label} {_spoken(start, digits)} to {_spoken(end, digits)}"
            for label, start, end in zip(low.index, low, high, strict=True)
        )
        alt = f"Bars from a lower to an upper value, {unit}: {'; '.join(spoken)}."
        return _chart(figure, title, alt, pd.DataFrame({f"{unit}, low": low, f"{unit}, high": high}), claim)


@_drawn
def matrix(
    values: pd.DataFrame, marked: pd.DataFrame, title: str, unit: str, digits: int = 2, claim: str | None = None
) -> Chart:
    """Return a table of numbers as a field of cells; the cells that are true in `marked` are shaded."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=1.1 + 0.33 * len(values))
        for down, across in np.argwhere(marked.to_numpy()):
            axes.add_patch(Rectangle((across - 0.5, down - 0.5), 1, 1, color=BAND, linewidth=0))
        for (down, across), value in np.ndenumerate(values.to_numpy()):
            weight = "bold" if marked.iat[down, across] else "normal"
            axes.text(across, down, _number(value, digits), ha="center", va="center", weight=weight, size=8)
        axes.set(xlim=(-0.5, values.shape[1] - 0.5), ylim=(values.shape[0] - 0.5, -0.5))
        axes.set_xticks(range(values.shape[1]), [_stacked(label) for label in values.columns])
        axes.set_yticks(range(values.shape[0]), values.index)
        axes.tick_params(length=0, labelsize=7.5, top=True, bottom=False, labeltop=True, labelbottom=False)
        axes.spines[:].set_visible(False)
        numbers = values.to_numpy()
        pairs = [
            f"{values.index[down]} with {values.columns[across]} ({numbers[down, across]:,.{digits}f})"
            for down, across in np.argwhere(marked.to_numpy())
        ]
        alt = f"{values.size} combinations, {unit}; as printed: {'; '.join(pairs) or 'none'}."
        return _chart(figure, title, alt, values, claim)


@_drawn
def dots(
    values: pd.Series,
    title: str,
    unit: str,
    *,
    highlight: Iterable[str] = (),
    digits: int = 2,
    claim: str | None = None,
) -> Chart:
    """Return a dot for each value, in order, on a scale that need not begin at zero; `highlight` names rows that matter."""
    marked = set(highlight)
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=0.7 + 0.25 * len(values))
        axes.hlines(range(len(values)), values.min(), values.max(), color=RULE, linewidth=0.6)
        colours = [FALL if label in marked else PLAIN for label in values.index]
        axes.scatter(values, range(len(values)), color=colours, zorder=2)
        for row, (label, value) in enumerate(values.items()):
            weight, text = "bold" if label in marked else "normal", _number(value, digits)
            axes.annotate(text, (value, row), xytext=(6, 0), textcoords="offset points", va="center", weight=weight)
        _label_rows(axes, values.index, unit)
        axes.margins(x=0.12)
        listed = ", ".join(f"{label} {_spoken(value, digits)}" for label, value in values.items())
        return _chart(figure, title, f"Dots, {unit}: {listed}.", values.to_frame(unit), claim)


def _number(value: float, digits: int | None = None, signed: bool = False) -> str:
    """Return the number as the page's language writes it."""
    return current_language().number(value, digits, signed)


def _spoken(value: float, digits: int) -> str:
    """Return the number as the alternative text has it."""
    return f"{value:,.{digits}f}"


AXIS = FuncFormatter(lambda value, _: _number(value))
DAYS = FuncFormatter(lambda value, _: current_language().short_day(_day(value)))


def _day(value: float) -> date:
    """Return the day of a position on a time axis."""
    moment: datetime = num2date(value)  # type: ignore[no-untyped-call]  # matplotlib.dates is untyped
    return moment


def _label_days(axes: Axes) -> None:
    """Label a time axis by days, six at most."""
    axes.xaxis.set_major_locator(AutoDateLocator(maxticks=6))  # type: ignore[no-untyped-call]  # matplotlib.dates is untyped
    axes.xaxis.set_major_formatter(DAYS)


def _label_rows(axes: Axes, labels: pd.Index, unit: str, log: bool = False) -> None:
    """Label the rows of a horizontal chart, from the top down, and its axis."""
    unit_label = current_language().unit(unit)
    axes.set(
        yticks=range(len(labels)),
        yticklabels=labels,
        xlabel=current_language().text("{unit}, log scale", unit=unit_label) if log else unit_label,
    )
    axes.set_xscale("log" if log else "linear")
    axes.xaxis.set_major_formatter(AXIS)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)


def _stacked(label: object) -> str:
    """Return a label like 'Federal Reserve, 24 Jan' on several short lines."""
    return "\n".join(line for part in str(label).split(", ") for line in textwrap.wrap(part, 8))


def _limits(values: pd.Series, log: bool, text: float) -> tuple[float, float]:
    """Return limits of an axis that leave the share `text` of its length free for the text beside the largest value."""
    low, high = (values.min() / 2, values.max()) if log else (min(values.min(), 0.0), max(values.max(), 0.0))
    room = text / (1 - text)
    return low, high * (high / low) ** room if log else high + room * (high - low)


def _axes(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def _extremes(values: pd.Series, unit: str, pattern: str) -> str:
    def at(position: int) -> str:
        return f"at {times[position]:{pattern}}"

    times, top, bottom = pd.DatetimeIndex(values.index), int(values.argmax()), int(values.argmin())
    return (
        f"{values.iloc[0]:,.2f} {unit} {at(0)} to {values.iloc[-1]:,.2f} {at(-1)}; "
        f"highest {values.iloc[top]:,.2f} {at(top)}, lowest {values.iloc[bottom]:,.2f} {at(bottom)}"
    )


def _dated(values: pd.Series) -> str:
    return ", ".join(f"{value:,.2f} on {when:%Y-%m-%d}" for when, value in values.items()) or "none"


def _chart(figure: Figure, title: str, alt: str, table: pd.DataFrame, claim: str | None) -> Chart:
    return Chart(svg.from_figure(figure, VARIABLES), title, alt, table, claim)
