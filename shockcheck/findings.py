"""Findings: a claim with the value recomputed for it, and how a notebook shows one."""

import math
import os
from dataclasses import asdict, dataclass
from functools import cache

import jinja2

from shockcheck import facts, ledger, verdicts
from shockcheck.errors import LedgerError
from shockcheck.paths import TEMPLATES

MIMETYPE = "application/vnd.shockcheck.finding+json"
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
    "holds": "recomputed at the close, the value is one that prints as the article has it",
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
    None on a variant: other parameters than the article's say nothing about the article.
    """

    id: str
    kind: str
    stated: str | None
    unit: str | None
    recomputed: float | None
    low: float | None
    high: float | None
    verdict: str | None

    def __repr__(self) -> str:
        """The finding as text, which is what the notebooks' tests compare."""
        lines = [f"{self.id}: {self.verdict or 'no verdict, since the parameters are not the article’s'}"]
        if self.stated:
            lines += [f"  stated      {self.stated_text}", f"  allowed     {self.allowed}"]
        if self.recomputed is not None:
            lines.append(f"  recomputed  {self.recomputed_text}")
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
        sign = "+" if self._claim.direction else ""
        spec = f"{sign}.{self._decimals}f"
        text = _with_unit(f"{self.recomputed:{spec}}", self.unit)
        if self.low is not None:
            text += f" (day's range {self.low:{spec}} to {self.high:{spec}})"
        return text.replace("-", "\N{MINUS SIGN}")

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
    if claim.unit == "rank":
        return 0
    return 2 + (verdicts.decimals(claim.stated, claim.hedge, language) if claim.stated else 0)


def check(claim_id: str, value: float | None = None, low: float | None = None, high: float | None = None) -> Finding:
    """The finding for one claim: `value` in the claim's unit (changes signed), `low` and `high` the day's range.

    A documented claim takes a value only as an illustration; its verdict is the ledger's. Writes no file.
    Raises LedgerError for an unknown claim, a computed claim without a value, or a value that is not a number.
    """
    claim, language = _ledger().claim(claim_id), _ledger().article.language
    digits = _decimals(claim, language)
    low, high = (None, None) if low == high else (low, high)
    if not all(number is None or math.isfinite(number) for number in (value, low, high)):
        raise LedgerError(f"claim {claim_id}: {value}, {low}, {high} are not all numbers; look for an empty cell before")
    if claim.kind == "documented":
        word = claim.verdict
    elif value is None:
        raise LedgerError(f"claim {claim_id} is computed: give check({claim_id!r}, ...) the recomputed value")
    else:
        try:
            word = verdicts.verdict(value, claim.allowed(language), low, high)
        except ValueError as error:
            raise LedgerError(f"claim {claim_id}: {error}") from error
    rounded = [None if number is None else round(float(number), digits) for number in (value, low, high)]
    return Finding(
        claim.id, claim.kind, claim.stated, claim.unit, *rounded, verdict=None if os.environ.get(VARIANT) else word
    )
