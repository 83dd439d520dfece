"""Text from outside, shown as text: what vendors, ledgers, tables, parameters and file names hold is never markup.

The HTML templates escape whatever is put into them (`autoescape`). Every other place where text could turn into markup —
Markdown, a script element, the target of a link — goes through a function of this module.
"""

import json
import re
from urllib.parse import quote

from markupsafe import Markup

from shockcheck.formats import links

__all__ = ["address", "markdown", "path", "script"]

SPECIAL = re.compile(r"[\\`*_\[\]<>|~$@]|&(?=#?\w+;)|(?<=:)/(?=/)|(?<=www)\.|:(?=\w+:)")  # markup anywhere in a line
# Markup at its beginning: a heading, a list, a rule.
LEADING = re.compile(r"^(?:#{1,6}(?=\s|$)|[+-](?=\s|$)|[=-]+(?=\s*$)|\d{1,9}(?=[.)](?:\s|$)))")


def markdown(text: object) -> str:
    """Return Markdown that shows exactly the text, in one line: no emphasis, link, HTML, mathematics or table cell."""
    line = re.sub(r"[ \t\r\n\f\v]+", " ", str(text)).strip()
    escaped = SPECIAL.sub(r"\\\g<0>", line)
    return LEADING.sub(lambda start: f"{start[0]}\\" if start[0].isdigit() else f"\\{start[0]}", escaped)


def script(value: object) -> Markup:
    """Return the value as JSON for a script element: no text in it ends the element or opens a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def address(text: str | None) -> str | None:
    """Return the target of a link to a web address or a DOI; None for anything else, which is shown as text only."""
    if not text or links.fault(text):
        return None
    return f"https://doi.org/{text[4:]}" if text[:4].lower() == "doi:" else text


def path(name: str) -> str:
    """Return a relative path as the target of a link: '01-50%25%20%231.html' for '01-50% #1.html'."""
    return quote(name, safe="/")
