"""Markdown as HTML: the prose of notebooks, and Markdown that their cells show.

Three things set it apart from other Markdown. `{{ finding("id") }}` in prose is the value recomputed for that claim. What
looks like TeX or like any other template is text, since a page loads nothing that could draw it. Pictures are embedded, so
that a page is whole by itself. HTML may stand in prose as far as it formats text; any other tag is shown as it is written.
"""

import base64
import html
import mimetypes
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import mistune
import nh3
from markupsafe import Markup
from mistune.plugins import import_plugin

from shockcheck.errors import BuildError
from shockcheck.project.paths import current_project, shown

QUOTATION = re.compile(r"\{\{\s*finding\(\s*(?:\"([^\"\n]*)\"|'([^'\n]*)')\s*\)\s*\}\}")
MEANT = re.compile(r"\{\{-?\s*finding\b[^\n]*?\}\}")  # meant as a quotation, whether well written or not
# While Markdown is parsed, a quotation is a word between two letters that no text has (U+A66E): what stands beside it, such
# as the asterisks of bold text, then means what it means beside a word.
LETTER = "\N{CYRILLIC LETTER MULTIOCULAR O}"
WORD = re.compile(rf"{LETTER}(\d+){LETTER}")
TAG = re.compile(r"<(?:\"[^\"]*\"|[^\">])*>")  # as nh3 writes tags, every value in double quotes
NAMELESS = re.compile(r"<img(?![^>]*\ssrc=)")
OPENED = re.compile(r"<!--.*?-->|<(/?)([A-Za-z][A-Za-z0-9:-]*)?", re.DOTALL)  # where a tag begins, or a comment
TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "details", "dfn", "div", "dl", "dt"),
    *("em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark"),
    *("ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong", "sub", "summary", "sup", "table"),
    *("tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var", "wbr"),
}
ATTRIBUTES = {
    "*": {"id", "lang", "title", "dir", "style"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
}
STYLES = {"text-align", "font-weight", "font-style", "color", "background-color", "width", "white-space", "vertical-align"}
PICTURES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")  # what a page embeds, best first
LINKED, EMBEDDED = {"http", "https", "mailto"}, {"data", "attachment"}  # schemes of links, and those of pictures alone


@dataclass
class Prose:
    """The Markdown of one notebook's page, cell by cell; `pictures` are the files embedded so far, relative to the project.

    `name` is the notebook's, for what is said of a fault; `folder` the one that paths of pictures start from; `value` gives
    the text of the value recomputed for a claim, None where the notebook recomputes none; `linked` is whether it is a
    link to the claim's card; `taken` are ids that no heading may have.
    """

    name: str
    folder: Path
    value: Callable[[str], str | None]
    linked: bool = True
    taken: set[str] = field(default_factory=set)
    pictures: set[str] = field(default_factory=set)

    def cell(self, source: str, number: int, attachments: dict[str, dict[str, Any]]) -> Markup:
        """Return a Markdown cell as HTML; `number` counts the notebook's cells from 1.

        Raises BuildError, naming notebook and cell, for a quotation of a claim that the notebook does not recompute, and
        for a picture that cannot be embedded.
        """
        place = f"{self.name}, cell {number} (text)"
        quotations = MEANT.findall(source)
        numbers = iter(range(len(quotations)))
        renderer = _Renderer(self, escape=False, literal=quotations)
        written = _as_html(MEANT.sub(lambda _: f"{LETTER}{next(numbers)}{LETTER}", source), renderer)
        clean = sanitized(written, _Pictures(self, place, attachments))
        among_text = {int(word) for word in WORD.findall(clean)}  # in code they stand as they are written by now
        values = [self._quoted(text, place) if n in among_text else ("", text) for n, text in enumerate(quotations)]
        return Markup(self._with_values(clean, values).strip())

    def output(self, source: str, place: str) -> Markup:
        """Markdown that a cell shows, as HTML: it is made of figures and texts of others, so HTML in it is text.

        `place` says where it stands. Raises BuildError for a picture that cannot be embedded.
        """
        written = _as_html(source, _Renderer(self, escape=True))
        return Markup(sanitized(written, _Pictures(self, place, {})).strip())

    def sanitized_output(self, written: str, place: str) -> str:
        """HTML that a cell shows, with nothing but what formats text; raises BuildError as `output` does."""
        return sanitized(written, _Pictures(self, place, {})).strip()

    def title(self, heading: str) -> str:
        """Return a heading as plain text, for where no markup can stand; a quotation in it is its value."""
        text = MEANT.sub(lambda match: self._quoted(match[0], self.name)[1], heading)
        return html.unescape(re.sub(r"<[^>]*>", "", _as_html(text, mistune.HTMLRenderer(escape=True)))).strip()

    def _quoted(self, text: str, place: str) -> tuple[str, str]:
        """Return the claim that `{{ finding("id") }}` quotes and its value; raises BuildError where there is none."""
        match = QUOTATION.fullmatch(text)
        if not match:
            raise BuildError(f'{place} has {text}; write {{{{ finding("the-claims-id") }}}} with the id of a claim')
        claim_id = match[1] or match[2] or ""
        value = self.value(claim_id)
        if value is None:
            raise BuildError(
                f"{place} quotes {claim_id!r}, which this notebook does not recompute; quote a claim that it checks"
            )
        return claim_id, value

    def _with_values(self, written: str, quotations: list[tuple[str, str]]) -> str:
        """Return the HTML with values in place of their words: as links among text, as text within tags and links."""
        words = [html.escape(value) for _, value in quotations]
        links = [
            f'<a href="#claim-{html.escape(claim_id)}">{word}</a>' if self.linked else word
            for (claim_id, _), word in zip(quotations, words, strict=True)
        ]
        parts, in_link, end = [], False, 0
        for tag in TAG.finditer(written):
            parts.append(_filled(written[end : tag.start()], words if in_link else links))
            parts.append(_filled(tag[0], words))
            in_link = tag[0].startswith("<a ") or (in_link and tag[0] != "</a>")
            end = tag.end()
        parts.append(_filled(written[end:], links))
        return "".join(parts)

    def heading_id(self, text: str) -> str:
        """Return an id for a heading, which nothing else on the page has."""
        plain = "-".join(html.unescape(WORD.sub("", re.sub(r"<[^>]*>", "", text))).split()) or "section"
        number, free = 1, plain
        while free in self.taken:
            number += 1
            free = f"{plain}-{number}"
        self.taken.add(free)
        return free


class _Renderer(mistune.HTMLRenderer):
    """Markdown's elements as HTML; `literal` are the quotations by number, which code shows as they are written."""

    def __init__(self, prose: Prose, escape: bool, literal: list[str] | None = None) -> None:
        super().__init__(escape=escape, allow_harmful_protocols=True)  # every address is looked at when all is written
        self._prose, self._literal = prose, literal or []

    def heading(self, text: str, level: int, **_: Any) -> str:
        """Return a heading with an id that links may lead to."""
        return f'<h{level} id="{html.escape(self._prose.heading_id(text))}">{text}</h{level}>\n'

    def codespan(self, text: str) -> str:
        """Code among text."""
        return super().codespan(self._as_written(text))

    def block_code(self, code: str, info: str | None = None) -> str:
        """Return a block of code, in one colour."""
        return super().block_code(self._as_written(code))

    def block_html(self, html: str) -> str:
        """Return a block of HTML."""
        return super().block_html(html if self.escape_enabled else foreign_tags_as_text(html))

    def inline_html(self, html: str) -> str:
        """Return a tag among text."""
        return super().inline_html(html if self.escape_enabled else foreign_tags_as_text(html))

    def _as_written(self, text: str) -> str:
        return _filled(text, self._literal)


def _filled(text: str, words: list[str]) -> str:
    """Return the text with these in place of the words that stand for quotations."""
    return WORD.sub(lambda word: words[int(word[1])] if int(word[1]) < len(words) else word[0], text)


def foreign_tags_as_text(written: str) -> str:
    """HTML in which a tag that does not format text, `<ticker>` or `<script>`, is shown as it is written."""

    def kept(tag: re.Match[str]) -> bool:
        return tag[0].startswith("<!--") or (tag[2] or "").lower() in TAGS

    return OPENED.sub(lambda tag: tag[0] if kept(tag) else f"&lt;{tag[0][1:]}", written)


@cache
def _plugins() -> list[Any]:
    return [import_plugin(name) for name in ("strikethrough", "table", "url")]


def _as_html(markdown: str, renderer: mistune.HTMLRenderer) -> str:
    return str(mistune.Markdown(renderer=renderer, plugins=_plugins())(markdown))


def sanitized(written: str, picture: Callable[[str], str]) -> str:
    """HTML with nothing but what formats text; `picture` gives the address that takes the place of a picture's own.

    Raises what `picture` raises.
    """
    raised: list[BuildError] = []

    def attribute(tag: str, name: str, value: str) -> str | None:
        if (tag, name) == ("img", "src"):
            try:
                return picture(value)
            except BuildError as error:  # which would not pass through nh3
                raised.append(error)
                return None
        scheme = value.strip().lower().partition(":")[0]
        return None if name == "href" and scheme in EMBEDDED else value

    clean = nh3.clean(
        written,
        tags=TAGS,
        clean_content_tags=set(),
        attributes=ATTRIBUTES,
        attribute_filter=attribute,
        url_schemes=LINKED | EMBEDDED,
        link_rel=None,
        filter_style_properties=STYLES,
    )
    for error in raised:
        raise error
    if NAMELESS.search(clean):  # its scheme is none of these
        picture("")
    return clean


class _Pictures:
    """Gives each picture of one text as a `data:` address; raises BuildError for one that cannot be embedded."""

    def __init__(self, prose: Prose, place: str, attachments: dict[str, dict[str, Any]]) -> None:
        self._prose, self._place, self._attachments = prose, place, attachments

    def __call__(self, address: str) -> str:
        name = unquote(address)
        if not name:
            return self._refuse(address, "whose address is none that a page could embed; save it beside the notebook")
        if name.startswith("data:"):
            return address if name[5:].startswith(PICTURES) else self._refuse(address, f"which is none of {_kinds()}")
        if name.startswith("attachment:"):
            return self._attached(address, name.removeprefix("attachment:"))
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", name):
            return self._refuse(address, "and a page loads nothing from elsewhere; save the picture beside the notebook")
        return self._from_file(address, self._prose.folder / unquote(re.split("[?#]", address)[0]))

    def _attached(self, address: str, name: str) -> str:
        attached = self._attachments.get(name, {})
        for kind in PICTURES:
            if kind in attached:
                content = "".join(attached[kind])
                if kind == "image/svg+xml" and content.lstrip().startswith("<"):  # stored as text
                    content = base64.b64encode(content.encode()).decode()
                return f"data:{kind};base64,{''.join(content.split())}"
        return self._refuse(address, f"which is not attached to the cell as one of {_kinds()}; attach it again")

    def _from_file(self, address: str, file: Path) -> str:
        kind = mimetypes.guess_type(file.name)[0]
        if kind not in PICTURES:
            return self._refuse(address, f"which is none of {_kinds()}")
        if not file.resolve().is_relative_to(current_project().root.resolve()):
            return self._refuse(address, "which lies outside of the project; save the picture beside the notebook")
        try:
            content = file.read_bytes()
        except OSError as error:
            return self._refuse(address, f"but {shown(file)} cannot be read ({error.strerror}); correct its name")
        self._prose.pictures.add(shown(file.resolve()))
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"

    def _refuse(self, address: str, why: str) -> str:
        raise BuildError(f"{self._place} shows the picture {address[:80]!r}, {why}")


def _kinds() -> str:
    return ", ".join(kind.removeprefix("image/").removesuffix("+xml") for kind in PICTURES)
