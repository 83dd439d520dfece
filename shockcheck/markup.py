"""Text from outside, shown as text: of vendors, ledgers, tables, parameters and file names none is ever markup.

The HTML templates escape whatever is put into them (`autoescape`). Every other place where text could turn into markup —
Markdown, a script element, the target of a link — goes through a function of this module.
"""

import json
import re
from urllib.parse import quote

from markupsafe import Markup

from shockcheck import links

SPECIAL = re.compile(r"[\\`*_\[\]<>|~$@]|&(?=#?\w+;)|(?<=:)/(?=/)|(?<=www)\.|:(?=\w+:)")  # wherever it stands in a line
# At its beginning: a heading, a list, a rule.
LEADING = re.compile(r"^(?:#{1,6}(?=\s|$)|[+-](?=\s|$)|[=-]+(?=\s*$)|\d{1,9}(?=[.)](?:\s|$)))")


def markdown(text: object) -> str:
    """The text as Markdown that shows exactly its characters, in one line: no emphasis, link, HTML, mathematics or cell."""
    line = re.sub(r"[ \t\r\n\f\v]+", " ", str(text)).strip()
    escaped = SPECIAL.sub(r"\\\g<0>", line)
    return LEADING.sub(lambda start: f"{start[0]}\\" if start[0].isdigit() else f"\\{start[0]}", escaped)


def script(value: object) -> Markup:
    """The value as JSON that may stand in a script element: no text of it ends that element or opens a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def address(text: str | None) -> str | None:
    """The target of a link to an address on the web or to a DOI; None for anything else, which is shown as text alone."""
    if not text or links.fault(text):
        return None
    return f"https://doi.org/{text[4:]}" if text[:4].lower() == "doi:" else text


def path(name: str) -> str:
    """A relative path as the target of a link, whatever signs its file has: '01-50% #1.html' is '01-50%25%20%231.html'."""
    return quote(name, safe="/")
