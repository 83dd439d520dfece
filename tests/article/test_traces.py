"""Traces of the article's claims: every number back to rows that exist, and a row forward to the claims it touches."""

import csv

import pytest
from conftest import ROOT

from shockcheck import ledger, measures
from shockcheck.audit import uses
from shockcheck.data import fx, tables
from shockcheck.formats.days import parse_day
from shockcheck.languages.language import get_language
from shockcheck.notebooks.execution import stored_findings
from shockcheck.quantities import graph
from shockcheck.report import trace

STORED = [finding for finding, _ in stored_findings().values()]


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
        assert fx.rate(of, per, parse_day(node["row"]["row"])) == node["value"]


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


def test_a_view_shows_the_formula_with_its_numbers():
    [finding] = [one for one in STORED if one.id == "nvidia-loss-eur"]
    [first, *others] = trace.trace_steps(finding, get_language("en"))
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
    assert trace.trace_steps(finding, get_language("de"))[0].filled == "592,658 / 1,053"


def test_a_row_leads_to_every_claim_that_it_touches():
    found = {touch.claim: touch.as_what for touch in uses.uses_of("data/prices.csv:NVDA:2025-01-27")}
    assert set(found) == {
        "nvidia-monday-fall", "nvidia-loss-eur", "nvidia-loss-record", "nvidia-tuesday-rise", "nvidia-recovery-slight",
    }  # fmt: skip
    assert "after in market_value_loss, (before - after) * shares / 1e9" in found["nvidia-loss-eur"]


def test_a_fact_leads_to_the_claims_that_cite_it_and_a_source_to_those_of_its_rows():
    cited = {touch.claim for touch in uses.uses_of("data/facts.csv:deepseek-v3-licence")}
    assert cited == {claim.id for claim in ledger.load().claims if "deepseek-v3-licence" in claim.facts}
    of_source = {touch.claim for touch in uses.uses_of("data/sources.csv:deepseek-v3-report")}
    assert {"training-cost-below-bound", "high-tech-chips"} <= of_source


@pytest.mark.parametrize("finding", [finding for finding in STORED if finding.derivation], ids=lambda finding: finding.id)
def test_whatever_a_trace_shows_its_rows_lead_back_to_the_claim(finding):
    rows = [node["row"] for node in finding.derivation["nodes"] if node.get("row", {}).get("file", "").startswith("data/")]
    assert finding.id in {use.claim for use in uses.uses_of(f"{rows[-1]['file']}:{rows[-1]['row']}")}
    assert list(graph.cited_rows(finding.derivation))
