"""Charts in one house style: a table in, a drawing with an alternative text made from the same numbers out.

A chart is drawn from exactly the table that it is given. Its SVG has the same bytes in every run, its text stays text,
and its colours are variables that a page may set anew, for a dark theme.
"""

import hashlib
import io
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

INK, MUTED, RULE = "#1f2328", "#626a73", "#cfd4da"
FALL, RISE, PLAIN, BAND = "#b0400d", "#00735c", "#2a6ca8", "#f0c872"  # told apart with any colour vision
VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    RULE: "rule",
    FALL: "fall",
    RISE: "rise",
    PLAIN: "plain",
    BAND: "band",
    "#ffffff": "paper",
}
STYLE = {
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
WIDTH = 4.8  # inches: text stays readable when a phone shows the chart at two thirds of its size


@dataclass(frozen=True)
class Chart:
    """A drawing with its caption and its text for those who do not see it."""

    svg: str
    caption: str
    alt: str

    def __repr__(self) -> str:
        """The alternative text, which is what the notebooks' tests compare."""
        return f"Chart: {self.caption}\n{self.alt}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        data = {"text/plain": repr(self), "image/svg+xml": self.svg}
        return data, {"image/svg+xml": {"alt": self.alt, "caption": self.caption}}


def before_and_after(values: pd.Series, title: str, unit: str) -> Chart:
    """Two bars to scale, a quantity before and after; the difference stands on the second, or above the first."""
    (first, before), (last, after) = values.items()
    change, colour = after - before, FALL if after < before else RISE
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.4)
        axes.bar([0, 1], [before, min(before, after)], color=PLAIN, width=0.6)
        axes.bar([1], [abs(change)], bottom=min(before, after), color=colour, width=0.6)
        axes.text(1.36, max(before, after) - abs(change) / 2, f"{change:+,.2f}", color=colour, va="center", weight="bold")
        for place, value in enumerate((before, after)):
            axes.text(place, max(before, after) * 1.02, f"{value:,.2f}", ha="center")
        axes.set(xticks=[0, 1], xticklabels=[str(first), str(last)], xlim=(-0.5, 1.9), ylabel=unit)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        alt = f"Two bars: {before:,.2f} {unit} on {first}, {after:,.2f} on {last}; difference {change:+,.2f}."
        return _chart(figure, title, alt)


def path(values: pd.Series, title: str, unit: str, marked: Iterable[pd.Timestamp] = ()) -> Chart:
    """A line over days, with the marked days as labelled points."""
    points = values[list(marked)]
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.0)
        axes.plot(values.index, values, color=PLAIN)
        axes.plot(points.index, points, "o", color=FALL)
        for when, value in points.items():
            axes.annotate(f"{when:%d %b}: {value:,.2f}", (when, value), xytext=(6, 4), textcoords="offset points")
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
        axes.set(ylabel=unit)
        return _chart(figure, title, f"Line: {_extremes(values, unit, '%Y-%m-%d')}; marked: {_dated(points)}.")


def path_with_band(values: pd.Series, title: str, unit: str, low: float, high: float) -> Chart:
    """A line over the hours of one day, a shaded band from `low` to `high`, and the points inside it marked."""
    inside = values[values.between(low, high)]
    clock = values.index.tz_localize(None)
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.0)
        axes.axhspan(low, high, color=BAND, linewidth=0)
        axes.axhline(0, color=RULE, linewidth=0.8)
        axes.plot(clock, values, color=PLAIN)
        axes.plot(inside.index.tz_localize(None), inside, "o", color=FALL, markersize=4)
        axes.annotate(f"{low:g} to {high:g} {unit}", (clock[0], high), xytext=(2, 3), textcoords="offset points")
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator(), show_offset=False))
        axes.set(ylabel=unit, xlabel=f"time of day, {values.index.tz}")
        share = f"{len(inside)} of {len(values)} points lie between {low:g} and {high:g} {unit}"
        when = f", from {inside.index[0]:%H:%M} to {inside.index[-1]:%H:%M}" if len(inside) else ""
        return _chart(figure, title, f"Line: {_extremes(values, unit, '%H:%M')}; {share}{when}.")


