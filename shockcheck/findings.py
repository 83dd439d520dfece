"""Findings: a claim with the value recomputed for it, and how a notebook shows one."""

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import jinja2
import pandas as pd
from matplotlib.colors import Normalize

from shockcheck import facts, forensics, ledger, verdicts
from shockcheck.errors import LedgerError
from shockcheck.paths import TEMPLATES

MIMETYPE = "application/vnd.shockcheck.finding+json"
AS_READ = "as read"
VARIANT = "SHOCKCHECK_VARIANT"  # set by the build while a notebook runs with other parameters than the article's
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
    "off": "neither the close nor the day's range meets the printed value",
    "supported": "the cited facts bear the statement out",
    "imprecise": "true only in part",
    "contradicted": "a primary source or two independent ones say otherwise",
    "unchecked": "no source at hand can decide it",
}


@dataclass(frozen=True)
class Finding:
    """A claim plus the value recomputed for it, with the day's low and high where the claim is of a price.

    Numbers are in the claim's unit, changes signed, rounded to two digits more than the article printed. `verdict` is
    None on a variant: other parameters than the article's say nothing about the article. `readings` are those that
    could have been chosen instead, the chosen one first, each with its value and verdict. `quantity` says in words what
    the value is of, which is all that a variant's card has to say.
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

    def __repr__(self) -> str:
        """The finding as text, which is what the notebooks' tests compare."""
        lines = [f"{self.id}: {self.verdict or 'no verdict, since the parameters are not the article’s'}"]
        if self.stated:
            lines += [f"  stated      {self.stated_text}", f"  allowed     {self.allowed}"]
        if self.recomputed is not None:
            lines.append(f"  recomputed  {self.recomputed_text}")
        if self.readings:
            lines.append(f"  robustness  {self.robustness}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {"text/plain": repr(self), "text/html": self.html(), MIMETYPE: asdict(self)}

    @property
    def _claim(self) -> ledger.Claim:
        return _ledger().claim(self.id)

    @property
    def allowed(self) -> str | None:
        """The allowed interval in words, or None where no value is stated."""
        if self.stated is None:
            return None
        return verdicts.in_words(self._claim.allowed(_ledger().article.language))

    @property
    def stated_text(self) -> str:
        """The value as printed, with its hedge, unit and direction."""
        hedge, direction = self._claim.hedge, self._claim.direction
        text = f"{hedge} {self.stated}" if hedge and hedge != "exactly" else self.stated
        return _with_unit(text, self.unit) + (f", a {direction}" if direction else "")

    @property
    def recomputed_text(self) -> str:
        """The recomputed value with its unit and, where there is one, the day's range."""
        text = _with_unit(self.number(self.recomputed), self.unit)
        return text if self.low is None else f"{text} (day's range {self.number(self.low)} to {self.number(self.high)})"

    @property
    def robustness(self) -> str:
        """How many of the readings agree with the chosen one, and the nearest that does not, as a sentence."""
        return forensics.summary(pd.DataFrame(self.readings).set_index("reading"))

    @property
    def strip(self) -> dict[str, object]:
        """The readings on a line from 0 to 100: the allowed `band` as (start, end), and `points` as (place, reading)."""
        allowed = self._claim.allowed(_ledger().article.language)
        values = [reading["value"] for reading in self.readings]
        edges = [edge for edge in (allowed.left, allowed.right) if math.isfinite(edge)]
        low, high = min(values + edges), max(values + edges)
        room = 0.08 * (high - low) or 1.0
        scale = Normalize(low - room, high + room, clip=True)
        band = tuple(round(100 * float(scale(edge)), 2) for edge in (allowed.left, allowed.right))
        return {"band": band, "points": [(round(100 * float(scale(r["value"])), 2), r) for r in self.readings]}

    def number(self, value: float) -> str:
        """A value of this finding as text, rounded as its recomputed value is."""
        sign = "+" if self._claim.direction else ""
        return f"{value:{sign}.{self._decimals}f}".replace("-", "\N{MINUS SIGN}")

    @property
    def _decimals(self) -> int:
        return _decimals(self._claim, _ledger().article.language)

    def html(self) -> str:
        """The card that a reader sees, as an HTML fragment."""
        cited = facts.with_sources(facts.load().loc[self._claim.facts].reset_index()[["id", *FACT]])
        return _card().render(
            finding=self,
            claim=self._claim,
            language=_ledger().article.language,
            sign=SIGNS.get(self.verdict, ""),
            meaning=MEANINGS.get(self.verdict, ""),
            facts=cited.to_dict("records"),
        )


FACT = ["quantity", "value", "unit", "as_of", "source", "status"]


@cache
def _ledger() -> ledger.Ledger:
    return ledger.load()


@cache
def _card() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined).get_template("card.html")


