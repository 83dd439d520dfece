"""Findings: a claim with the value recomputed for it, and the finding in words."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import numpy as np
import pandas as pd

from shockcheck import forensics, ledger, markup, verdicts
from shockcheck.data import facts
from shockcheck.languages.language import Language, current_language, get_language
from shockcheck.project.paths import remembered
from shockcheck.quantities import graph
from shockcheck.verdicts import Verdict

TEMPLATES = Path(__file__).resolve().parent / "templates"
MIMETYPE = "application/vnd.shockcheck.finding+json"
AS_READ = "our reading"  # the one that the ledger has chosen, beside the others
DIRECTIONS = {"fall": "down", "rise": "up"}
RECOMPUTED, LOW, HIGH = "recomputed", "day's low", "day's high"  # the numbers of a finding in its derivation
ON_ITS_PAGE_ALONE = ("readings", "derivation", "adjustable")  # fields that only the finding's own page shows
STRIP_MARGIN = 0.08  # of the span from the smallest to the largest reading, on both sides


class Strip(NamedTuple):
    """The readings of a finding on a line from 0 to 100: the allowed band, and each reading with its place."""

    band: tuple[float, float]
    points: list[tuple[float, dict[str, Any]]]


@dataclass(frozen=True)
class Finding:
    """A claim plus the value recomputed for it, with the day's low and high where the claim is about a price.

    Numbers are in the claim's unit, changes signed, rounded to two digits more than the article printed. `verdict` is
    None on a variant: other parameters than the article's say nothing about the article. `readings` are those that
    could have been chosen instead, the chosen one first, each with its value and verdict. `quantity` says in words what
    was computed, which is all that a variant's card has to say. `derivation` is how the value, the day's range and
    the readings were computed, as `graph.graph` gives it; `adjustable` names the nodes of it that a reader may
    change, each with `label`, `node` and, where not every number will do, `choices` as pairs of label and value.
    """

    id: str
    kind: str
    stated: str | None
    unit: str | None
    recomputed: float | None
    low: float | None
    high: float | None
    verdict: Verdict | None
    readings: list[dict[str, Any]] = field(default_factory=list)
    quantity: str | None = None
    derivation: dict[str, Any] = field(default_factory=dict)
    adjustable: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Finding":
        """Return the finding that a notebook's output or an entry of `findings.json` holds."""
        known = {part.name: stored[part.name] for part in fields(cls) if part.name in stored}
        return cls(**known | {"verdict": Verdict(stored["verdict"]) if stored["verdict"] else None})

    def in_short(self) -> dict[str, Any]:
        """Return the fields as JSON without those that only the finding's own page shows."""
        return {name: value for name, value in vars(self).items() if name not in ON_ITS_PAGE_ALONE}

    def __repr__(self) -> str:
        """Return the finding as text, which is what the notebooks' tests compare."""
        words = self.in_words(get_language("en"))
        lines = [f"{self.id}: {self.verdict or 'no verdict: the parameters differ from the article’s'}"]
        if self.stated:
            lines += [f"  stated      {words.stated}", f"  allowed     {words.allowed}"]
        if self.recomputed is not None:
            lines.append(f"  recomputed  {words.recomputed}")
        if self.readings:
            lines.append(f"  robustness  {words.robustness}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {"text/plain": repr(self), "text/html": self.html(), MIMETYPE: asdict(self)}

    @property
    def claim(self) -> ledger.Claim:
        """The claim as it stands in the ledger."""
        return article_ledger().claim(self.id)

    @property
    def interval(self) -> pd.Interval:
        """The values that the stated one allows; raises ValueError where none is stated."""
        return self.claim.allowed(article_ledger().article.language)

    @property
    def decimals(self) -> int:
        """The decimal places that its numbers are shown with."""
        return decimals_shown(self.claim, article_ledger().article.language)

    @property
    def unconfirmed(self) -> list[str]:
        """The rows with one weak source that the recomputed value rests on, as trace addresses."""
        rows = graph.cited_rows(graph.part(self.derivation, RECOMPUTED)) if self.derivation else []
        return list(dict.fromkeys(f"{row['file']}:{row['row']}" for row in rows if row["status"] == "unconfirmed"))

    @property
    def readings_strip(self) -> Strip:
        """The readings and the allowed band on one line."""
        allowed = self.interval
        values = [reading["value"] for reading in self.readings]
        edges = [edge for edge in (allowed.left, allowed.right) if math.isfinite(edge)]
        low, high = min(values + edges), max(values + edges)
        margin = STRIP_MARGIN * (high - low) or 1.0

        def place(value: float) -> float:
            return round(float(np.interp(value, (low - margin, high + margin), (0, 100))), 2)

        return Strip(
            band=(place(allowed.left), place(allowed.right)),
            points=[(place(reading["value"]), reading) for reading in self.readings],
        )

    def in_words(self, language: Language | None = None) -> "Wording":
        """Return the finding in the words of a language, by default of the one that the build runs in."""
        return Wording(self, language or current_language())

    def html(self, language: Language | None = None, **additions: object) -> str:
        """Return the card that a reader sees, as an HTML fragment; `additions` are what a page adds to it."""
        cited = facts.cited(*self.claim.facts).reset_index()
        words = self.in_words(language)
        return card_template().render(
            {"trace": None, "what_if": None} | additions,
            finding=self,
            words=words,
            claim=self.claim,
            language=article_ledger().article.language,
            _=words.language.text,
            facts=cited.to_dict("records"),
        )


@dataclass(frozen=True)
class Wording:
    """A finding in the words and numbers of one language."""

    finding: Finding
    language: Language

    @property
    def verdict(self) -> str:
        """The verdict in a word."""
        return self.language.text(self.finding.verdict or "")

    @property
    def sign(self) -> str:
        """The verdict as a sign, nothing where there is no verdict."""
        return self.finding.verdict.sign if self.finding.verdict else ""

    @property
    def meaning(self) -> str:
        """What the verdict means, in a line; of a price without a known range, nothing is said about one."""
        verdict = self.finding.verdict
        if verdict is None:
            return ""
        if verdict is Verdict.OFF:
            return self.language.text(verdicts.OFF_WITHOUT_RANGE if self.finding.low is None else verdicts.OFF_WITH_RANGE)
        return self.language.text(verdict.meaning)

    @property
    def stated(self) -> str:
        """The value that the article states, with its unit, hedge and direction: 'down about 17%'."""
        claim, text = self.finding.claim, self.language.text
        if claim.stated is None:
            return ""
        printed = (claim.stated, claim.hedge, article_ledger().article.language)
        places = verdicts.decimals(*printed)
        low, *high = (self.language.quantity(float(end), claim.unit or "", places) for end in verdicts.numbers(*printed))
        if high:
            value = text("between {low} and {high}", low=low, high=high[0])
        else:
            value = low if claim.hedge in (None, "exactly") else text(f"{claim.hedge} {{value}}", value=low)
        return text(f"{DIRECTIONS[claim.direction]} {{value}}", value=value) if claim.direction else value

    @property
    def allowed(self) -> str:
        """The allowed interval in words."""
        return self.language.interval(self.finding.interval)

    @property
    def value(self) -> str:
        """The recomputed value with its unit, nothing where there is none."""
        return "" if self.finding.recomputed is None else self.quantity(self.finding.recomputed)

    @property
    def day_range(self) -> str | None:
        """The day's range, where there is one."""
        low, high = self.finding.low, self.finding.high
        if low is None or high is None:
            return None
        return self.language.text("day’s range {low} to {high}", low=self.quantity(low), high=self.quantity(high))

    @property
    def recomputed(self) -> str:
        """The recomputed value with its unit and, where there is one, the day's range."""
        return f"{self.value} ({self.day_range})" if self.day_range else self.value

    @property
    def robustness(self) -> str:
        """How many of the readings agree with the chosen one, and the nearest that does not, as a sentence."""
        readings = pd.DataFrame(self.finding.readings).set_index("reading").rename(index=self.language.text)
        return forensics.summary(readings, self.language.text, self.quantity)

    def quantity(self, value: float) -> str:
        """Return a value with the finding's unit, rounded as its recomputed value is."""
        finding = self.finding
        return self.language.quantity(value, finding.unit or "", finding.decimals, signed=bool(finding.claim.direction))


@remembered
def article_ledger() -> ledger.Ledger:
    """Return the project's ledger; that it was read is not noted, since each claim is when it is checked."""
    return ledger.load(watched=False)


@cache
def card_template() -> jinja2.Template:
    """Return the template of a finding's card."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["address"] = markup.address
    return environment.get_template("card.html")


def decimals_shown(claim: ledger.Claim, language: str) -> int:
    """Return the decimal places that the numbers of a claim are shown with: two more than printed, none for a count."""
    if claim.hedge == "exactly":  # a rank or a count
        return 0
    return 2 + (verdicts.decimals(claim.stated, claim.hedge, language) if claim.stated else 0)
