"""Traces: every number of the report back to rows that exist, and a row forward to the claims it touches."""

import csv
import re
from datetime import date

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from shockcheck import derivations, fx, ledger, measures, notebooks, prices, tables, trace
from shockcheck.derivations import Quantity
from shockcheck.errors import BuildError, ParameterError
from shockcheck.findings import Finding, check, shown_in
from shockcheck.languages import get

STORED = [Finding(**found) for notebook in notebooks.discover() for found in shown_in(notebook.node)]


def test_every_recomputed_number_rests_on_rows_with_a_source():
    assert sum(bool(finding.derivation) for finding in STORED) == 14
    for finding in STORED:
        trace.check_sources(finding)
        readings = {name for name, _ in finding.derivation.get("roots", []) if name.startswith("reading: ")}
        assert len(readings) == max(0, len(finding.readings) - 1)


def test_every_row_of_a_trace_stands_in_its_file_with_that_value():
    for finding in STORED:
        for node in finding.derivation.get("nodes", []):
            if not node.get("row", {}).get("file", "").startswith("data/"):
                continue
            entry = next(one for one in tables.package()["resources"] if f"data/{one['path']}" == node["row"]["file"])
            with (ROOT / node["row"]["file"]).open(encoding="utf-8", newline="") as file:
                rows = {":".join(row[name] for name in entry["schema"]["primaryKey"]): row for row in csv.DictReader(file)}
            row = rows[node["row"]["row"]]
            assert float(row[node["row"]["column"]]) == node["value"]
            assert row["source"] == node["row"]["source"]


def test_every_rate_of_a_trace_is_the_banks():
    nodes = [node for finding in STORED for node in finding.derivation.get("nodes", [])]
    rates = [node for node in nodes if node.get("row", {}).get("source") == fx.SOURCE]
    assert rates
    for node in rates:
        of, per = node["unit"].split(" per ")
        assert fx.rate(of, per, prices.day(node["row"]["row"])) == node["value"]


def computed(derivation: dict, own: dict[int, float]) -> list[float]:
    """Every node of a derivation, computed again by the measures that it names."""
    values: list[float] = []
    for number, node in enumerate(derivation["nodes"]):
        given = [
            [values[one] for one in part] if isinstance(part, list) else values[part] for _, part in node.get("inputs", [])
        ]
        measure = getattr(measures, node.get("measure", ""), None)
        values.append(own.get(number, measure(*given) if measure else node["value"]))
    return values


def test_the_formulas_of_a_trace_give_its_numbers():
    for finding in STORED:
        if finding.derivation:
            values = computed(finding.derivation, {})
            assert values == [node["value"] for node in finding.derivation["nodes"]]
            root = values[dict(finding.derivation["roots"])["recomputed"]]
            assert round(root, finding.decimals) == finding.recomputed


def test_a_number_without_a_source_stops_the_page_by_name():
    finding = check("nvidia-loss-eur", 562.83)
    with pytest.raises(
        BuildError, match=r"claim nvidia-loss-eur: the number “recomputed” = 562.83 has no source; compute it"
    ):
        trace.check_sources(finding)
    trace.check_sources(check("training-cost-scope"))


def test_an_input_to_adjust_must_be_one():
    from shockcheck.errors import LedgerError

    with pytest.raises(LedgerError, match="claim nvidia-loss-eur does not depend on what `adjust` calls 'Rate'"):
        check("nvidia-loss-eur", 562.83, adjust={"Rate": Quantity(1.053, "USD per EUR", None)})


def test_a_view_shows_the_formula_with_its_numbers():
    [finding] = [one for one in STORED if one.id == "nvidia-loss-eur"]
    [first, *others] = trace.views(finding, get("en"))
    assert (first.formula, first.filled, first.value) == (
        "amount / rate",
        "592.658 / 1.053",
        "€562.8281\N{NO-BREAK SPACE}billion",
    )
    (_, (amount,)), (_, (rate,)) = first.inputs
    assert (amount.formula, amount.filled) == (
        "(before - after) * shares / 1e9",
        "(142.62 - 118.42) * 24,490,000,000 / 1,000,000,000",
    )
    assert rate.row["file"] == fx.FILE
    assert [view.name for _, (view,) in amount.inputs] == ["before", "after", "shares"]
    assert len(others) == len(finding.readings) - 1
    assert trace.views(finding, get("de"))[0].filled == "592,658 / 1,053"


