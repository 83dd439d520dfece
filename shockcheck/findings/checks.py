"""Checking a claim: from a recomputed value to a finding, and what is refused on the way."""

import math
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from shockcheck import forensics, verdicts
from shockcheck.errors import LedgerError
from shockcheck.findings import defaults
from shockcheck.findings.finding import AS_READ, HIGH, LOW, RECOMPUTED, Finding, article_ledger, decimals_shown
from shockcheck.ledger import Claim
from shockcheck.project.context import current_run, note
from shockcheck.project.paths import current_project, shown
from shockcheck.quantities import Quantity, graph
from shockcheck.verdicts import Verdict

Number = float | Quantity
Choice = Number | tuple[Number, Number | None, Number | None] | None
Reading = Number | tuple[Number, Number, Number]


class Numbers(NamedTuple):
    """A recomputed value with the day's low and high, both None where no range is known."""

    value: Number | None
    low: Number | None
    high: Number | None

    def named(self) -> dict[str, Number | None]:
        """Return the numbers by the names that they have in a derivation."""
        return {RECOMPUTED: self.value, LOW: self.low, HIGH: self.high}

    def rounded(self, digits: int) -> tuple[float | None, ...]:
        """Return the numbers as plain floats with that many decimal places."""
        return tuple(None if number is None else round(float(number), digits) for number in self)


# Eight arguments, as notebooks name each in a line that a reader follows; more than 40 lines, a third of them documentation.
def check(
    claim_id: str,
    value: Number | None = None,
    low: Number | None = None,
    high: Number | None = None,
    choices: Mapping[str, Choice] | None = None,
    *,
    quantity: str | None = None,
    unit: str | None = None,
    adjust: Mapping[str, Quantity | tuple[Quantity, Mapping[str, Number]]] | None = None,
) -> Finding:
    """Return the finding for one claim: `value` in the claim's unit (changes signed), `low` and `high` the day's range.

    A range of which one end is None is not known. `choices` are readings that could have been chosen instead, each with
    its value, or with value, low and high; one that rests on an empty cell, or is None, is left out. A
    documented claim takes a value only as an illustration; its verdict is the ledger's. `quantity` says what the value
    is, by the notebook's parameters, and `unit` in what it is where they change that: then there is no verdict, as on a
    variant. `adjust` names the inputs that a reader of the page may change, by their labels, each alone or with the
    choices there are for it. Writes no file.
    Raises LedgerError for an unknown claim, a computed claim without a value, a value that is not a number, or an input
    to adjust that the value does not depend on.
    """
    claim, language = noted_claim(claim_id), article_ledger().article.language
    numbers = Numbers(value, low, high) if low != high and None not in (low, high) else Numbers(value, None, None)
    _check_numbers(claim_id, numbers.named())
    readings = _known_readings(claim_id, choices or {})
    _check_units(claim, numbers, unit or claim.unit)
    judge = _documented if claim.kind == "documented" else _computed
    verdict, judged_readings = judge(claim, numbers, readings, language)
    of_article = unit in (None, claim.unit) and _is_of_article(claim_id, sys._getframe(1).f_globals)
    derivation = graph.graph(numbers.named() | (_first_values(readings) if of_article else {}))
    recomputed, lowest, highest = numbers.rounded(decimals_shown(claim, language))
    return Finding(
        id=claim.id,
        kind=claim.kind,
        stated=claim.stated,
        unit=unit or claim.unit,
        recomputed=recomputed,
        low=lowest,
        high=highest,
        verdict=verdict if of_article else None,
        readings=judged_readings if of_article else [],
        quantity=quantity,
        derivation=derivation if value is not None else {},
        adjustable=_adjustable(claim.id, derivation, adjust or {}) if of_article else [],
    )


def allowed(claim_id: str) -> pd.Interval:
    """Return the values that the stated one of a claim allows, in the claim's unit."""
    return noted_claim(claim_id).allowed(article_ledger().article.language)


def noted_claim(claim_id: str) -> Claim:
    """Return a claim of the ledger, noted as read; raises LedgerError for an unknown one."""
    claim = article_ledger().claim(claim_id)
    note(f"{shown(current_project().ledger)}#{claim_id}")
    return claim


def _documented(
    claim: Claim, numbers: Numbers, readings: Mapping[str, Reading], language: str
) -> tuple[Verdict | None, list[dict[str, Any]]]:
    """Return the ledger's verdict; a documented claim has no readings."""
    if readings:
        raise LedgerError(f"claim {claim.id} is documented: readings are of computed claims, remove `choices`")
    return claim.verdict, []


