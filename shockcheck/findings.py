"""Findings: a claim with the value recomputed for it, and how a notebook shows one."""

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from shockcheck import defaults, derivations, facts, forensics, ledger, markup, verdicts
from shockcheck.errors import LedgerError
from shockcheck.languages import Language, current, get
from shockcheck.paths import TEMPLATES

MIMETYPE = "application/vnd.shockcheck.finding+json"
AS_READ = "as read"
RECOMPUTED, LOW, HIGH = "recomputed", "day's low", "day's high"  # the numbers of a finding in its derivation
VARIANT = "SHOCKCHECK_VARIANT"  # set by the build: not empty while a notebook runs with other parameters than the article's
SIGNS = {
    "holds": "✓",
    "held intraday": "◐",
    "off": "✗",
    "supported": "✓",
    "imprecise": "◐",
    "contradicted": "✗",
    "unchecked": "?",
}
MEANINGS = {
    "holds": "the recomputed value, of a price the one at the close, prints as the article has it",
    "held intraday": "not at the close, but the day's low-high range meets the printed value: true when written",
    "off": "neither the recomputed value nor, where it is known, the day's range meets the printed value",
    "supported": "the cited facts bear the statement out",
    "imprecise": "true only in part",
    "contradicted": "a primary source or two independent ones say otherwise",
    "unchecked": "no source at hand can decide it",
}
# The same of one finding, of which it is known whether there is a range.
OFF_WITH_RANGE = "neither the close nor the day's range meets the printed value"
OFF_WITHOUT_RANGE = "the recomputed value does not meet the printed one"
Number = float | derivations.Quantity


