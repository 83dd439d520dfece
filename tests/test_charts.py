"""Charts: the same bytes in every run, text that stays text, and an alternative text made from the same numbers."""

import re

import matplotlib as mpl
import pandas as pd
import pytest

from shockcheck import charts, frames
from shockcheck.charts import drawings
from shockcheck.project.context import RUN_VARIABLE, RunContext

pytestmark = pytest.mark.slow

DAYS = pd.Series([10.0, 12.5, 9.25], index=pd.date_range("2001-01-01", periods=3))
HOURS = pd.Series([1.0, 5.5, 7.0], index=pd.date_range("2001-01-01 15:35", periods=3, freq="5min", tz="Europe/Berlin"))
NAMED = pd.Series([3.0, 20.123, 100.0], index=["a", "b", "c"])
RIBBON = pd.DataFrame({"car": DAYS, "low": DAYS - 1, "high": DAYS + 1})
FIELD = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], index=["x", "y"], columns=["Mon, 1 Jan", "Tue"])

DRAWN = {
    "before_and_after": lambda: charts.before_and_after(pd.Series({"then": 3492.76, "now": 2900.11}), "t", "billion"),
    "path": lambda: charts.path(DAYS, "t", "USD", marked=DAYS.index[:1]),
    "path_with_band": lambda: charts.path_with_band(HOURS, "t", "percent", 5, 6),
    "path_with_ribbon": lambda: charts.path_with_ribbon(RIBBON, "t", "percent"),
    "ranked": lambda: charts.ranked(NAMED, "t", "USD", highlight=["b"], digits=2),
    "ranked, log": lambda: charts.ranked(NAMED, "t", "USD", log=True),
    "ranked, falls": lambda: charts.ranked(-NAMED, "t", "percent", digits=1),
    "dots": lambda: charts.dots(NAMED, "t", "score", highlight=["c"]),
    "intervals": lambda: charts.intervals(NAMED, NAMED * 2, "t", "GWh", log=True),
    "spread": lambda: charts.spread(DAYS, event=-3.0, title="t", unit="percent", label="the day"),
    "matrix": lambda: charts.matrix(FIELD, FIELD > 3, "t", "EUR"),
}
ALTS = {
    "before_and_after": "Two bars: 3,492.76 billion on then, 2,900.11 on now; difference -592.65.",
    "path": "highest 12.50 at 2001-01-02, lowest 9.25 at 2001-01-03; marked: 10.00 on 2001-01-01.",
    "path_with_band": "1 of 3 points lie between 5 and 6 percent, from 15:40 to 15:40.",
    "path_with_ribbon": "band at the end 8.25 to 10.25.",
    "ranked": "Bars, USD: a 3.00, b 20.12, c 100.00.",
    "ranked, log": "Dots, USD: a 3, b 20, c 100.",
    "ranked, falls": "Bars, percent: a -3.0, b -20.1, c -100.0.",
    "dots": "Dots, score: a 3.00, b 20.12, c 100.00.",
    "intervals": "a 3.0 to 6.0; b 20.1 to 40.2; c 100.0 to 200.0.",
    "spread": "Histogram of 3 days from 9.25 to 12.50 percent; the day at -3.00, with 0 days at or below it.",
    "matrix": "4 combinations, EUR; as printed: y with Tue (4.00).",
}


@pytest.fixture(params=DRAWN, ids=str)
def name(request):
    return request.param


def test_two_drawings_have_the_same_bytes(name):
    assert DRAWN[name]().svg == DRAWN[name]().svg


ODD = {
    "axes.grid": True,
    "font.size": 20,
    "savefig.bbox": "tight",
    "figure.dpi": 200,
    "xtick.major.size": 12,
    "lines.marker": "o",
}
ODD |= {
    "path.sketch": (1, 100, 2),
    "axes.unicode_minus": False,
    "text.usetex": True,
    "font.family": "serif",
    "svg.id": "mine",
}


def test_no_setting_of_the_users_shows_in_a_chart(name):
    plain = DRAWN[name]().svg
    with mpl.rc_context(ODD):
        assert DRAWN[name]().svg == plain
        assert mpl.rcParams["font.size"] == 20, "the user's settings are left as they are"


def test_the_alternative_text_carries_the_numbers(name):
    chart = DRAWN[name]()
    assert chart.alt.endswith(ALTS[name])
    data, metadata = chart._repr_mimebundle_()
    assert data["text/plain"] == f"Chart: t\n{chart.alt}"
    assert metadata["image/svg+xml"] == {"alt": chart.alt, "caption": "t", "claim": None}
    assert data[frames.MIMETYPE] == frames.as_data(chart.table)


def test_text_stays_text_and_colours_are_variables(name):
    svg = DRAWN[name]().svg
    assert "<text" in svg
    bare = re.sub(r"var\(--chart-\w+, #[0-9a-f]{6}\)", "", svg)
    assert not re.findall(r"#[0-9a-f]{6}\b", bare), "a colour outside the palette has no dark theme"


def test_ids_are_the_charts_own(name):
    svg = DRAWN[name]().svg
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert len({one.split("-")[0] for one in ids}) <= 1
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', svg)) <= set(ids)


def test_nothing_is_drawn_where_findings_alone_are_asked_for(name, monkeypatch):
    monkeypatch.setenv(RUN_VARIABLE, RunContext(findings_only=True).environment()[RUN_VARIABLE])
    monkeypatch.setattr(drawings, "_chart", None)
    assert DRAWN[name]().svg == ""


def test_numbers_written_in_a_chart_are_not_cut():
    svg = charts.ranked(pd.Series({"a": 5.29534}), "t", "USD", digits=5).svg
    assert ">5.29534</text>" in svg


def test_the_numbers_of_a_drawing_are_in_the_language_of_the_build(monkeypatch):
    monkeypatch.setenv(RUN_VARIABLE, RunContext(language="de").environment()[RUN_VARIABLE])
    chart = charts.ranked(pd.Series({"a": 1234.5}), "t", "percent", digits=1)
    assert ">1.234,5</text>" in chart.svg
    assert ">Prozent</text>" in chart.svg
    assert "a 1,234.5" in chart.alt
    assert ">1. Jan.: 10,00</text>" in charts.path(DAYS, "t", "USD", marked=DAYS.index[:1]).svg


def test_a_drawing_names_its_font_once_and_keeps_no_id_without_a_use(name):
    svg = DRAWN[name]().svg
    assert svg.count("font-family") == 1
    for one in re.findall(r'\bid="([^"]+)"', svg):
        assert f"#{one}" in svg


def test_a_day_that_never_meets_the_band():
    assert charts.path_with_band(HOURS, "t", "percent", 50, 60).alt.endswith("0 of 3 points lie between 50 and 60 percent.")