def ranked(
    values: pd.Series,
    title: str,
    unit: str,
    *,
    highlight: Iterable[str] = (),
    notes: pd.Series | None = None,
    log: bool = False,
    digits: int = 0,
) -> Chart:
    """Horizontal bars in the order given, dots on a log scale, each with its value and its note, if any, beside it.

    `highlight` names those that matter; `notes` is texts by the same index.
    """
    marked = set(highlight)
    written = pd.Series([f"{value:,.{digits}f}" for value in values], index=values.index)
    written = written if notes is None else written + " (" + notes + ")"
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=0.7 + 0.27 * len(values))
        colours = [FALL if label in marked else PLAIN for label in values.index]
        if log:  # a bar's length would depend on where the axis begins
            axes.scatter(values, range(len(values)), color=colours, s=36, clip_on=False)
        else:
            axes.barh(range(len(values)), values, color=colours, height=0.7)
        for place, (value, text) in enumerate(zip(values, written, strict=True)):
            axes.annotate(text, (max(value, 0), place), xytext=(6, 0), textcoords="offset points", va="center")
        axes.set(yticks=range(len(values)), yticklabels=values.index, xlabel=unit + (", log scale" if log else ""))
        axes.set_xscale("log" if log else "linear")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.set_xlim(*_limits(values, log, text=0.024 * written.str.len().max()))
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        listed = ", ".join(f"{label} {text}" for label, text in written.items())
        return _chart(figure, title, f"{'Dots' if log else 'Bars'}, {unit}: {listed}.")


def path_with_ribbon(values: pd.DataFrame, title: str, unit: str) -> Chart:
    """A line over days (first column) with the band between the second and third column around it."""
    line, low, high = (values.iloc[:, number] for number in range(3))
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=3.0)
        axes.fill_between(values.index, low, high, color=BAND, linewidth=0, alpha=0.6)
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.plot(values.index, line, "o-", color=PLAIN, markersize=4)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
        axes.set(ylabel=unit)
        ends = f"band at the end {low.iloc[-1]:,.2f} to {high.iloc[-1]:,.2f}"
        return _chart(figure, title, f"Line with a band: {_extremes(line, unit, '%Y-%m-%d')}; {ends}.")


