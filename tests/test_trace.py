"""Traces: a finding's numbers step by step back to rows, what lacks a source, and a row forward to the claims it touches."""

import csv
from datetime import date

import pytest

from shockcheck import measures
from shockcheck.audit import uses
from shockcheck.data import fx, prices, tables
from shockcheck.errors import BuildError, LedgerError, ParameterError
from shockcheck.findings import check
from shockcheck.languages.language import get_language
from shockcheck.project import paths
from shockcheck.quantities import Quantity
from shockcheck.report import pages, trace


def test_a_number_without_a_source_stops_the_page_by_name(sample):
    finding = check("loss", 562.83)
    with pytest.raises(BuildError, match=r"claim loss: the number “recomputed” = 562.83 has no source; compute it"):
        trace.check_sources(finding)
    trace.check_sources(check("scope"))


def test_an_input_to_adjust_must_be_one(sample):
    with pytest.raises(LedgerError, match="claim loss does not depend on what `adjust` calls 'Rate'"):
        check("loss", 562.83, adjust={"Rate": Quantity(1.053, "USD per EUR", None)})


def loss_of(before, after):
    """A loss between two closes in euros, by the shares and the rate of the day."""
    shares = prices.shares_outstanding("EXUS", "2001-03-07")["shares"]
    return measures.converted(measures.market_value_loss(before, after, shares), fx.rate("USD", "EUR", date(2001, 3, 7)))


def test_what_was_shown_is_linked_and_not_shown_again(sample):
    """The loss is computed once, and is one of those that it is ranked among."""
    first, second, third = (bar.close for bar in prices.bars(prices.sessions("EXUS", "2001-03-08", before=2)))
    loss, other = loss_of(first, second), loss_of(third, second)
    finding = check("record", measures.rank(loss, [loss, other]))
    [step] = trace.trace_steps(finding, get_language("en"))
    (_, (shown,)), (_, (again, another)) = step.inputs
    assert (shown.again, shown.formula) == (False, "amount / rate")
    assert [part for part, _ in shown.inputs] == ["amount", "rate"]
    assert again.again and again.number == shown.number and again.value == shown.value
    assert (again.formula, again.filled, again.inputs) == (None, None, ())
    assert not another.again and another.number != shown.number
    assert another.formula == "amount / rate"
    html = pages.card(finding, get_language("en"))
    assert html.count(f'id="record-{shown.number}"') == 1
    assert f'<a class="value" href="#record-{shown.number}">{shown.value}</a>, calculated above' in html


def test_a_row_leads_to_every_claim_that_it_touches_and_the_command_prints_a_line_a_claim(small):
    with paths.Project(small.root).active():
        [use] = uses.uses_of("data/prices.csv:EXAG:2001-03-06")
        assert use.claim == "example-fall"
        assert uses.uses_of("data/sources.csv:example-prices") != []
        assert uses.uses_of("data/prices.csv:EXAG:2001-03-02") == []
    done = small.run("trace", "data/prices.csv:EXAG:2001-03-06")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"example-fall, holds (01-one-day-change.html): {use.as_what}")
    assert small.run("trace", "data/prices.csv:EXAG:2001-03-02").stdout.startswith("no claim rests on data/prices.csv:EXAG")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("data/price.csv:EXUS:2001-03-07", "there is no table 'data/price.csv'; there are data/listings.csv, "),
        ("data/prices.csv", "data/prices.csv has no row ''; write data/prices.csv:symbol:date, as in data/prices.csv:EXAG:"),
        ("data/prices.csv:EXUS:2001-03-04", "has no row 'EXUS:2001-03-04'; .* as in data/prices.csv:EXUS:"),
        ("", "there is no table ''"),
    ],
)
def test_an_address_of_no_row_is_refused_with_what_there_is(sample, address, message):
    with pytest.raises(ParameterError, match=message):
        uses.uses_of(address)


def test_a_source_without_its_row_is_said_to_lack_it(sample):
    """A rate of fx.rate names its source by itself: a project without that row is told what to write."""
    rate = fx.rate("USD", "EUR", date(2020, 3, 26))
    finding = check("bound", measures.converted(Quantity(6.26, "million USD", rate.origin), rate))
    trace.check_sources(finding)
    path = sample.data / "sources.csv"
    rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    [lacking] = [row for row in rows if row.startswith(fx.SOURCE)]
    path.write_text("".join(row for row in rows if row != lacking), encoding="utf-8")
    with paths.Project(sample.root).active():
        tables.renew_checksums()
    with paths.Project(sample.root).active(), pytest.raises(BuildError) as raised:
        trace.check_sources(finding)
    sentence = "data/sources.csv has no row 'ecb-reference-rates', the source of a figure that it is computed from; add one"
    assert sentence in str(raised.value)
    [row] = csv.reader([str(raised.value).partition("`make checksums`: ")[2]])
    assert row == next(csv.reader([lacking]))
