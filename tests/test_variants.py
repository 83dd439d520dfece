"""Variants: shares and days that the project has never seen, from a stand-in for Yahoo; grids; snapshot against live."""

import json
import re
from datetime import date

import pytest
from yahoo import Share

from shockcheck.data import fx, prices, tables
from shockcheck.data.market.exchanges import calendar

pytestmark = pytest.mark.slow

LOSS, REBOUND, UNUSUAL, MULTIPLE, SCALE = (
    "01-nvidia-one-day-loss",
    "02-tuesday-rebound",
    "04-how-unusual",
    "05-price-earnings",
    "08-stargate-and-capex",
)
ARTICLES_OWN = r"Nvidia|NVDA|Siemens|Advantest|Monday|Tuesday|27 January"


def bars(exchange, fall="2024-03-05"):
    """Bars from July 2023 to April 2024: closes 100 and 101 in turn, 80 on the day of the fall, 90 from then on."""
    days = calendar(exchange).sessions_in_range("2023-07-03", "2024-04-12").strftime("%Y-%m-%d")
    closes = [100.0 + number % 2 if day < fall else 80.0 if day == fall else 90.0 for number, day in enumerate(days)]
    return [(day, close, close + 1, close - 1, close, 1000) for day, close in zip(days, closes, strict=True)]


SHARES = {
    "EXA.DE": Share(bars("XETR"), "EUR", "Europe/Berlin", "GER", "Example A AG", counts={"2024-02-20": 2e9}),
    "EXB.L": Share(bars("XLON"), "GBp", "Europe/London", "LSE", "Example B plc", counts={"2024-02-20": 2e9}),
    "EXC.T": Share(bars("XTKS"), "JPY", "Asia/Tokyo", "JPX", "Example C KK"),
    "^GSPC": Share(bars("XNYS", fall="2024-12-31"), "USD", "America/New_York", "SNP", "S&P 500"),
}


@pytest.fixture
def market(stand_in):
    stand_in.shares.update(SHARES)
    return stand_in


def prose(html):
    """What a reader sees of a page, but for the code in its folds and the titles of cited sources."""
    body = re.sub(r'(?s)<details class="code">.*?</details>|<style>.*?</style>|<ul class="sources">.*?</ul>', "", html)
    return re.sub(r"(?s)<[^>]+>", " ", body)


def variant(project, notebook, **given):
    pairs = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]
    done = project.run("report", "--only", notebook, *pairs)
    assert done.returncode == 0, done.stderr
    page = project.root / done.stdout.strip()
    return project.findings(page.parent.relative_to(project.root)), page.read_text(encoding="utf-8"), done


@pytest.mark.parametrize(
    ("symbol", "currency", "given", "before"),
    [("EXA.DE", "EUR", {}, 2e9), ("EXB.L", "GBP", {}, 2e9), ("EXC.T", "JPY", {"shares_outstanding": "3000000000"}, 3e9)],
)
def test_a_loss_that_the_project_has_never_seen(project, market, symbol, currency, given, before):
    """From 100 or 101 to 80, in a hundredth of it where the vendor quotes pence."""
    found, html, done = variant(project, LOSS, ticker=symbol, event_date="2024-03-05", source="yahoo", **given)
    closes = [bar[4] for bar in SHARES[symbol].bars if bar[0] <= "2024-03-05"][-2:]
    unit = 100 if currency == "GBP" else 1
    rate = fx.rate(currency, "EUR", date(2024, 3, 5))
    assert found["nvidia-monday-fall"]["recomputed"] == pytest.approx(100 * (80 / closes[0] - 1), abs=0.005)
    loss = (closes[0] - 80) / unit * before / 1e9 / rate
    assert found["nvidia-loss-eur"]["recomputed"] == pytest.approx(loss, abs=0.005)
    assert {entry["verdict"] for entry in found.values()} == {None}
    assert f"billion {currency}" in html
    assert "closes of Yahoo Finance, in shares of 2024-03-05 and not adjusted for dividends" in html
    assert "closes of Yahoo Finance" in done.stderr
    if given:
        assert "set by the parameter" in html
    else:
        assert "Yahoo Finance's own, not a filing's" in html.replace("&#39;", "'")
    assert not re.search(ARTICLES_OWN, prose(html))
    assert project.reports()["reports/index.html"] == b"an earlier build"


