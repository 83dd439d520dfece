"""The ledger: what the article says and how each claim is read, `data/claims.yml`, checked entry by entry."""

from collections import Counter
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import pandas as pd
from pydantic import Field, model_validator

from shockcheck import documents, facts, verdicts
from shockcheck.documents import Entry
from shockcheck.errors import LedgerError
from shockcheck.paths import LEDGER, note, shown

Text = Annotated[str, Field(min_length=1)]


class Article(Entry):
    """The piece under test; `language` is the one it is printed in and rules how its numbers are read."""

    title: Text
    publisher: Text
    date: date
    language: Literal["de", "en"]
    url: Text | None = None


class Claim(Entry):
    """One checkable statement of the article and the reading chosen for it before computing.

    It is `documented` where an editor's verdict stands in it, with a reason and facts, else `computed`. `states` says in
    English what is claimed; a quote that says so itself needs none.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
    paragraph: Annotated[int, Field(ge=0)]
    quote: Text
    states: Text | None = None
    stated: Text | None = None
    unit: Text | None = None
    hedge: verdicts.Hedge | None = None
    direction: verdicts.Direction | None = None
    interval: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    why: Text | None = None
    reading: Text
    verdict: verdicts.DocumentedVerdict | None = None
    because: Text | None = None
    facts: list[Text] = Field(default=[])

    @property
    def kind(self) -> Literal["computed", "documented"]:
        """`computed` or `documented`."""
        return "documented" if self.verdict else "computed"

    @property
    def in_english(self) -> str:
        """What is claimed, in English."""
        return self.states or self.quote

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if self.verdict and not (self.because and (self.facts or self.verdict == "unchecked")):
            raise ValueError("a documented claim needs `because` and, unless it is unchecked, at least one id under `facts`")
        if not self.verdict and (self.because or self.facts):
            raise ValueError("`because` and `facts` belong to a documented claim; give its `verdict` or remove them")
        if not self.verdict and not (self.stated and self.unit):
            raise ValueError("a computed claim needs `stated` and `unit`")
        if (self.interval is None) != (self.why is None):
            raise ValueError("an `interval` that overrides the rule needs a `why`, and a `why` an `interval`")
        if self.interval and not self.interval[0] <= self.interval[1]:
            raise ValueError("`interval` must give its lower end first")
        return self

    def allowed(self, language: str) -> pd.Interval:
        """The values that the stated one allows, in the claim's unit; raises ValueError where none is stated."""
        if self.interval:
            return pd.Interval(*self.interval, closed="both")
        if self.stated is None:
            raise ValueError(f"claim {self.id} states no value")
        return verdicts.interval(self.stated, self.hedge, self.direction, language)


class Ledger(Entry):
    """The article and its claims, in the article's order."""

    article: Article
    claims: Annotated[list[Claim], Field(min_length=1)]

    @cached_property
    def by_id(self) -> dict[str, Claim]:
        """The claims by their ids."""
        return {claim.id: claim for claim in self.claims}

    def claim(self, claim_id: str) -> Claim:
        """The claim of that id; raises LedgerError, naming the file, for an unknown one."""
        if claim_id not in self.by_id:
            raise LedgerError(f"{shown(LEDGER)} has no claim {claim_id!r}; add it or correct the id in the notebook")
        note(f"{shown(LEDGER)}#{claim_id}")
        return self.by_id[claim_id]


def load(path: Path = LEDGER) -> Ledger:
    """The ledger in `path`.

    Raises LedgerError with file, line and the claim's id for the first entry that is not as documented: an unknown or
    missing field, a duplicate id, a stated value that is no number as printed, a fact that does not exist.
    """
    ledger, document = documents.read(path, Ledger, LedgerError)
    note(f"{shown(path)}#article")
    for loc, message in _faults(ledger):
        raise LedgerError(documents.sentence(path, document, loc, message))
    return ledger


def _faults(ledger: Ledger) -> list[tuple[tuple, str]]:
    """What no single field can see, as (place, message)."""
    known, times = facts.ids(), Counter(claim.id for claim in ledger.claims)
    found = []
    for number, claim in enumerate(ledger.claims):
        place = ("claims", number)
        if times[claim.id] > 1:
            found.append(((*place, "id"), f"the id {claim.id} is given to {times[claim.id]} claims"))
        if not claim.states and ledger.article.language != "en":
            found.append(((*place, "states"), "the field is missing; say in English what the quote claims"))
        if claim.stated is not None:
            try:
                claim.allowed(ledger.article.language)
                verdicts.numbers(claim.stated, claim.hedge, ledger.article.language)
            except ValueError as error:
                found.append(((*place, "stated"), str(error)))
        found += [((*place, "facts"), f"data/facts.csv has no fact {fact!r}") for fact in claim.facts if fact not in known]
    return found