def _computed(
    claim: Claim, numbers: Numbers, readings: Mapping[str, Reading], language: str
) -> tuple[Verdict | None, list[dict[str, Any]]]:
    """Return the verdict by the rule, and that of each reading."""
    if numbers.value is None:
        raise LedgerError(f"claim {claim.id} is computed: give check({claim.id!r}, ...) the recomputed value")
    try:
        interval = claim.allowed(language)
        verdict = verdicts.verdict(numbers.value, interval, numbers.low, numbers.high)
        if not readings:
            return verdict, []
        chosen = numbers.value if numbers.low is None or numbers.high is None else (numbers.value, numbers.low, numbers.high)
        table = forensics.robustness(interval, AS_READ, {AS_READ: chosen, **readings})
    except ValueError as error:
        raise LedgerError(f"claim {claim.id}: {error}") from error
    table["value"] = table["value"].round(decimals_shown(claim, language))
    rows = table[["value", "verdict", "flips"]].reset_index().to_dict("records")
    return verdict, [{str(name): value for name, value in row.items()} for row in rows]


def _is_of_article(claim_id: str, namespace: Mapping[str, Any]) -> bool:
    """Return whether a check is made with the article's parameters; `namespace` holds the names of the cell that checks."""
    is_variant = current_run().is_variant
    if is_variant is not None:
        return not is_variant
    by_the_package = str(namespace.get("__name__", "")).startswith("shockcheck.")  # which gives inputs of its own
    return by_the_package or defaults.hold(claim_id, namespace)


def _known_readings(claim_id: str, choices: Mapping[str, Choice]) -> dict[str, Reading]:
    """Return the readings without those that rest on an empty cell, and without ranges of which one end is not known."""
    readings: dict[str, Reading] = {}
    for name, choice in choices.items():
        value, *edges = choice if isinstance(choice, tuple) else (choice,)
        if value is None or graph.empty_cell(value):
            continue
        known = [edge for edge in edges if edge is not None and not graph.empty_cell(edge)]
        _check_numbers(claim_id, {f"reading “{name}”": value} | {f"range of “{name}”": edge for edge in known})
        readings[name] = (value, known[0], known[1]) if len(known) == 2 else value
    return readings


def _check_numbers(claim_id: str, numbers: Mapping[str, Any]) -> None:
    """Raise LedgerError for what is no number, with the empty cell that it rests on, and for what rests on such a thing."""
    for name, number in numbers.items():
        if number is not None and not _is_finite(number):
            cell = graph.empty_cell(number)
            where = (
                f"the cell {cell.column} of {cell.row} in {cell.file} is empty" if cell else "look for an empty cell before"
            )
            raise LedgerError(f"claim {claim_id}: the {name} value is {number}, not a number; {where}")
    for node in graph.graph(numbers)["nodes"]:
        if not math.isfinite(node["value"]):
            of_row = f" ({node['row']['file']}:{node['row']['row']}, {node['row']['column']})" if "row" in node else ""
            raise LedgerError(f"claim {claim_id} rests on the value {node['value']}{of_row}; look for an empty cell before")


def _is_finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except TypeError:  # a text, a table, pandas' NA
        return False


def _check_units(claim: Claim, numbers: Numbers, unit: str | None) -> None:
    """Raise LedgerError for a quantity in another unit than the claim's, or than the one that it is said to be in."""
    for own_unit in (getattr(number, "unit", "") for number in numbers):
        if own_unit and own_unit != unit:
            raise LedgerError(
                f"claim {claim.id} is in {unit}, but its value in {own_unit}; convert it (measures.converted, with a rate), "
                "or correct the claim's unit"
            )


def _first_values(readings: Mapping[str, Reading]) -> dict[str, Number]:
    """Return each reading's value by its name in a derivation."""
    return {f"reading: {name}": reading[0] if isinstance(reading, tuple) else reading for name, reading in readings.items()}


def _adjustable(claim_id: str, derivation: dict[str, Any], adjust: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the inputs that a reader may change, as a finding has them."""
    adjustable = []
    for label, entry in adjust.items():
        number, choices = entry if isinstance(entry, tuple) else (entry, None)
        node = graph.node_number(derivation, number)
        if node is None:
            raise LedgerError(f"claim {claim_id} does not depend on what `adjust` calls {label!r}; remove it or correct it")
        pairs = [[name, float(choice)] for name, choice in choices.items()] if choices else None
        adjustable.append({"label": label, "node": node, "choices": pairs})
    return adjustable