@dataclass(frozen=True)
class Finding:
    """A claim plus the value recomputed for it, with the day's low and high where the claim is of a price.

    Numbers are in the claim's unit, changes signed, rounded to two digits more than the article printed. `verdict` is
    None on a variant: other parameters than the article's say nothing about the article. `readings` are those that
    could have been chosen instead, the chosen one first, each with its value and verdict. `quantity` says in words what
    the value is of, which is all that a variant's card has to say. `derivation` is how the value, the day's range and
    the readings were computed, as `derivations.graph` has it; `adjustable` names the nodes of it that a reader may
    change, each with `label`, `node` and, where not every number will do, `choices` as pairs of label and value.
    """

    id: str
    kind: str
    stated: str | None
    unit: str | None
    recomputed: float | None
    low: float | None
    high: float | None
    verdict: str | None
    readings: list[dict[str, object]] = field(default_factory=list)
    quantity: str | None = None
    derivation: dict[str, Any] = field(default_factory=dict)
    adjustable: list[dict[str, Any]] = field(default_factory=list)

    def __repr__(self) -> str:
        """The finding as text, which is what the notebooks' tests compare."""
        said = self.said(get("en"))
        lines = [f"{self.id}: {self.verdict or 'no verdict, since the parameters are not the article’s'}"]
        if self.stated:
            lines += [f"  stated      {said.stated}", f"  allowed     {said.allowed}"]
        if self.recomputed is not None:
            lines.append(f"  recomputed  {said.recomputed}")
        if self.readings:
            lines.append(f"  robustness  {said.robustness}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {"text/plain": repr(self), "text/html": self.html(), MIMETYPE: asdict(self)}

    @property
    def claim(self) -> ledger.Claim:
        """The claim as it stands in the ledger."""
        return _ledger().claim(self.id)

    @property
    def interval(self) -> pd.Interval:
        """The values that the stated one allows; raises ValueError where none is stated."""
        return self.claim.allowed(_ledger().article.language)

    @property
    def decimals(self) -> int:
        """The decimal places that its numbers are shown with."""
        return _decimals(self.claim, _ledger().article.language)

    @property
    def unconfirmed(self) -> list[str]:
        """The rows with one weak source that the recomputed value rests on, as trace addresses."""
        rows = derivations.rows(derivations.part(self.derivation, RECOMPUTED)) if self.derivation else []
        return list(dict.fromkeys(f"{row['file']}:{row['row']}" for row in rows if row["status"] == "unconfirmed"))

    @property
    def strip(self) -> dict[str, object]:
        """The readings on a line from 0 to 100: the allowed `band` as (start, end), and `points` as (place, reading)."""
        allowed = self.interval
        values = [reading["value"] for reading in self.readings]
        edges = [edge for edge in (allowed.left, allowed.right) if math.isfinite(edge)]
        low, high = min(values + edges), max(values + edges)
        room = 0.08 * (high - low) or 1.0
        ends = (low - room, high + room)
        band = tuple(round(float(np.interp(edge, ends, (0, 100))), 2) for edge in (allowed.left, allowed.right))
        return {"band": band, "points": [(round(float(np.interp(r["value"], ends, (0, 100))), 2), r) for r in self.readings]}

    def said(self, language: Language | None = None) -> "Said":
        """The finding in the words of a language, by default of the one that the build runs in."""
        return Said(self, language or current())

    def html(self, language: Language | None = None, **more: object) -> str:
        """The card that a reader sees, as an HTML fragment; `more` is what a page adds to it."""
        cited = facts.cited(*self.claim.facts).reset_index()
        said = self.said(language)
        return card_template().render(
            {"trace": None, "what_if": None} | more,
            finding=self,
            said=said,
            claim=self.claim,
            language=_ledger().article.language,
            _=said.language.text,
            facts=cited.to_dict("records"),
        )


@dataclass(frozen=True)
class Said:
    """A finding in the words and numbers of one language."""

    finding: Finding
    language: Language

    @property
    def verdict(self) -> str:
        """The verdict in a word."""
        return self.language.text(self.finding.verdict)

    @property
    def sign(self) -> str:
        """The verdict as a sign."""
        return SIGNS.get(self.finding.verdict, "")

    @property
    def meaning(self) -> str:
        """What the verdict means, in a line; of a price without a known range, nothing is said of one."""
        if self.finding.verdict == "off":
            return self.language.text(OFF_WITHOUT_RANGE if self.finding.low is None else OFF_WITH_RANGE)
        return self.language.text(MEANINGS[self.finding.verdict])

    @property
    def stated(self) -> str:
        """The value as printed, with its hedge, unit and direction."""
        claim, say = self.finding.claim, self.language.text
        value = say(f"{claim.hedge} {{value}}", value=claim.stated) if claim.hedge not in (None, "exactly") else claim.stated
        number_first = say(f"{{}} {claim.unit}" if claim.unit == "rank" else f"{{value}} {claim.unit}")
        before, _, after = number_first.replace("{value}", "{}", 1).partition("{}")
        return before + value + after + (f", {say(f'a {claim.direction}')}" if claim.direction else "")

    @property
    def allowed(self) -> str:
        """The allowed interval in words."""
        return self.language.interval(self.finding.interval)

    @property
    def value(self) -> str:
        """The recomputed value with its unit."""
        return self.quantity(self.finding.recomputed)

    @property
    def range(self) -> str | None:
        """The day's range, where there is one."""
        low, high = self.finding.low, self.finding.high
        if low is None:
            return None
        return self.language.text("day’s range {low} to {high}", low=self.quantity(low), high=self.quantity(high))

    @property
    def recomputed(self) -> str:
        """The recomputed value with its unit and, where there is one, the day's range."""
        return f"{self.value} ({self.range})" if self.range else self.value

    @property
    def robustness(self) -> str:
        """How many of the readings agree with the chosen one, and the nearest that does not, as a sentence."""
        return forensics.summary(pd.DataFrame(self.finding.readings).set_index("reading"), self.language.text, self.quantity)

    def quantity(self, value: float) -> str:
        """A value of this finding with its unit, rounded as its recomputed value is."""
        found = self.finding
        return self.language.quantity(value, found.unit or "", found.decimals, signed=bool(found.claim.direction))


@cache
def _ledger() -> ledger.Ledger:
    return ledger.load(watched=False)  # each claim is noted when it is asked for


@cache
def card_template() -> jinja2.Template:
    """The template of a finding's card."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["address"] = markup.address
    return environment.get_template("card.html")


def _decimals(claim: ledger.Claim, language: str) -> int:
    if claim.hedge == "exactly":  # a rank or a count
        return 0
    return 2 + (verdicts.decimals(claim.stated, claim.hedge, language) if claim.stated else 0)


def check(
    claim_id: str,
    value: Number | None = None,
    low: Number | None = None,
    high: Number | None = None,
    choices: Mapping[str, Number | tuple[Number, Number | None, Number | None] | None] | None = None,
    *,
    quantity: str | None = None,
    unit: str | None = None,
    adjust: Mapping[str, derivations.Quantity | tuple[derivations.Quantity, Mapping[str, Number]]] | None = None,
) -> Finding:
    """The finding for one claim: `value` in the claim's unit (changes signed), `low` and `high` the day's range.

    A range of which one end is None is not known. `choices` are readings that could have been chosen instead, each with
    its value, or with value, low and high; one that rests on an empty cell, or is None, is left out. A
    documented claim takes a value only as an illustration; its verdict is the ledger's. `quantity` says what the value is
    of, by the notebook's parameters, and `unit` in what it is where they change that: then there is no verdict, as on a
    variant. `adjust` names the inputs that a reader of the page may change, by their labels, each alone or with the
    choices there are for it. Writes no file.
    Raises LedgerError for an unknown claim, a computed claim without a value, a value that is not a number, or an input
    to adjust that the value does not depend on.
    """
    claim, language = _ledger().claim(claim_id), _ledger().article.language
    if claim.kind == "computed" and value is None:
        raise LedgerError(f"claim {claim_id} is computed: give check({claim_id!r}, ...) the recomputed value")
    if claim.kind == "documented" and choices:
        raise LedgerError(f"claim {claim_id} is documented: readings are of computed claims, remove `choices`")
    low, high = (None, None) if low == high or None in (low, high) else (low, high)
    _check_numbers(claim_id, {RECOMPUTED: value, LOW: low, HIGH: high})
    choices = _known(claim_id, choices or {})
    _check_units(claim, (value, low, high), unit or claim.unit)
    word, readings = claim.verdict, []
    if claim.kind == "computed":
        try:
            word = verdicts.verdict(value, claim.allowed(language), low, high)
            readings = _readings(claim.allowed(language), (value, low, high), choices, _decimals(claim, language))
        except ValueError as error:
            raise LedgerError(f"claim {claim_id}: {error}") from error
    digits = _decimals(claim, language)
    rounded = [None if number is None else round(float(number), digits) for number in (value, low, high)]
    of_article = unit in (None, claim.unit) and _of_article(claim_id, sys._getframe(1).f_globals)
    derivation = derivations.graph({RECOMPUTED: value, LOW: low, HIGH: high} | (_firsts(choices) if of_article else {}))
    return Finding(
        id=claim.id,
        kind=claim.kind,
        stated=claim.stated,
        unit=unit or claim.unit,
        recomputed=rounded[0],
        low=rounded[1],
        high=rounded[2],
        verdict=word if of_article else None,
        readings=readings if of_article else [],
        quantity=quantity,
        derivation=derivation if value is not None else {},
        adjustable=_adjustable(claim.id, derivation, adjust or {}) if of_article else [],
    )


def _of_article(claim_id: str, namespace: Mapping[str, Any]) -> bool:
    """Whether a check in a cell, of whose names `namespace` holds the values, is made with the article's parameters."""
    variant = os.environ.get(VARIANT)
    if variant is not None:
        return not variant
    of_the_package = str(namespace.get("__name__", "")).startswith(f"{__package__}.")  # which gives inputs of its own
    return of_the_package or defaults.hold(claim_id, namespace)


def _known(claim_id: str, choices: Mapping[str, Any]) -> dict[str, Any]:
    """The readings without those that rest on an empty cell, and without ranges of which one end is not known."""
    known = {}
    for name, given in choices.items():
        value, *edges = given if isinstance(given, tuple) else (given,)
        if value is None or derivations.empty_cell(value):
            continue
        edges = [] if any(edge is None or derivations.empty_cell(edge) for edge in edges) else edges
        _check_numbers(claim_id, {f"reading “{name}”": value} | {f"range of “{name}”": edge for edge in edges})
        known[name] = (value, *edges) if edges else value
    return known


def _check_numbers(claim_id: str, numbers: Mapping[str, Any]) -> None:
    """Raise LedgerError for what is no number, with the empty cell that it rests on, and for what rests on such a thing."""
    for name, number in numbers.items():
        if number is not None and not _is_finite(number):
            row = derivations.empty_cell(number)
            where = f"the cell {row.column} of {row.row} in {row.file} is empty" if row else "look for an empty cell before"
            raise LedgerError(f"claim {claim_id}: the {name} value is {number}, not a number; {where}")
    for node in derivations.graph(numbers)["nodes"]:
        if not math.isfinite(node["value"]):
            of_row = f" ({node['row']['file']}:{node['row']['row']}, {node['row']['column']})" if "row" in node else ""
            raise LedgerError(f"claim {claim_id} rests on the value {node['value']}{of_row}; look for an empty cell before")


def _is_finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except TypeError:  # a text, a table, pandas' NA
        return False


def _check_units(claim: ledger.Claim, numbers: tuple[Number | None, ...], unit: str | None) -> None:
    """Raise LedgerError for a quantity in another unit than that of the claim, or than the one it is said to be in."""
    for given in (getattr(number, "unit", "") for number in numbers):
        if given and given != unit:
            raise LedgerError(
                f"claim {claim.id} is in {unit}, but its value in {given}; convert it (measures.converted, with a rate), "
                "or correct the claim's unit"
            )


def _firsts(choices: Mapping[str, Number | tuple[Number, Number, Number]]) -> dict[str, Number]:
    return {f"reading: {name}": one[0] if isinstance(one, tuple) else one for name, one in choices.items()}


def _adjustable(claim_id: str, derivation: dict[str, Any], adjust: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for label, given in adjust.items():
        number, choices = given if isinstance(given, tuple) else (given, None)
        place = derivations.place(derivation, number)
        if place is None:
            raise LedgerError(f"claim {claim_id} does not depend on what `adjust` calls {label!r}; remove it or correct it")
        choices = [[name, float(choice)] for name, choice in choices.items()] if choices else None
        found.append({"label": label, "node": place, "choices": choices})
    return found


def allowed(claim_id: str) -> pd.Interval:
    """The values that the stated one of a claim allows, in the claim's unit."""
    return _ledger().claim(claim_id).allowed(_ledger().article.language)


def _readings(allowed: pd.Interval, chosen: tuple, choices: Mapping[str, object], digits: int) -> list[dict[str, object]]:
    if not choices:
        return []
    table = forensics.robustness(allowed, AS_READ, {AS_READ: chosen, **choices})
    table["value"] = table["value"].round(digits)
    return table[["value", "verdict", "flips"]].reset_index().to_dict("records")


def alone() -> None:
    """Let a kernel show its findings in short and nothing else: no card, no table, no text."""
    from IPython import get_ipython

    shell = get_ipython()
    shell.ast_node_interactivity = "all"  # several cells may run as one
    shell.displayhook.quiet = lambda: False  # the semicolon at the end is of the last of them alone
    shell.display_formatter.format = lambda shown, include=None, exclude=None: (
        ({MIMETYPE: in_short(vars(shown))}, {}) if isinstance(shown, Finding) else ({}, {})
    )


def shown_in(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The findings that an executed notebook shows, in order: the fields of each."""
    outputs = (output for cell in node["cells"] for output in cell.get("outputs", []))
    return [output["data"][MIMETYPE] for output in outputs if MIMETYPE in output.get("data", {})]


def in_short(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a finding without those that only its own page shows: readings, derivation, what can be changed."""
    return {name: value for name, value in found.items() if name not in ("readings", "derivation", "adjustable")}
