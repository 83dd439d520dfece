"""The ledger: what the article says and how each claim is read, `data/claims.yml`, checked entry by entry."""

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import pandas as pd
from pydantic import Field, model_validator
from ruamel.yaml.comments import CommentedMap

from shockcheck import cache, documents, facts, links, numerals, verdicts
from shockcheck.documents import Entry, Fault, Text, UnreadableError
from shockcheck.errors import LedgerError, ShockcheckError
from shockcheck.paths import LEDGER, ROOT, by_the_package, note, shown

Printed = Literal["de", "en"]  # the languages that articles are read in
CHECKED = "SHOCKCHECK_LEDGER"  # set by a run to the file in which its kernel finds the ledger as it was checked
ABROAD = {"de"}  # those in which a reader of the pages, which are in English, needs to be told what a quote claims


class Article(Entry):
    """The piece under test; `language` is the one it is printed in and rules how its numbers are read."""

    title: Text
    publisher: Text
    date: date
    language: Printed
    url: Text | None = None


class Claim(Entry):
    """One checkable statement of the article and the reading chosen for it before computing.

    It is `documented` where an editor's verdict stands in it, with a reason and facts, else `computed`. `states` says in
    English what is claimed; a quote that says so itself needs none. `paragraph` counts those of the text, where it has some.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
    paragraph: Annotated[int, Field(ge=0)] | None = None
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
        for message in _broken_rules(dict(self)):
            raise ValueError(message)
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


def load(path: Path = LEDGER, watched: bool = True) -> Ledger:
    """The ledger in `path`. That it was read is noted, or only its head, where the caller says so by `watched`.

    Raises LedgerError with file, line and the claim's id for the first entry that is not as documented: an unknown or
    missing field, a duplicate id, a stated value that is no number as printed, a fact that does not exist.
    """
    note(shown(path) if watched else f"{shown(path)}#{cache.ARTICLE}")
    with by_the_package():
        return _load(path, _state(path))


@lru_cache(maxsize=4)
def _load(path: Path, state: str) -> Ledger:
    """The ledger as `load` gives it, once for a state of it: to read it by lines takes a tenth of a second."""
    handed = json.loads(Path(os.environ[CHECKED]).read_text(encoding="utf-8")) if os.environ.get(CHECKED) else {}
    if handed.get("state") == state:
        return Ledger.model_validate_json(handed["ledger"])
    document = documents.parsed(path, LedgerError)
    for fault in _faults(document):
        raise LedgerError(documents.sentence(path, document, fault))
    return Ledger.model_validate(document)


def _state(path: Path) -> str:
    """The digest of all that a ledger is checked by: itself, the facts, and how their table is described."""
    return cache.digest("".join(cache.of_file(one) for one in (path, ROOT / facts.FILE, cache.DESCRIPTOR)))


def hand_over(path: Path) -> dict[str, str]:
    """Write the ledger to `path` for a kernel, which need not check it again; returns the variable that tells it so.

    A ledger at fault is not written: the kernel will find the fault itself.
    """
    state = _state(LEDGER)
    try:
        checked = _load(LEDGER, state).model_dump_json()
    except ShockcheckError:
        return {}
    path.write_text(json.dumps({"state": state, "ledger": checked}), encoding="utf-8")
    return {CHECKED: str(path)}


def faults(path: Path = LEDGER) -> list[str]:
    """Everything that `load` would stop at, one after another, each as 'FILE:LINE: sentence'; empty for a good ledger."""
    try:
        document = documents.parse(path)
    except UnreadableError as error:
        return [f"{shown(path)}:{error.line or 1}: {error.message}"]
    return [documents.listed(path, document, fault) for fault in _faults(document)]


def _faults(document: CommentedMap) -> list[Fault]:
    """Every fault of a ledger, in the order of its lines: fields, rules between fields, and between claims."""
    found = [fault for fault in documents.faults(Ledger, document) if fault.kind != "value_error"]  # those come below
    claims = document.get("claims")
    article = document.get("article")
    language = article.get("language") if isinstance(article, dict) else None
    entries = [
        (("claims", place), one)
        for place, one in enumerate(claims if isinstance(claims, list) else [])
        if isinstance(one, dict)
    ]
    url = article.get("url") if isinstance(article, dict) else None
    if isinstance(url, str) and url and links.fault(url):
        found.append(Fault(("article", "url"), links.fault(url)))
    times = Counter(one["id"] for _, one in entries if isinstance(one.get("id"), str))
    known = facts.ids()
    for place, one in entries:
        found += [Fault(place, message) for message in _broken_rules(one)]
        if isinstance(one.get("id"), str) and times[one["id"]] > 1:
            message = f"the id {one['id']} is given to {times[one['id']]} claims; give each its own"
            found.append(Fault((*place, "id"), message))
        if language in ABROAD and not one.get("states"):
            found.append(Fault((*place, "states"), "the field is missing; say in English what the quote claims"))
        found += [Fault((*place, "stated"), message) for message in _misprinted(one, language)]
        cited = one.get("facts")
        for fact in cited if isinstance(cited, list) else []:
            if isinstance(fact, str) and fact not in known:
                found.append(Fault((*place, "facts"), f"data/facts.csv has no fact {fact!r}; add it or correct the id"))
    return sorted(found, key=lambda fault: documents.place(document, fault.loc)[0])


def _broken_rules(claim: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong between the fields of a claim that by themselves may be right."""
    stated, unit, interval, why, verdict, because, cited = (
        claim.get(name) for name in ("stated", "unit", "interval", "why", "verdict", "because", "facts")
    )
    if verdict and not (because and (cited or verdict == "unchecked")):
        yield "a documented claim needs `because` and, unless it is unchecked, at least one id under `facts`"
    if not verdict and (because or cited):
        yield "`because` and `facts` belong to a documented claim; give its `verdict` or remove them"
    elif not verdict and not (stated and unit):
        yield "a computed claim needs `stated` and `unit`; a documented one `verdict`, `because` and `facts`"
    if (interval is None) != (why is None):
        yield "an `interval` that overrides the rule needs a `why`, and a `why` an `interval`"
    ends = interval if isinstance(interval, list) and all(isinstance(end, float) for end in interval) else []
    if any(map(math.isnan, ends)):
        yield "`interval` must hold two numbers"
    elif ends != sorted(ends):
        yield "`interval` must give its lower end first"


def _misprinted(claim: Mapping[str, Any], language: object) -> Iterator[str]:
    """What is wrong with the stated value as a number printed in the language of the article."""
    stated, hedge = claim.get("stated"), claim.get("hedge")
    if isinstance(stated, str) and stated and language in get_args(Printed) and hedge in (None, *get_args(verdicts.Hedge)):
        part = numerals.part_of_whole(stated, language)
        if part and claim.get("unit") == "percent":
            sign = "," if language == "de" else "."
            of_one, of_whole = (f"{float(number):.3g}".replace(".", sign) for number in (part, 100 * part))
            yield f"{stated!r} may be of one percent or of the whole; write {of_one!r} or {of_whole!r}, whichever is meant"
            return
        try:
            verdicts.numbers(stated, hedge, language)
        except ValueError as error:
            yield str(error)