@pytest.mark.parametrize(
    ("notebook", "given", "claim", "value"),
    [
        (REBOUND, {"event_date": "2024-03-06"}, "nvidia-tuesday-rise", 12.5),
        (UNUSUAL, {"event_date": "2024-03-05"}, None, None),
        (MULTIPLE, {"last_date": "2024-03-05", "earnings_per_share": "4"}, "nvidia-price-earnings", 20.0),
        (SCALE, {"event_date": "2024-03-05"}, None, None),
    ],
)
def test_every_notebook_of_a_share_follows_its_parameters(project, market, notebook, given, claim, value):
    found, html, _ = variant(project, notebook, ticker="EXB.L", source="yahoo", **given)
    assert claim is None or found[claim]["recomputed"] == value / (100 if notebook == MULTIPLE else 1)
    assert "Example B plc" in html
    assert not re.search(ARTICLES_OWN, prose(html))


def test_a_price_that_is_left_out_is_said_on_the_page(project, market):
    rows = [(day, None, *rest[1:]) if day == "2024-03-05" else (day, *rest) for day, *rest in bars("XETR")]
    market.shares["EXD.DE"] = Share(rows, "EUR", "Europe/Berlin", "GER", "Example D AG", counts={"2024-02-20": 2e9})
    found, html, _ = variant(project, LOSS, ticker="EXD.DE", event_date="2024-03-05", source="yahoo")
    assert found["nvidia-monday-fall"]["recomputed"] == -20.0
    assert "EXD.DE: Yahoo's open for 2024-03-05 is left out: it is missing." in html.replace("&#39;", "'")


def test_what_the_tables_lack_is_asked_for_by_name(project, market):
    given = ["-p", "ticker=EXC.T", "-p", "event_date=2024-03-05", "-p", "source=yahoo"]
    said = project.fails("report", "--only", LOSS, *given)
    assert "EXC.T has no share count for 2024-03-05" in said
    assert "-p shares_outstanding=NUMBER" in said
    said = project.fails("report", "--only", MULTIPLE, "-p", "ticker=EXC.T", "-p", "last_date=2024-03-05", *given[-2:])
    assert "earnings_per_share" in said
    said = project.fails("report", "--only", LOSS, *given[:4])
    assert "no share 'EXC.T' is embedded" in said
    assert "-p source=yahoo" in said


def test_auto_says_on_page_and_command_line_that_it_fell_back(project, monkeypatch):
    monkeypatch.setenv("SHOCKCHECK_YAHOO", "http://127.0.0.1:9")
    found, html, done = variant(project, MULTIPLE, source="auto")
    assert found["nvidia-price-earnings"]["recomputed"] == 56.13
    for text in (html, done.stderr):
        assert "NVDA: embedded figures are used in place of live ones. NVDA: Yahoo cannot be reached" in text


def test_the_articles_own_report_is_the_same_after_live_runs(project, market):
    name = "reports/05-price-earnings.html"
    assert project.run("report", "--only", "05-price-earnings").returncode == 0
    before = project.reports()[name]
    variant(project, MULTIPLE, ticker="EXA.DE", last_date="2024-03-05", earnings_per_share="4", source="yahoo")
    assert project.run("report", "--only", "05-price-earnings").returncode == 0
    assert project.reports()[name] == before


GRID = """ticker,last_date,earnings_per_share
EXA.DE,2024-03-05,4
EXB.L,2024-03-05,
EXA.DE,2024-03-04,2
EXA.DE,2024-03-05,4
"""


def test_a_grid_builds_a_page_a_row_and_ranks_them(project, market, tmp_path):
    (tmp_path / "multiples.csv").write_text(GRID)
    done = project.run("report", "--only", MULTIPLE, "--grid", str(tmp_path / "multiples.csv"), "-p", "source=yahoo")
    assert done.returncode == 1
    faults = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(faults) == 2
    assert re.match(r"error: row 3 \(EXB.L, 2024-03-05\): .*earnings_per_share", faults[0])
    assert faults[1] == "error: row 5 (EXA.DE, 2024-03-05, 4): it repeats row 2; remove one"
    page = project.root / done.stdout.strip()
    html = page.read_text(encoding="utf-8")
    rows = json.loads((page.parent / "findings.json").read_text(encoding="utf-8"))
    assert [row["row"] for row in rows] == [4, 2]  # 50 times before 20 times
    for row in rows:
        assert (page.parent / row["page"]).exists()
        assert row["page"] in html.replace("%3D", "=")
    assert "row 3 (EXB.L, 2024-03-05) could not be built" in html
    assert not re.search(ARTICLES_OWN, prose(html))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a first line"),
        ("ticker\n", "needs a first line"),
        ("ticker,ticker\na,b\n", "each once"),
        ("tickr\nEXA.DE\n", "a column 'tickr', which is no parameter; there are ticker, last_date"),
        ("source\nyahoo\n", "source stands in the grid and after -p; keep one"),
        ('"ticker\n', "cannot be read as a CSV table"),
    ],
)
def test_a_grid_at_fault_builds_nothing(project, tmp_path, text, message):
    (tmp_path / "grid.csv").write_text(text)
    grid = str(tmp_path / "grid.csv")
    assert message in project.fails("report", "--only", MULTIPLE, "--grid", grid, "-p", "source=yahoo")