def _with_unit(value: str, unit: str) -> str:
    return f"{unit} {value}" if unit == "rank" else f"{value} {unit}"


def _decimals(claim: ledger.Claim, language: str) -> int:
    if claim.hedge == "exactly":  # a rank or a count
        return 0
    return 2 + (verdicts.decimals(claim.stated, claim.hedge, language) if claim.stated else 0)


def check(
    claim_id: str,
    value: float | None = None,
    low: float | None = None,
    high: float | None = None,
    choices: Mapping[str, float | tuple[float, float, float]] | None = None,
    *,
    quantity: str | None = None,
    unit: str | None = None,
) -> Finding:
    """The finding for one claim: `value` in the claim's unit (changes signed), `low` and `high` the day's range.

    `choices` are readings that could have been chosen instead, each with its value, or with value, low and high. A
    documented claim takes a value only as an illustration; its verdict is the ledger's. `quantity` says what the value is
    of, by the notebook's parameters, and `unit` in what it is where they change that: then there is no verdict, as on a
    variant. Writes no file.
    Raises LedgerError for an unknown claim, a computed claim without a value, or a value that is not a number.
    """
    claim, language = _ledger().claim(claim_id), _ledger().article.language
    if claim.kind == "computed" and value is None:
        raise LedgerError(f"claim {claim_id} is computed: give check({claim_id!r}, ...) the recomputed value")
    if claim.kind == "documented" and choices:
        raise LedgerError(f"claim {claim_id} is documented: readings are of computed claims, remove `choices`")
    low, high = (None, None) if low == high else (low, high)
    if not all(number is None or math.isfinite(number) for number in (value, low, high)):
        raise LedgerError(f"claim {claim_id}: {value}, {low}, {high} are not all numbers; look for an empty cell before")
    word, readings = claim.verdict, []
    if claim.kind == "computed":
        try:
            word = verdicts.verdict(value, claim.allowed(language), low, high)
            readings = _readings(claim.allowed(language), (value, low, high), choices or {}, _decimals(claim, language))
        except ValueError as error:
            raise LedgerError(f"claim {claim_id}: {error}") from error
    rounded = [None if number is None else round(float(number), _decimals(claim, language)) for number in (value, low, high)]
    if os.environ.get(VARIANT) or unit not in (None, claim.unit):
        word, readings = None, []
    return Finding(claim.id, claim.kind, claim.stated, unit or claim.unit, *rounded, word, readings, quantity)


def allowed(claim_id: str) -> pd.Interval:
    """The values that the stated one of a claim allows, in the claim's unit."""
    return _ledger().claim(claim_id).allowed(_ledger().article.language)


def _readings(allowed: pd.Interval, chosen: tuple, choices: Mapping[str, object], digits: int) -> list[dict[str, object]]:
    if not choices:
        return []
    table = forensics.robustness(allowed, AS_READ, {AS_READ: chosen, **choices})
    table["value"] = table["value"].round(digits)
    return table[["value", "verdict", "flips"]].reset_index().to_dict("records")


def shown_in(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The findings that an executed notebook shows, in order: the fields of each."""
    outputs = (output for cell in node["cells"] for output in cell.get("outputs", []))
    return [output["data"][MIMETYPE] for output in outputs if MIMETYPE in output.get("data", {})]
