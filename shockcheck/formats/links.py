"""Addresses that pages link to: of the web or of a DOI, and no others, so that no link runs a script."""

import re
from urllib.parse import urlsplit

FORBIDDEN = re.compile(r"""[\s<>"{}|\\^`\x00-\x20\x7f]""")
DOI = re.compile(r"doi:10\.[0-9]{4,9}/\S+", re.IGNORECASE)
HINT = (
    "must be an address that begins with http://, https:// or doi:10., without blanks or any of <>{}|^`, "
    "which are written %7C and the like"
)


def fault(address: str) -> str | None:
    """Return what is wrong with the address of a source or an article and what to write, or None for a good one."""
    try:
        parts = urlsplit(address)
        of_the_web = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # brackets or a port that are none
        of_the_web = False
    good = (of_the_web or DOI.fullmatch(address)) and not FORBIDDEN.search(address)
    return None if good else f"{address!r} {HINT}"
