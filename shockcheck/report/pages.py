"""Pages: HTML from executed notebooks and findings, by the project's own templates. Nothing is computed here."""

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import jinja2
from markupsafe import Markup
from nbformat import NotebookNode

from shockcheck import frames, ledger, markup
from shockcheck.data import fx, tables
from shockcheck.errors import BuildError
from shockcheck.findings import Finding
from shockcheck.findings.finding import MIMETYPE, card_template
from shockcheck.languages.language import Language, get_language, quoted
from shockcheck.ledger import Ledger
from shockcheck.notebooks.execution import ExecutedNotebook
from shockcheck.project import inputs
from shockcheck.project.digests import digest
from shockcheck.project.paths import current_project, shown
from shockcheck.quantities import graph
from shockcheck.report import json_ld, trace, what_if
from shockcheck.report.outputs import SVG, Outputs
from shockcheck.report.prose import Prose
from shockcheck.verdicts import Verdict

TEMPLATES = Path(__file__).resolve().parent / "templates"
VERSIONS = ("shockcheck", "pandas", "matplotlib", "papermill", "nbconvert", "CurrencyConverter")
INFINITE = {"inf": "∞", "-inf": "−∞"}
MAX_OPEN_ROWS = 8  # of a table; a longer one is folded
# Code is shown in few colours: the spans of all other kinds of words are left out.
UNCOLOURED = re.compile(r'<span class="(?!(?:c1|s1|s2|k|kn|sa|si)")[a-z0-9]*">(.*?)</span>')
FILTERS = {"address": markup.address, "path": markup.path}


class Page(NamedTuple):
    """A page as HTML, its title, and the files of pictures that stand in it, relative to the project."""

    html: str
    title: str
    pictures: set[str]


def article_page(
    executed: ExecutedNotebook, title: str, reads: Iterable[str], sources: list[dict[str, Any]], language: Language
) -> Page:
    """Return the article's page of an executed notebook.

    `title` is the notebook's heading, `reads` what the page shows the checksums of, `sources` the sources it lists. Raises
    BuildError, naming it, for a chart without caption or alternative text, a number without a source, something that a
    page cannot show, and an empty field of the linked data.
    """
    for finding in executed.findings:
        trace.check_sources(finding)
    view = PageView(executed, title, executed.notebook.parameters, sources, language, home="index.html", reads=tuple(reads))
    return _written(view)


def variant_page(executed: ExecutedNotebook, title: str, parameters: Mapping[str, Any], home: str) -> Page:
    """Return the page of a variant, which reviews no claim and so has no linked data; errors as `article_page`.

    `title` is plain text, `home` the way to the index.
    """
    sources = cited_sources(executed, ledger.load())
    view = PageView(
        executed, title, parameters, sources, get_language("en"), home=home, reads=executed.reads, is_variant=True
    )
    return _written(view)


def _written(view: "PageView") -> Page:
    check_charts(view.executed)
    html, _ = _exporter().from_notebook_node(view.executed.node, resources={"shockcheck": view})
    return Page(html, view.title, view.prose.pictures)


