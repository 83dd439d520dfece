"""Linked data: findings and tables as schema.org has them, for programs that read the pages.

A claim is a `ClaimReview` (https://schema.org/ClaimReview), the data package a `Dataset` (https://schema.org/Dataset).
"""

from typing import Any

from shockcheck import markup
from shockcheck.data import tables
from shockcheck.errors import BuildError
from shockcheck.findings import Finding
from shockcheck.languages.language import Language
from shockcheck.ledger import Ledger

CONTEXT = "https://schema.org"
AUTHOR = {"@type": "Organization", "name": "shockcheck"}
WORST, BEST = 1, 5


def claim_review(finding: Finding, ledger: Ledger, page: str, language: Language) -> dict[str, Any]:
    """Return the review of one claim; `page` is the name of the page with its card, whose address is relative to the index.

    The scale runs from 1 to 5 with 3 for what is true in part; a claim that nothing at hand can decide has no number.
    Raises BuildError, naming claim and field, where one is empty.
    """
    claim, article = ledger.claim(finding.id), ledger.article
    appearance = {
        "@type": "NewsArticle",
        "headline": article.title,
        "datePublished": article.date.isoformat(),
        "inLanguage": article.language,
        "publisher": {"@type": "Organization", "name": article.publisher},
    }
    rating: dict[str, Any] = {
        "@type": "Rating",
        "alternateName": language.text(finding.verdict or ""),
        "ratingExplanation": _explanation(finding, language),
    }
    if finding.verdict and finding.verdict.rating:
        rating |= {"ratingValue": finding.verdict.rating, "worstRating": WORST, "bestRating": BEST}
    review = {
        "@context": CONTEXT,
        "@type": "ClaimReview",
        "url": f"{markup.path(page)}.html#claim-{claim.id}",
        "inLanguage": language.code,
        "author": AUTHOR,
        "claimReviewed": claim.in_english,
        "itemReviewed": {
            "@type": "Claim",
            "text": claim.quote,
            "inLanguage": article.language,
            # An article that stands in print alone has no address.
            "appearance": appearance | ({"url": article.url} if article.url else {}),
        },
        "reviewRating": rating,
    }
    return _complete(review, f"claim {claim.id}")


def dataset() -> dict[str, Any]:
    """Return the data package: its name, licence and one download a table, each with the SHA-256 that it is checked against.

    Raises BuildError, naming the field, where one is empty.
    """
    package = tables.package()
    described = {
        "@context": CONTEXT,
        "@type": "Dataset",
        "name": package["title"],
        "description": package["description"],
        "version": package["version"],
        "license": package["licenses"][0]["path"],
        "creator": AUTHOR,
        "distribution": [
            {
                "@type": "DataDownload",
                "name": resource["title"],
                "encodingFormat": resource["mediatype"],
                "contentUrl": f"../data/{resource['path']}",
                "sha256": resource["hash"].removeprefix("sha256:"),
            }
            for resource in package["resources"]
        ],
    }
    return _complete(described, "the data package")


def _explanation(finding: Finding, language: Language) -> str | None:
    if finding.kind == "documented":
        return finding.claim.because
    words = finding.in_words(language)
    return language.text(
        "Stated: {stated}; allowed: {allowed}; recomputed: {recomputed}. Result: {meaning}.",
        stated=words.stated,
        allowed=words.allowed,
        recomputed=words.recomputed,
        meaning=words.meaning,
    )


def _complete(entry: dict[str, Any], whose: str) -> dict[str, Any]:
    """Return the entry itself; raises BuildError at the first field, by its path, that is empty."""

    def empty(value: Any, path: str) -> str | None:
        if isinstance(value, dict):
            return next(filter(None, (empty(inner, f"{path}.{key}".lstrip(".")) for key, inner in value.items())), None)
        if isinstance(value, list):
            return next(filter(None, (empty(inner, f"{path}[{place}]") for place, inner in enumerate(value))), None)
        return path if value is None or (isinstance(value, str) and not value.strip()) else None

    field = empty(entry, "")
    if field:
        raise BuildError(f"{whose}: the field {field} of its JSON-LD is empty; fill in what it is made from")
    return entry