def spread(values: pd.Series, event: float, title: str, unit: str, label: str) -> Chart:
    """A histogram of many days with one day marked."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=2.6)
        counts, _, _ = axes.hist(values, bins=24, color=PLAIN)
        axes.plot([event], [0.03 * counts.max()], "v", color=FALL, markersize=9)
        axes.annotate(f"{label}: {event:,.2f}", (event, 0.1 * counts.max()), color=FALL, va="bottom")
        axes.set(xlabel=unit, ylabel="days")
        lower = f"{label} at {event:,.2f}, with {int((values <= event).sum())} days at or below it"
        alt = f"Histogram of {len(values)} days from {values.min():,.2f} to {values.max():,.2f} {unit}; {lower}."
        return _chart(figure, title, alt)


def intervals(low: pd.Series, high: pd.Series, title: str, unit: str, *, log: bool = False, digits: int = 1) -> Chart:
    """Horizontal bars from `low` to `high`, both by the same index, with both ends written beside them."""
    written = [f"{start:,.{digits}f} to {end:,.{digits}f}" for start, end in zip(low, high, strict=True)]
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=0.9 + 0.32 * len(low))
        axes.barh(range(len(low)), high - low, left=low, color=PLAIN, height=0.6)
        for place, (end, text) in enumerate(zip(high, written, strict=True)):
            axes.annotate(text, (end, place), xytext=(6, 0), textcoords="offset points", va="center")
        axes.set(yticks=range(len(low)), yticklabels=low.index, xlabel=unit + (", log scale" if log else ""))
        axes.set_xscale("log" if log else "linear")
        axes.set_xlim(*_limits(pd.concat([low, high]), log, text=0.024 * max(map(len, written))))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.invert_yaxis()
        listed = "; ".join(f"{label} {text}" for label, text in zip(low.index, written, strict=True))
        return _chart(figure, title, f"Bars from a lower to an upper value, {unit}: {listed}.")


def matrix(values: pd.DataFrame, marked: pd.DataFrame, title: str, unit: str, digits: int = 2) -> Chart:
    """A table of numbers as a field of cells, those that are `marked` filled."""
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=1.1 + 0.33 * len(values))
        axes.imshow(marked, cmap=ListedColormap(["#ffffff", BAND]), vmin=0, vmax=1, aspect="auto")
        for (down, across), value in np.ndenumerate(values.to_numpy()):
            weight = "bold" if marked.iat[down, across] else "normal"
            axes.text(across, down, f"{value:,.{digits}f}", ha="center", va="center", weight=weight, size=8)
        axes.set_xticks(range(values.shape[1]), [_stacked(label) for label in values.columns])
        axes.set_yticks(range(values.shape[0]), values.index)
        axes.tick_params(length=0, labelsize=7.5, top=True, bottom=False, labeltop=True, labelbottom=False)
        axes.spines[:].set_visible(False)
        pairs = [
            f"{values.index[down]} with {values.columns[across]} ({values.iat[down, across]:,.{digits}f})"
            for down, across in np.argwhere(marked.to_numpy())
        ]
        alt = f"{values.size} combinations, {unit}; as printed: {'; '.join(pairs) or 'none'}."
        return _chart(figure, title, alt)


def dots(values: pd.Series, title: str, unit: str, *, highlight: Iterable[str] = (), digits: int = 2) -> Chart:
    """A dot a value on a scale that need not begin at zero, in the order given; `highlight` names those that matter."""
    marked = set(highlight)
    with mpl.rc_context(STYLE):
        figure, axes = _axes(height=0.7 + 0.25 * len(values))
        axes.hlines(range(len(values)), values.min(), values.max(), color=RULE, linewidth=0.6)
        axes.scatter(
            values, range(len(values)), color=[FALL if label in marked else PLAIN for label in values.index], zorder=2
        )
        for place, (label, value) in enumerate(values.items()):
            weight = "bold" if label in marked else "normal"
            axes.annotate(
                f"{value:,.{digits}f}", (value, place), xytext=(6, 0), textcoords="offset points", va="center", weight=weight
            )
        axes.set(yticks=range(len(values)), yticklabels=values.index, xlabel=unit)
        axes.margins(x=0.12)
        axes.invert_yaxis()
        listed = ", ".join(f"{label} {value:,.{digits}f}" for label, value in values.items())
        return _chart(figure, title, f"Dots, {unit}: {listed}.")


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


def _chart(figure: Figure, title: str, alt: str) -> Chart:
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"(?s)\s*<metadata>.*?</metadata>", "", svg)
    svg = re.sub(r' transform="rotate\(-0 [^"]*"', "", svg)
    # A hundredth of a point is finer than any screen shows; text between the tags is left as it is.
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), svg)
    # Several charts share a page: their ids must differ, and be the same in every run.
    prefix = f"c{hashlib.sha256(svg.encode()).hexdigest()[:8]}-"
    svg = re.sub(r'(\bid="|url\(#|xlink:href="#)', rf"\g<1>{prefix}", svg)
    for colour, name in VARIABLES.items():
        svg = svg.replace(colour, f"var(--chart-{name}, {colour})")
    return Chart(svg.replace("'DejaVu Sans'", "system-ui, 'DejaVu Sans'"), caption=title, alt=alt)