@dataclass(frozen=True)
class PageView:
    """What the template of a page asks for: one executed notebook in one language."""

    executed: ExecutedNotebook
    heading: str
    parameters: Mapping[str, Any]
    sources: list[dict[str, Any]]
    language: Language
    home: str
    reads: tuple[str, ...]
    is_variant: bool = False

    def __deepcopy__(self, memo: object) -> "PageView":
        """Return the view itself: nbconvert copies what it hands to a template."""
        return self

    @property
    def article(self) -> ledger.Article:
        """The piece under test."""
        return ledger.load().article

    @property
    def title(self) -> str:
        """The title as plain text."""
        return self.heading if self.is_variant else self.prose.title(self.heading)

    @property
    def is_titled(self) -> bool:
        """Whether the notebook's own text begins the page with the title."""
        cells = (cell for cell in self.executed.node.cells if cell.cell_type == "markdown")
        return not self.is_variant and any(self.heading in cell.source for cell in cells)

    @cached_property
    def prose(self) -> Prose:
        """The notebook's text."""
        return prose_of(self.executed.notebook.name, self.executed.findings, self.language, linked=not self.is_variant)

    @property
    def reviews(self) -> list[dict[str, Any]]:
        """The findings as linked data, none on a variant."""
        if self.is_variant:
            return []
        name, book = self.executed.notebook.name, ledger.load()
        return [json_ld.claim_review(finding, book, name, self.language) for finding in self.executed.findings]

    @property
    def cards(self) -> list[Markup]:
        """The card of each finding."""
        return [card(finding, self.language) for finding in self.executed.findings]

    @cached_property
    def script(self) -> Markup | None:
        """The script by which readers try other inputs, where there are any to try."""
        start = None if self.is_variant else what_if.script(self.executed.findings, self.language)
        return Markup(f"{start}\n{asset('what_if.js')}") if start else None

    @property
    def policy(self) -> str:
        """The content security policy."""
        return policy(*filter(None, [self.script]))

    @property
    def style(self) -> Markup:
        """The style sheet."""
        return asset("style.css")

    @property
    def foot(self) -> dict[str, Any]:
        """What the page says about how it was made."""
        return foot(self.reads)

    @cached_property
    def _outputs(self) -> Outputs:
        return Outputs(self.executed.notebook.name, self.prose, self._finding, self._figure, self._output_table)

    def text(self, cell: NotebookNode) -> Markup:
        """Return a Markdown cell as HTML."""
        return self.prose.cell(cell.source, self.executed.node.cells.index(cell) + 1, cell.get("attachments", {}))

    def output(self, output: NotebookNode, number: int) -> Markup:
        """Return an output of the code cell `number` as HTML."""
        return self._outputs.html(output, number)

    def code(self, highlighted: str) -> Markup:
        """Return highlighted code in the few colours of the page."""
        return Markup(UNCOLOURED.sub(r"\1", highlighted))

    def _finding(self, output: NotebookNode, number: int) -> Markup:
        words = Finding.from_json(output["data"][MIMETYPE]).in_words(self.language)
        return render("result.html", words=words, _=self.language.text)

    def _figure(self, output: NotebookNode, number: int) -> Markup:
        about, table = output["metadata"][SVG], output["data"][frames.MIMETYPE]
        about_claim = (finding for finding in self.executed.findings if finding.id == about.get("claim") and finding.verdict)
        return render(
            "figure.html",
            svg=Markup(output["data"][SVG]),
            caption=about["caption"],
            alt=about["alt"]
            + "".join(f" {finding.claim.in_english} Verdict: {finding.verdict}." for finding in about_claim),
            table=data_table(table, about["caption"], self.language),
            rows=len(table["rows"]),
            file=f"{self.executed.notebook.name}-{number}.csv",
            address=f"data:text/csv;charset=utf-8,{quote(frames.as_csv(table))}",
            _=self.language.text,
        )

    def _output_table(self, output: NotebookNode, number: int) -> Markup:
        """Return a table that a cell shows; a long one is folded."""
        label = self.language.text("Table from code cell {number}", number=number)
        table = output["data"][frames.MIMETYPE]
        html, rows = data_table(table, label, self.language), len(table["rows"])
        if rows <= MAX_OPEN_ROWS:
            return html
        summary = self.language.text("Table ({number} rows)", number=rows)
        return Markup("<details><summary>{}</summary>{}</details>").format(summary, html)


def prose_of(name: str, findings: list[Finding], language: Language, linked: bool = True) -> Prose:
    """Return the writer of the notebook's text, with the values of these findings."""
    values = {finding.id: finding.in_words(language).recomputed for finding in findings if finding.recomputed is not None}
    cards = {f"claim-{finding.id}" for finding in findings}
    return Prose(name, current_project().notebooks, values.get, linked, taken=cards)


def card(finding: Finding, language: Language) -> Markup:
    """Return the card of a finding on its page, with its trace and the inputs that a reader may change."""
    steps = trace.trace_steps(finding, language)
    values = {"steps": steps, "claim": finding.id, "many": trace.MANY_ROWS, "_": language.text}
    html = render("trace.html", **values).strip() if steps else None
    return Markup(finding.html(language, trace=html, what_if=what_if.inputs(finding, language)))


