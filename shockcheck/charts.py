"""Charts in one house style: a table in, a drawing with an alternative text made from the same numbers out.

A chart is drawn from exactly the table that it is given, which it carries along. Its SVG has the same bytes in every run,
its text stays text, its numbers are in the language of the build, and its colours are variables that a page may set anew,
for a dark theme. `claim` is the id of the claim that a chart bears on: a page adds the verdict to the text.
"""

import hashlib
import io
import os
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, num2date
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullLocator

from shockcheck import frames
from shockcheck.derivations import check_band
from shockcheck.languages import current, get, places
from shockcheck.paths import FINDINGS

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
OWN = {
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
# All that matplotlib has settings for, so that neither a user's matplotlibrc nor a style sheet shows in a chart.
STYLE = {name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")} | OWN
SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
WIDTH = 4.8  # inches: text stays readable when a phone shows the chart at two thirds of its size


@dataclass(frozen=True)
class Chart:
    """A drawing with its caption and its text for those who do not see it."""

    svg: str
    caption: str
    alt: str
    table: pd.DataFrame
    claim: str | None = None

    def __repr__(self) -> str:
        """The alternative text, which is what the notebooks' tests compare."""
        return f"Chart: {self.caption}\n{self.alt}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        data = {"text/plain": repr(self), "image/svg+xml": self.svg, frames.MIMETYPE: frames.as_data(self.table)}
        return data, {"image/svg+xml": {"alt": self.alt, "caption": self.caption, "claim": self.claim}}


def _drawn(draw: Callable[..., Chart]) -> Callable[..., Chart]:
    """The same function, which leaves the drawing out where findings alone are asked for."""

    @wraps(draw)
    def chart(*given: object, **named: object) -> Chart:
        return Chart("", "", "", pd.DataFrame()) if os.environ.get(FINDINGS) else draw(*given, **named)

    return chart


@_drawn
def before_and_after(values: pd.Series, title: str, unit: str, claim: str | None = None) -> Chart:
    """Two bars to scale, a quantity before and after; the difference stands on the second, or above the first."""
    (first, before), (last, after) = values.items()
    change, colour = after - before, FALL if after < before else RISE
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.4)
        axes.bar([0, 1], [before, min(before, after)], color=PLAIN, width=0.6)
        axes.bar([1], [abs(change)], bottom=min(before, after), color=colour, width=0.6)
        middle = max(before, after) - abs(change) / 2
        axes.text(1.36, middle, _number(change, 2, signed=True), color=colour, va="center", weight="bold")
        for place, value in enumerate((before, after)):
            axes.text(place, max(before, after) * 1.02, _number(value, 2), ha="center")
        axes.set(xticks=[0, 1], xticklabels=[str(first), str(last)], xlim=(-0.5, 1.9), ylabel=current().unit(unit))
        axes.yaxis.set_major_formatter(AXIS)
        alt = f"Two bars: {before:,.2f} {unit} on {first}, {after:,.2f} on {last}; difference {change:+,.2f}."
        return _chart(figure, title, alt, values.to_frame(unit), claim)


@_drawn
def path(values: pd.Series, title: str, unit: str, marked: Iterable[pd.Timestamp] = (), claim: str | None = None) -> Chart:
    """A line over days, with the marked days as labelled points."""
    points = values[list(marked)]
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.0)
        axes.plot(values.index, values, color=PLAIN)
        axes.plot(points.index, points, "o", color=FALL)
        for when, value in points.items():
            label = f"{current().short_day(when)}: {_number(value, 2)}"
            above = value >= values.median()  # away from where the line goes on
            axes.annotate(label, (when, value), xytext=(6, 4 if above else -14), textcoords="offset points")
        axes.xaxis.set_major_locator(AutoDateLocator(maxticks=6))
        axes.xaxis.set_major_formatter(DAYS)
        axes.set(ylabel=current().unit(unit))
        alt = f"Line: {_extremes(values, unit, '%Y-%m-%d')}; marked: {_dated(points)}."
        return _chart(figure, title, alt, values.to_frame(unit), claim)


@_drawn
def path_with_band(values: pd.Series, title: str, unit: str, low: float, high: float, claim: str | None = None) -> Chart:
    """A line over the hours of one day, a shaded band from `low` to `high`, and the points inside it marked.

    Raises ParameterError for a band that does not run from a number up to another.
    """
    check_band(low, high)
    inside = values[values.between(low, high)]
    clock = values.index.tz_localize(None)
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.0)
        axes.axhspan(low, high, color=BAND, linewidth=0)
        axes.axhline(0, color=RULE, linewidth=0.8)
        axes.plot(clock, values, color=PLAIN)
        axes.plot(inside.index.tz_localize(None), inside, "o", color=FALL, markersize=4)
        band = current().text("{low} to {high}", low=_number(low), high=current().quantity(high, unit))
        axes.annotate(band, (clock[0], high), xytext=(2, 3), textcoords="offset points")
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator(), show_offset=False))
        axes.yaxis.set_major_formatter(AXIS)
        axes.set(ylabel=current().unit(unit), xlabel=current().text("time of day, {zone}", zone=values.index.tz))
        edges = " and ".join(get("en").number(edge, places(edge)) for edge in (low, high))
        share = f"{len(inside)} of {len(values)} points lie between {edges} {unit}"
        when = f", from {inside.index[0]:%H:%M} to {inside.index[-1]:%H:%M}" if len(inside) else ""
        alt = f"Line: {_extremes(values, unit, '%H:%M')}; {share}{when}."
        return _chart(figure, title, alt, values.to_frame(unit), claim)