def test_a_grid_is_a_file_and_of_one_notebook(project):
    assert "cannot be read" in project.fails("report", "--only", MULTIPLE, "--grid", "none.csv")
    assert "--grid runs one notebook" in project.fails("report", "--grid", "none.csv")


def embedded(symbol, **changes):
    """A share at the stand-in as it is embedded, but for the closes that are changed."""
    listing = prices.listing(symbol)
    closes = prices.closes(symbol)[symbol]
    full = prices.daily(symbol)
    rows = []
    for when, close in closes.items():
        day = f"{when:%Y-%m-%d}"
        bar = full.loc[when] if when in full.index else {"open": close, "high": close, "low": close, "close": close}
        values = [bar["close"] if value != value else value for value in (bar["open"], bar["high"], bar["low"])]
        rows.append((day, *values, changes.get(day.replace("-", "_"), bar["close"]), 9))
    zone = calendar(listing.exchange).tz.key
    suffix = {"XETR": "GER", "XTKS": "JPX", "XNAS": "NMS"}.get(listing.exchange, "NYQ")
    return Share(rows, listing.currency, zone, suffix, listing.company)


@pytest.fixture
def vendor(stand_in):
    for symbol in tables.load("listings")["symbol"]:
        stand_in.shares[symbol] = embedded(symbol)
    stale = stand_in.shares["ENR.DE"]
    stale.bars = [("2025-01-24", 58.8, 58.8, 58.8, 58.8, 0) if bar[0] == "2025-01-24" else bar for bar in stale.bars]
    return stand_in


def test_the_snapshot_agrees_and_nothing_is_written(project, vendor):
    done = project.run("prices", "compare")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "none of the 404 compared rows differs\n"


def test_what_differs_is_shown_with_the_verdicts_that_would_flip_and_then_written(project, vendor):
    project.keep("03-siemens-energy-and-advantest")
    tokyo = vendor.shares["6857.T"]
    tokyo.bars = [(*bar[:4], 9400, 9) if bar[0] == "2025-01-27" else bar for bar in tokyo.bars]
    before = {path.name: path.read_bytes() for path in (project.root / "data").iterdir()}
    done = project.run("prices", "compare")
    assert done.returncode == 0, done.stderr
    assert re.search(r"prices.csv +\d+ +6857.T 2025-01-27 +close +9185 +9400", done.stdout)
    assert "would flip: advantest-monday-fall, from holds to" in done.stdout
    assert {path.name: path.read_bytes() for path in (project.root / "data").iterdir()} == before
    done = project.run("prices", "update")
    assert done.returncode == 0, done.stderr
    text = (project.root / "data/prices.csv").read_text(encoding="utf-8")
    assert re.search(r"6857.T,2025-01-27,\d+,\d+,\d+,9400,yahoo-finance", text)
    assert project.run("checksums").stdout == "no table has changed\n"
    assert project.run("prices", "compare").stdout == "none of the 404 compared rows differs\n"


def test_an_update_that_cannot_be_whole_writes_nothing(project, vendor):
    before = {path.name: path.read_bytes() for path in (project.root / "data").iterdir()}
    tokyo = vendor.shares.pop("6857.T")
    said = project.run("prices", "update")
    assert said.returncode == 1
    assert "nothing was written because not every figure could be compared" in said.stderr
    vendor.shares["6857.T"] = tokyo
    # an impossible bar breaks the schema's rule, and is noticed before that as a faulty one
    tokyo.bars = [(*bar[:2], 5000, bar[3], bar[4], 9) if bar[0] == "2025-01-27" else bar for bar in tokyo.bars]
    assert project.run("prices", "update").returncode == 1
    assert {path.name: path.read_bytes() for path in (project.root / "data").iterdir()} == before