@lru_cache
def _exporter() -> Any:
    from nbconvert import HTMLExporter  # takes most of a second to import: not before there is a page to export
    from nbconvert.exporters.templateexporter import TemplateExporter
    from nbconvert.filters import Highlight2HTML

    class ReportExporter(HTMLExporter):
        """nbconvert's exporter, without its parsing each page again to change elements that this template has not."""

        def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
            """Return the page and its resources."""
            return TemplateExporter.from_notebook_node(self, nb, resources, **kw)

    # The preprocessors change nothing that this template shows, and each has the notebook copied and validated.
    options = {"template_name": "report", "extra_template_basedirs": [str(TEMPLATES)], "default_preprocessors": []}
    exporter: Any = ReportExporter(**options)  # type: ignore[no-untyped-call]  # nbconvert has no types
    exporter.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3", parent=exporter))
    exporter.environment.autoescape = True
    exporter.environment.filters |= FILTERS
    return exporter


def make_ready() -> None:
    """Load exporter, templates and lexer, which the first page would have to wait for."""
    _exporter().template  # noqa: B018
    _exporter().environment.filters["highlight_code"]("")
    for name in ("trace.html", "figure.html", "table.html", "result.html", "index.html"):
        _environment().get_template(name)
    card_template()


@lru_cache
def _environment(*folders: Path) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, TEMPLATES, TEMPLATES / "report"]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment


def render(template: str, *folders: Path, **values: Any) -> Markup:
    """Return a template with these values filled in; it is looked for in `folders` before the report's own."""
    return Markup(_environment(*folders).get_template(template).render(values))


def asset(name: str, folder: Path = TEMPLATES) -> Markup:
    """Return a style or script as it stands in a page."""
    return Markup((folder / name).read_text(encoding="utf-8"))