@_drawn
def ranked(
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
    """Horizontal bars in the order given, dots on a log scale, each with its value and its note, if any, beside it.

    `highlight` names those that matter; `notes` is texts by the same index.
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
        for place, (value, text) in enumerate(zip(values, written, strict=True)):
            axes.annotate(text, (max(value, 0), place), xytext=(6, 0), textcoords="offset points", va="center")
        _label_rows(axes, values.index, unit, log)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(*_limits(values, log, text=0.024 * written.str.len().max()))
        listed = ", ".join(f"{label} {text}" for label, text in spoken.items())
        table = values.to_frame(unit) if notes is None else pd.DataFrame({unit: values, "note": notes})
        return _chart(figure, title, f"{'Dots' if log else 'Bars'}, {unit}: {listed}.", table, claim)


@_drawn
def path_with_ribbon(values: pd.DataFrame, title: str, unit: str, claim: str | None = None) -> Chart:
    """A line over days (first column) with the band between the second and third column around it."""
    line, low, high = (values.iloc[:, number] for number in range(3))
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.0)
        axes.fill_between(values.index, low, high, color=BAND, linewidth=0, alpha=0.6)
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.plot(values.index, line, "o-", color=PLAIN, markersize=4)
        axes.xaxis.set_major_locator(AutoDateLocator(maxticks=6))
        axes.xaxis.set_major_formatter(DAYS)
        axes.yaxis.set_major_formatter(AXIS)
        axes.set(ylabel=current().unit(unit))
        ends = f"band at the end {low.iloc[-1]:,.2f} to {high.iloc[-1]:,.2f}"
        alt = f"Line with a band: {_extremes(line, unit, '%Y-%m-%d')}; {ends}."
        return _chart(figure, title, alt, values.iloc[:, :3], claim)


@_drawn
def spread(values: pd.Series, event: float, title: str, unit: str, label: str, claim: str | None = None) -> Chart:
    """A histogram of many days with one day marked."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=2.6)
        counts, _, _ = axes.hist(values, bins=24, color=PLAIN)
        axes.plot([event], [0.03 * counts.max()], "v", color=FALL, markersize=9)
        axes.annotate(f"{label}: {_number(event, 2)}", (event, 0.1 * counts.max()), color=FALL, va="bottom")
        axes.xaxis.set_major_formatter(AXIS)
        axes.set(xlabel=current().unit(unit), ylabel=current().text("days"))
        lower = f"{label} at {event:,.2f}, with {int((values <= event).sum())} days at or below it"
        alt = f"Histogram of {len(values)} days from {values.min():,.2f} to {values.max():,.2f} {unit}; {lower}."
        return _chart(figure, title, alt, values.to_frame(unit), claim)


@_drawn
def intervals(
    low: pd.Series,
    high: pd.Series,
    title: str,
    unit: str,
    *,
    log: bool = False,
    digits: int = 1,
    claim: str | None = None,
) -> Chart:
    """Horizontal bars from `low` to `high`, both by the same index, with both ends written beside them."""
    pairs = list(zip(low, high, strict=True))
    written = [
        current().text("{low} to {high}", low=_number(start, digits), high=_number(end, digits)) for start, end in pairs
    ]
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=0.9 + 0.32 * len(low))
        axes.barh(range(len(low)), high - low, left=low, color=PLAIN, height=0.6)
        for place, (end, text) in enumerate(zip(high, written, strict=True)):
            axes.annotate(text, (end, place), xytext=(6, 0), textcoords="offset points", va="center")
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
    """A table of numbers as a field of cells, those that are `marked` filled."""
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
        pairs = [
            f"{values.index[down]} with {values.columns[across]} ({values.iat[down, across]:,.{digits}f})"
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
    """A dot a value on a scale that need not begin at zero, in the order given; `highlight` names those that matter."""
    marked = set(highlight)
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=0.7 + 0.25 * len(values))
        axes.hlines(range(len(values)), values.min(), values.max(), color=RULE, linewidth=0.6)
        colours = [FALL if label in marked else PLAIN for label in values.index]
        axes.scatter(values, range(len(values)), color=colours, zorder=2)
        for place, (label, value) in enumerate(values.items()):
            weight, text = "bold" if label in marked else "normal", _number(value, digits)
            axes.annotate(text, (value, place), xytext=(6, 0), textcoords="offset points", va="center", weight=weight)
        _label_rows(axes, values.index, unit)
        axes.margins(x=0.12)
        listed = ", ".join(f"{label} {_spoken(value, digits)}" for label, value in values.items())
        return _chart(figure, title, f"Dots, {unit}: {listed}.", values.to_frame(unit), claim)