def test_what_was_shown_is_linked_and_not_shown_again():
    [finding] = [one for one in STORED if one.id == "nvidia-loss-record"]
    [view] = trace.views(finding, get("en"))
    (_, (value,)), (_, others) = view.inputs
    assert value.formula == "amount / rate"
    assert sum(one.again for one in others) == 0 or all(one.formula is None for one in others if one.again)


def test_a_row_leads_to_every_claim_that_it_touches():
    found = {touch.claim: touch.as_what for touch in trace.touched("data/prices.csv:NVDA:2025-01-27")}
    assert set(found) == {
        "nvidia-monday-fall", "nvidia-loss-eur", "nvidia-loss-record", "nvidia-tuesday-rise", "nvidia-recovery-slight",
    }  # fmt: skip
    assert "after in market_value_loss, (before - after) * shares / 1e9" in found["nvidia-loss-eur"]


def test_a_fact_leads_to_the_claims_that_cite_it_and_a_source_to_those_of_its_rows():
    cited = {touch.claim for touch in trace.touched("data/facts.csv:deepseek-v3-licence")}
    assert cited == {claim.id for claim in ledger.load().claims if "deepseek-v3-licence" in claim.facts}
    of_source = {touch.claim for touch in trace.touched("data/sources.csv:deepseek-v3-report")}
    assert {"training-cost-below-bound", "high-tech-chips"} <= of_source


def test_the_command_prints_a_line_a_claim(project):
    done = project.run("trace", "data/prices.csv:NVDA:2025-01-27")
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"(?m)^nvidia-loss-eur, holds \(01-nvidia-one-day-loss\.html\): after in market_value_loss", done.stdout
    )
    assert project.run("trace", "data/intraday.csv:NVDA:2025-01-27T14:30:00Z").stdout.startswith(
        "no claim rests on data/intraday"
    )


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("data/price.csv:NVDA:2025-01-27", "there is no table 'data/price.csv'; there are data/prices.csv, "),
        (
            "data/prices.csv",
            "data/prices.csv has no row ''; write data/prices.csv:symbol:date, as in data/prices.csv:6857.T:",
        ),
        ("data/prices.csv:NVDA:2025-01-26", "has no row 'NVDA:2025-01-26'; .* as in data/prices.csv:NVDA:"),
        ("", "there is no table ''"),
    ],
)
def test_an_address_of_no_row_is_refused_with_what_there_is(address, message):
    with pytest.raises(ParameterError, match=message):
        trace.touched(address)


@settings(deadline=None, max_examples=14)  # each reads all notebooks and tables
@given(st.sampled_from([finding for finding in STORED if finding.derivation]))
def test_whatever_a_trace_shows_its_rows_lead_back_to_the_claim(finding):
    own = [node["row"] for node in finding.derivation["nodes"] if node.get("row", {}).get("file", "").startswith("data/")]
    if own:
        address = f"{own[-1]['file']}:{own[-1]['row']}"
        assert finding.id in {touch.claim for touch in trace.touched(address)}
    assert list(derivations.rows(finding.derivation))


def test_a_source_without_its_row_is_said_to_lack_it(monkeypatch):
    """A rate of fx.rate names its source by itself: a project without that row is told what to write."""
    rate = fx.rate("USD", "EUR", date(2020, 3, 26))
    bound = measures.converted(Quantity(6.26, "million USD", rate.origin), rate)
    finding = check("training-cost-bound", bound)
    trace.check_sources(finding)
    sources = tables.load("sources")
    monkeypatch.setattr(tables, "load", lambda name: sources[sources["id"] != fx.SOURCE])
    with pytest.raises(BuildError) as raised:
        trace.check_sources(finding)
    said = str(raised.value)
    assert (
        "data/sources.csv has no row 'ecb-reference-rates', the source of a figure that it is computed from; add one" in said
    )
    [row] = csv.reader([said.partition("`make checksums`: ")[2]])
    assert row == next(csv.reader(line for line in (ROOT / "data/sources.csv").open() if line.startswith(fx.SOURCE)))