def policy(*scripts: str) -> str:
    """Return the content security policy of a page: nothing is loaded, and no script runs but these, as they stand in it."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    loaded = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return f"{loaded}; script-src {allowed}"


def data_table(table: dict[str, Any], label: str, language: Language) -> Markup:
    """Return the HTML of a displayed frame, as `frames.as_data` has it, with numbers as the language writes them."""
    columns = [[row[index] for row in table["rows"]] for index in range(len(table["columns"]))]
    cells = [format_column(column, about["kind"], language) for column, about in zip(columns, table["columns"], strict=True)]
    return render(
        "table.html",
        columns=table["columns"],
        headers=table["headers"],
        rows=list(zip(*cells, strict=True)),
        label=label,
        _=language.text,
    )


def format_column(column: list[Any], kind: str, language: Language) -> list[str]:
    """Return the cells of one column as a reader sees them; the numbers of a column have the same decimal places."""
    if kind == "number":
        digits = _digits([value for value in column if not isinstance(value, str | None)])
        return [
            INFINITE.get(value or "", "") if isinstance(value, str | None) else language.number(value, digits)
            for value in column
        ]
    if kind == "day":
        return ["" if value is None else language.day(date.fromisoformat(value[:10])) for value in column]
    if kind == "time":
        return ["" if value is None else f"{datetime.fromisoformat(value):%H:%M}" for value in column]
    return ["" if value is None else str(value) for value in column]


def _digits(values: list[float]) -> int:
    """Return as many decimal places as the column has, but for those beyond the sixth digit of its largest number."""
    largest = max(map(abs, values), default=0.0)
    room = max(0, min(6, 5 - math.floor(math.log10(largest)))) if largest else 0
    exact = (
        digits for digits in range(room) if all(math.isclose(round(value, digits), value, rel_tol=1e-9) for value in values)
    )
    return next(exact, room)


def check_charts(executed: ExecutedNotebook) -> None:
    """Raise BuildError, naming the cell, for a picture without a caption, an alternative text or a table."""
    for cell in executed.node.cells:
        for output in cell.get("outputs", []):
            pictures = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
            about = output.get("metadata", {}).get(SVG, {})
            missing = [what for what in ("caption", "alt") if not str(about.get(what) or "").strip()]
            if frames.MIMETYPE not in output.get("data", {}):
                missing.append("table")
            if pictures and (missing or pictures != [SVG]):
                raise BuildError(
                    f"{executed.notebook.name}, cell {cell.execution_count}: a chart has no "
                    f"{missing[0] if missing else 'vector drawing'}; draw it by shockcheck.charts and give it a title"
                )


def cited_sources(executed: ExecutedNotebook, book: Ledger) -> list[dict[str, Any]]:
    """Return the sources of what the notebook shows, by publisher.

    These are the sources of the rows that its numbers rest on, of the facts that its claims cite, and of the facts and rows
    in the tables that it shows.
    """
    sources, source_of = tables.load("sources"), tables.load("facts").set_index("id")["source"]
    facts = {fact for finding in executed.findings for fact in book.by_id[finding.id].facts}
    derivations = [finding.derivation for finding in executed.findings if finding.derivation]
    ids = {row["source"] for derivation in derivations for row in graph.cited_rows(derivation)}
    for output in (output for cell in executed.node.cells for output in cell.get("outputs", [])):
        table = output.get("data", {}).get(frames.MIMETYPE, {"columns": []})
        for index, column in enumerate(table["columns"]):
            cells = {f"{row[index]}" for row in table["rows"]}
            if column["name"] in ("source", "sources"):
                ids |= {source for cell in cells for source in cell.split(", ")}
            elif column["name"] == "id":
                facts |= cells
    ids |= {source for fact, source in source_of.items() if fact in facts}
    rows = sources[sources["id"].isin(ids)].sort_values(["publisher", "id"]).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


class ClaimRow(NamedTuple):
    """A claim on the index: with its finding in words and its notebook, both None where it was not recomputed."""

    claim: ledger.Claim
    words: Any = None
    notebook: str | None = None


def index(
    book: Ledger,
    findings: list[dict[str, Any]],
    failures: dict[str, str],
    titles: dict[str, str],
    language: Language | None = None,
    unchecked: Iterable[str] = (),
) -> str:
    """Return the index: every claim in the article's order with its verdict, and a card for each notebook that failed.

    `findings` are the entries of `findings.json`. `failures` maps a notebook's name to its error, `titles` the names of
    those that were built to their titles; `unchecked` are the ids of the claims that no notebook checks.
    """
    language = language or get_language("en")
    counts = Counter(entry["verdict"] for entry in findings)
    script = asset("filter.js")
    return render(
        "index.html",
        article=book.article,
        day=language.day(book.article.date),
        rows=_claim_rows(book, findings, language),
        unchecked=set(unchecked),
        failures=failures,
        titles=titles,
        counts=[(verdict, counts[verdict]) for verdict in Verdict if counts[verdict]],
        verdicts=list(Verdict),
        dataset=json_ld.dataset(),
        quoted=quoted,
        script=script,
        policy=policy(script),
        style=asset("style.css"),
        language=language,
        _=language.text,
        **foot(index_files()),
    )


def _claim_rows(book: Ledger, findings: list[dict[str, Any]], language: Language) -> list[ClaimRow]:
    rows = {
        entry["id"]: ClaimRow(book.by_id[entry["id"]], Finding.from_json(entry).in_words(language), entry["notebook"])
        for entry in findings
    }
    return [rows.get(claim.id, ClaimRow(claim)) for claim in book.claims]


def index_files() -> list[str]:
    """Return the files that an index shows the checksums of: the ledger and all tables."""
    return [shown(current_project().ledger), *(f"data/{entry['path']}" for entry in tables.package()["resources"])]


def foot(reads: Iterable[str]) -> dict[str, Any]:
    """Return what a page says about how it was made: package versions and the SHA-256 of what it `reads`.

    Of a file that was read in part it is that of the rows or entries in use. `converts` is whether the project uses
    exchange rates: then their source is among its own.
    """
    parts: dict[str, list[str]] = {}
    for key in sorted(key for key in set(reads) if not key.startswith((*inputs.INPUT_KINDS, "/"))):
        parts.setdefault(key.partition("#")[0], []).append(key)
    checksums = {}
    for file, keys in parts.items():
        if file in keys:
            checksums[file] = inputs.input_digest(file)
        else:
            checksums[f"{file}, {len(keys)} in use"] = digest("".join(inputs.input_digest(key) for key in keys))
    converts = fx.SOURCE in set(tables.load("sources", watched=False)["id"])
    return {"versions": {name: version(name) for name in VERSIONS}, "files": checksums, "converts": converts}
