"""The ledger: what the article says and how each claim is read, `data/claims.yml`, checked entry by entry."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pandas as pd
from pydantic import Field
from ruamel.yaml.comments import CommentedMap

from shockcheck import numerals, verdicts
from shockcheck.data import facts
from shockcheck.errors import LedgerError, ShockcheckError
from shockcheck.formats import links, yaml_models
from shockcheck.formats.yaml_models import Fault, StrictModel, Text, UnreadableError
from shockcheck.project import yaml_files
from shockcheck.project.context import current_run, note, unnoted_reads
from shockcheck.project.digests import digest, file_digest
from shockcheck.project.inputs import ARTICLE
from shockcheck.project.paths import current_project, shown

ArticleLanguage = Literal["de", "en"]  # the languages that articles are read in
TRANSLATED = {"de"}  # those in which a reader of the pages, which are in English, needs to be told what a quote claims


class Article(StrictModel):
    """The piece under test; `language` is the one it is printed in and rules how its numbers are read."""

    title: Text
    publisher: Text
    date: date
    language: ArticleLanguage
    url: Text | None = None


class Claim(StrictModel):
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

    def allowed(self, language: str) -> pd.Interval:
        """Return the values that the stated one allows, in the claim's unit; raises ValueError where none is stated."""
        if self.interval:
            low, high = self.interval
            return pd.Interval(low, high, closed="both")
        if self.stated is None:
            raise ValueError(f"claim {self.id} states no value")
        return verdicts.interval(self.stated, self.hedge, self.direction, language)


class Ledger(StrictModel):
    """The article and its claims, in the article's order."""

    article: Article
    claims: Annotated[list[Claim], Field(min_length=1)]

    @cached_property
    def by_id(self) -> dict[str, Claim]:
        """The claims by their ids."""
        return {claim.id: claim for claim in self.claims}

    def claim(self, claim_id: str) -> Claim:
        """Return the claim of that id; raises LedgerError, naming the file, for an unknown one."""
        if claim_id not in self.by_id:
            file = shown(current_project().ledger)
            raise LedgerError(f"{file} has no claim {claim_id!r}; add it or correct the id in the notebook")
        return self.by_id[claim_id]


def load(path: Path | None = None, watched: bool = True) -> Ledger:
    """Return the ledger in `path`, by default the project's; that it was read is noted, or without `watched` its head alone.

    Raises LedgerError with file, line and the claim's id for the first entry that is not as documented: an unknown or
    missing field, a duplicate id, a stated value that is no number as printed, a fact that does not exist.
    """
    path = path or current_project().ledger
    note(shown(path) if watched else f"{shown(path)}#{ARTICLE}")
    with unnoted_reads():
        return _load(path, _state(path))


@lru_cache(maxsize=4)
def _load(path: Path, state: str) -> Ledger:
    """Return the ledger as `load` does, once for a state of it: to read it by lines takes a tenth of a second."""
    checked = current_run().ledger
    if checked:
        stored = json.loads(Path(checked).read_text(encoding="utf-8"))
        if stored["state"] == state:
            return Ledger.model_validate_json(stored["ledger"])
    document = yaml_files.load(path, LedgerError)
    for fault in _faults(document):
        raise LedgerError(yaml_models.fault_sentence(shown(path), document, fault))
    return Ledger.model_validate(document)


def _state(path: Path) -> str:
    """Return the digest of all that a ledger is checked by: itself, the facts, and how their table is described."""
    files = (path, current_project().root / facts.FILE, current_project().descriptor)
    return digest("".join(map(file_digest, files)))


def write_for_kernel(path: Path) -> bool:
    """Write the ledger to `path` for a kernel, which need not check it again; return whether it is without fault.

    A ledger at fault is not written: the kernel will find the fault itself.
    """
    state = _state(current_project().ledger)
    try:
        checked = _load(current_project().ledger, state).model_dump_json()
    except ShockcheckError:
        return False
    path.write_text(json.dumps({"state": state, "ledger": checked}), encoding="utf-8")
    return True


def faults(path: Path | None = None) -> list[str]:
    """Return all that `load` would stop at, each as 'FILE:LINE: sentence'; empty for a good ledger."""
    path = path or current_project().ledger
    try:
        document = yaml_files.parse(path)
    except UnreadableError as error:
        return [f"{shown(path)}:{error.line or 1}: {error.message}"]
    return [yaml_models.listed_fault(shown(path), document, fault) for fault in _faults(document)]


def _faults(document: CommentedMap) -> list[Fault]:
    """Return every fault of a ledger, in the order of its lines: fields, rules between fields, and between claims."""
    claims, article = document.get("claims"), document.get("article")
    head = article if isinstance(article, dict) else {}
    entries = [
        (("claims", index), claim)
        for index, claim in enumerate(claims if isinstance(claims, list) else [])
        if isinstance(claim, dict)
    ]
    faults = [*yaml_models.faults(Ledger, document), *_address_faults(head)]
    times = Counter(claim["id"] for _, claim in entries if isinstance(claim.get("id"), str))
    known_facts = set(facts.ids())
    for place, claim in entries:
        name = claim.get("id")
        faults += [Fault(place, message) for message in _broken_rules(claim)]
        if isinstance(name, str) and times[name] > 1:
            faults.append(Fault((*place, "id"), f"the id {name} is given to {times[name]} claims; give each its own"))
        if head.get("language") in TRANSLATED and not claim.get("states"):
            faults.append(Fault((*place, "states"), "the field is missing; say in English what the quote claims"))
        faults += [Fault((*place, "stated"), message) for message in _misprinted(claim, head.get("language"))]
        faults += [Fault((*place, "facts"), message) for message in _unknown_facts(claim, known_facts)]
    return sorted(faults, key=lambda fault: yaml_models.place_of(document, fault.loc)[0])


def _address_faults(article: Mapping[str, Any]) -> Iterator[Fault]:
    url = article.get("url")
    fault = links.fault(url) if isinstance(url, str) and url else None
    if fault:
        yield Fault(("article", "url"), fault)


def _unknown_facts(claim: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    cited = claim.get("facts")
    for fact in cited if isinstance(cited, list) else []:
        if isinstance(fact, str) and fact not in known:
            yield f"data/facts.csv has no fact {fact!r}; add it or correct the id"


def _broken_rules(claim: Mapping[str, Any]) -> Iterator[str]:
    """Return what is wrong between the fields of a claim that by themselves may be right."""
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
    """Yield what is wrong with the stated value as a number printed in the language of the article."""
    stated, hedge = claim.get("stated"), claim.get("hedge")
    if not isinstance(language, str) or language not in get_args(ArticleLanguage):
        return
    if isinstance(stated, str) and stated and hedge in (None, *get_args(verdicts.Hedge)):
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