def _number(value: float, digits: int | None = None, signed: bool = False) -> str:
    """A number as the page's language writes it."""
    return current().number(value, digits, signed)


def _spoken(value: float, digits: int) -> str:
    """A number as the alternative text, which is English, has it."""
    return f"{value:,.{digits}f}"


AXIS = FuncFormatter(lambda value, _: _number(value))
DAYS = FuncFormatter(lambda value, _: current().short_day(num2date(value)))


def _label_rows(axes: Axes, labels: pd.Index, unit: str, log: bool = False) -> None:
    """The rows of a horizontal chart, from the top down, and its axis."""
    named = current().unit(unit)
    axes.set(
        yticks=range(len(labels)),
        yticklabels=labels,
        xlabel=current().text("{unit}, log scale", unit=named) if log else named,
    )
    axes.set_xscale("log" if log else "linear")
    axes.xaxis.set_major_formatter(AXIS)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)


def _stacked(label: str) -> str:
    """A label like 'Federal Reserve, 24 Jan' on several short lines."""
    return "\n".join(line for part in label.split(", ") for line in textwrap.wrap(part, 8))


def _limits(values: pd.Series, log: bool, text: float) -> tuple[float, float]:
    """Limits of an axis that leave the share `text` of its length free for what is written beside the largest value."""
    low, high = (values.min() / 2, values.max()) if log else (min(values.min(), 0.0), max(values.max(), 0.0))
    room = text / (1 - text)
    return low, high * (high / low) ** room if log else high + room * (high - low)


def _axes(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def _extremes(values: pd.Series, unit: str, pattern: str) -> str:
    first, last, top, bottom = values.index[0], values.index[-1], values.idxmax(), values.idxmin()
    return (
        f"{values[first]:,.2f} {unit} at {first:{pattern}} to {values[last]:,.2f} at {last:{pattern}}; "
        f"highest {values[top]:,.2f} at {top:{pattern}}, lowest {values[bottom]:,.2f} at {bottom:{pattern}}"
    )


def _dated(values: pd.Series) -> str:
    return ", ".join(f"{value:,.2f} on {when:%Y-%m-%d}" for when, value in values.items()) or "none"


def _chart(figure: Figure, title: str, alt: str, table: pd.DataFrame, claim: str | None) -> Chart:
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = _slim(ElementTree.fromstring(file.getvalue()))
    # A hundredth of a point is finer than any screen shows; text between the tags is left as it is.
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), svg)
    # Several charts share a page: their ids must differ, and be the same in every run.
    prefix = f"c{hashlib.sha256(svg.encode()).hexdigest()[:8]}-"
    svg = re.sub(r'(\bid="|url\(#|\bhref="#)', rf"\g<1>{prefix}", svg)
    for colour, name in VARIABLES.items():
        svg = svg.replace(colour, f"var(--chart-{name}, {colour})")
    return Chart(svg, title, alt, table, claim)


def _slim(svg: ElementTree.Element) -> str:
    """A drawing of matplotlib's without what no browser needs: empty groups, unused ids, a font named at every word."""
    for node in svg.iter():
        node.tag = node.tag.removeprefix(f"{{{SVG}}}")
        if f"{{{XLINK}}}href" in node.attrib:
            node.set("href", node.attrib.pop(f"{{{XLINK}}}href"))
        if "style" in node.attrib:
            node.set("style", re.sub(r"font-family: [^;]+;? ?", "", node.get("style")).strip().rstrip(";"))
        if "d" in node.attrib:
            node.set("d", " ".join(node.get("d").split()))
        if node.get("transform", "").startswith("rotate(-0 "):
            del node.attrib["transform"]
        node.tail = None
    used = set(re.findall(r"#([^)\"]+)", ElementTree.tostring(svg, encoding="unicode")))
    _prune(svg, used)
    frame = {"viewBox": svg.get("viewBox"), "xmlns": SVG, "font-family": "system-ui, 'DejaVu Sans', sans-serif"}
    svg.attrib = frame | {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    return ElementTree.tostring(svg, encoding="unicode")


def _prune(node: ElementTree.Element, used: set[str]) -> None:
    """Drop what is not seen below `node`, and put the content of a group that says nothing in the group's place."""
    kept: list[ElementTree.Element] = []
    for child in node:
        if child.get("id") not in used:
            child.attrib.pop("id", None)
        _prune(child, used)
        if child.tag in ("metadata", "style") or (child.tag == "path" and child.get("style") == "fill: none"):
            continue
        if child.tag in ("g", "defs") and not (len(child) and (child.attrib or child.tag == "defs")):
            kept += child
        else:
            kept.append(child)
    node[:] = kept
    if len(node):
        node.text = None
