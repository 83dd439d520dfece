"""What the cells of an executed notebook show, as HTML for its page: nothing is left out without a word."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from markupsafe import Markup
from nbformat import NotebookNode

from shockcheck import frames
from shockcheck.errors import BuildError
from shockcheck.findings.finding import MIMETYPE as FINDING
from shockcheck.report.prose import Prose, foreign_tags_as_text

SVG = "image/svg+xml"
SHOWN = (FINDING, SVG, frames.MIMETYPE, "text/html", "text/markdown", "text/latex", "text/plain")  # the best first
ACTIVE = {  # elements that run, load or ask for something: what they show would be missing from a page
    *("applet", "audio", "base", "button", "canvas", "embed", "form", "frame", "iframe", "input", "link", "math", "meta"),
    *("object", "option", "picture", "script", "select", "source", "svg", "template", "textarea", "track", "video"),
}
STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")  # of a style sheet
OWN = re.compile(r"\s*#T_\w+[\w\s:.>#-]*")  # a selector within the one table that pandas styles


@dataclass(frozen=True)
class Outputs:
    """What one page shows of its cells; `finding`, `figure` and `table` draw those that have a template of their own.

    Each takes an output and the number of its cell, and gives HTML. `name` is the notebook's.
    """

    name: str
    prose: Prose
    finding: Callable[[NotebookNode, int], Markup]
    figure: Callable[[NotebookNode, int], Markup]
    table: Callable[[NotebookNode, int], Markup]

    def html(self, output: NotebookNode, number: int) -> Markup:
        """One output of the code cell `number` as HTML; raises BuildError for what a page cannot show."""
        match output.output_type:
            case "stream":
                lines = Markup("<br>").join("".join(output.text).strip().split("\n"))
                return Markup('<p class="notice" lang="en">{}</p>').format(lines)
            case "error":
                return Markup("<pre>{}: {}</pre>").format(output.ename, output.evalue)
        return self._data(output, number)

    def _data(self, output: NotebookNode, number: int) -> Markup:
        data, place = output.get("data", {}), f"{self.name}, cell {number}"
        kind = next((kind for kind in SHOWN if kind in data), None)
        others = sorted(set(data) - set(SHOWN))
        if data and (kind is None or (kind == "text/plain" and others)):
            raise BuildError(
                f"{place} shows {others[0]}, which a page cannot show; show a table, text, or a chart of shockcheck.charts"
            )
        match kind:
            case str() if kind == FINDING:
                return self.finding(output, number)
            case str() if kind == SVG:
                return self.figure(output, number)
            case str() if kind == frames.MIMETYPE:
                return self.table(output, number)
            case "text/html":
                return self._html("".join(data[kind]), place)
            case "text/markdown":
                return Markup('<div class="lead" lang="en">{}</div>').format(self.prose.output("".join(data[kind]), place))
            case "text/latex" | "text/plain":
                return Markup("<pre>{}</pre>").format("".join(data[kind]))
        return Markup()

    def _html(self, written: str, place: str) -> Markup:
        """HTML that a cell shows; raises BuildError for an element that a page does not have."""
        active = sorted(_elements(written) & ACTIVE)
        if active:
            raise BuildError(
                f"{place} shows HTML with the element <{active[0]}>, which a page does not have; show a table, text, or a "
                "chart of shockcheck.charts"
            )
        rules = "".join(_own_rules(sheet) for sheet in STYLE.findall(written))
        style = Markup("<style>{}</style>").format(Markup(rules)) if rules else ""
        plain = foreign_tags_as_text(STYLE.sub("", written))  # pandas' <NA>, for one, is no element
        content = Markup(self.prose.sanitized_output(plain, place))
        return Markup('{}<div class="table" tabindex="0" role="region" aria-label="{}">{}</div>').format(
            style, place, content
        )


def _elements(written: str) -> set[str]:
    """Return the names of the elements in some HTML."""

    class Names(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
            names.add(tag)

    names: set[str] = set()
    parser = Names()
    parser.feed(written)
    parser.close()
    return names


def _own_rules(sheet: str) -> str:
    """Return the rules of a style sheet by which pandas colours one table; none that reaches beyond it or loads anything."""
    rules = (
        (selectors.strip(), declarations.strip())
        for selectors, declarations in RULE.findall(sheet)
        if all(OWN.fullmatch(selector) for selector in selectors.split(","))
    )
    return "".join(
        f"{selectors} {{ {declarations} }}\n"
        for selectors, declarations in rules
        if not re.search(r"[<@\\]|url\s*\(|expression|position", declarations, re.IGNORECASE)
    )
