"""Pages: HTML from executed notebooks and findings, by the project's own templates. Nothing is computed here."""

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any, NamedTuple
from urllib.parse import quote

import jinja2
import pandas as pd
from markupsafe import Markup
from nbformat import NotebookNode

from shockcheck import cache, derivations, frames, fx, linked, markup, tables, trace, what_if
from shockcheck.errors import BuildError
from shockcheck.findings import MEANINGS, MIMETYPE, SIGNS, Finding, card_template, shown_in
from shockcheck.languages import Language, get, quoted
from shockcheck.ledger import Ledger
from shockcheck.outputs import SVG, Outputs
from shockcheck.paths import LEDGER, NOTEBOOKS, TEMPLATES, shown
from shockcheck.prose import Prose

VERSIONS = ("shockcheck", "pandas", "matplotlib", "papermill", "nbconvert", "CurrencyConverter")
LARGEST = 40  # rows of a grid that are drawn: as many as stay readable
INFINITE = {"inf": "∞", "-inf": "−∞"}
FOLDED = 8  # rows of a table from which on it is folded
STYLED = re.compile(r'<span class="(?!c1|s1|s2|k|kn|sa|si)[a-z0-9]*">(.*?)</span>')  # all but the classes that have a colour


@lru_cache
def _exporter() -> Any:
    from nbconvert import HTMLExporter  # takes most of a second to import: not before there is a page to export
    from nbconvert.filters import Highlight2HTML

    # The preprocessors change nothing of what this template shows, and each has the notebook copied and validated.
    exporter = HTMLExporter(template_name="report", extra_template_basedirs=[str(TEMPLATES)], default_preprocessors=[])
    exporter.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3", parent=exporter))
    exporter.environment.autoescape = True
    exporter.environment.filters |= FILTERS
    # Not by HTMLExporter's own method, which parses the page once more to change elements that this template has not.
    return super(HTMLExporter, exporter)


def make_ready() -> None:
    """Load exporter, templates and lexer, which the first page would have to wait for."""
    _exporter().template  # noqa: B018
    _exporter().environment.filters["highlight_code"]("")
    for name in ("trace.html", "figure.html", "table.html", "result.html", "index.html"):
        _environment().get_template(name)
    card_template()


FILTERS = {"address": markup.address, "path": markup.path}


@lru_cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader([TEMPLATES, TEMPLATES / "report"])
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= FILTERS
    return environment


def _drawn(template: str, **values: Any) -> Markup:
    return Markup(_environment().get_template(template).render(values))


def _asset(name: str) -> Markup:
    """A style or script as it stands in a page."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def policy(*scripts: str) -> str:
    """The content security policy of a page: nothing is loaded, and no script runs but these, as they stand in it."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    loaded = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return f"{loaded}; script-src {allowed}"


class Page(NamedTuple):
    """A page as HTML, its title, and the files of pictures that stand in it, relative to the project."""

    html: str
    title: str
    pictures: set[str]


def page(
    node: NotebookNode,
    ledger: Ledger,
    title: str,
    parameters: dict[str, Any],
    home: str,
    name: str,
    variant: bool = False,
    language: Language | None = None,
) -> Page:
    """The page `name` of one executed notebook; `home` is the way to the index, `parameters` are those of the run.

    `title` is the notebook's heading, of a variant its text. A variant reviews no claim, so it has no linked data. Raises
    BuildError, naming it, for a chart without caption or alternative text, a number without a source, something that a
    page cannot show, and an empty field of the linked data.
    """
    language = language or get("en")
    findings = [Finding(**found) for found in shown_in(node)]
    check_charts(node, name)
    if not variant:
        for finding in findings:
            trace.check_sources(finding)
    prose = prose_of(name, findings, language, linked=not variant)
    titled = not variant and any(cell.cell_type == "markdown" and title in cell.source for cell in node.cells)
    title = title if variant else prose.title(title)
    script = None if variant else _what_if(findings, language)
    context = {
        "article": ledger.article,
        "title": title,
        "titled": titled,
        "home": home,
        "parameters": parameters,
        "sources": cited(node, ledger),
        "variant": variant,
        "language": language,
        "say": language.text,
        "reviews": [] if variant else [linked.claim_review(finding, ledger, name, language) for finding in findings],
        "cards": [card(finding, language) for finding in findings],
        "prose": lambda cell: prose.cell(cell.source, node.cells.index(cell) + 1, cell.get("attachments", {})),
        "output": _outputs(name, findings, prose, variant, language).html,
        "plainly": lambda code: Markup(STYLED.sub(r"\1", code)),
        "style": _asset("style.css"),
        "script": script,
        "policy": policy(*filter(None, [script])),
        **foot(node.metadata.get("shockcheck", {}).get("read", [])),
    }
    body, _ = _exporter().from_notebook_node(node, resources={"shockcheck": context})
    return Page(body, title, prose.pictures)


def prose_of(name: str, findings: list[Finding], language: Language, linked: bool = True) -> Prose:
    """How the prose of the notebook `name` is written, with the values of these findings."""
    values = {finding.id: finding.said(language).recomputed for finding in findings if finding.recomputed is not None}
    return Prose(name, NOTEBOOKS, values.get, linked, taken={f"claim-{finding.id}" for finding in findings})


def _what_if(findings: list[Finding], language: Language) -> Markup | None:
    start = what_if.script(findings, language)
    return Markup(f"{start}\n{_asset('what_if.js')}") if start else None


def _outputs(name: str, findings: list[Finding], prose: Prose, variant: bool, language: Language) -> Outputs:
    """How the page of the notebook `name` shows findings, charts and tables."""

    def finding(output: NotebookNode, number: int) -> Markup:
        return _drawn("result.html", said=Finding(**output["data"][MIMETYPE]).said(language), _=language.text)

    def figure(output: NotebookNode, number: int) -> Markup:
        return _figure(output, findings, f"{name}-{number}", variant, language)

    def table(output: NotebookNode, number: int) -> Markup:
        return _folded(
            output["data"][frames.MIMETYPE], language.text("Table of code cell {number}", number=number), language
        )

    return Outputs(name, prose, finding, figure, table)


def card(finding: Finding, language: Language) -> Markup:
    """The card of a finding on its page, with its trace and the inputs that a reader may change."""
    views = trace.views(finding, language)
    drawn = _drawn("trace.html", views=views, claim=finding.id, many=trace.MANY, _=language.text).strip() if views else None
    return Markup(finding.html(language, trace=drawn, what_if=what_if.inputs(finding, language)))


def _figure(output: NotebookNode, findings: list[Finding], name: str, variant: bool, language: Language) -> Markup:
    about = output["metadata"][SVG]
    verdicts = [one for one in findings if one.id == about.get("claim") and one.verdict]
    alt = about["alt"] + "".join(f" {one.claim.in_english} Verdict: {one.verdict}." for one in verdicts)
    table = output["data"][frames.MIMETYPE]
    return _drawn(
        "figure.html",
        svg=Markup(output["data"][SVG]),
        caption=about["caption"],
        alt=alt,
        table=_table(table, about["caption"], language),
        rows=len(table["rows"]),
        file=f"{name}.csv",
        address=f"data:text/csv;charset=utf-8,{quote(frames.as_csv(table))}",
        _=language.text,
    )


def _folded(table: dict[str, Any], label: str, language: Language) -> Markup:
    """A table that a cell shows; a long one is folded."""
    drawn, rows = _table(table, label, language), len(table["rows"])
    if rows <= FOLDED:
        return drawn
    return Markup("<details><summary>{}</summary>{}</details>").format(
        language.text("Table, {number} rows", number=rows), drawn
    )


def _table(table: dict[str, Any], label: str, language: Language) -> Markup:
    columns = [[row[place] for row in table["rows"]] for place in range(len(table["columns"]))]
    cells = [_cells(column, about["kind"], language) for column, about in zip(columns, table["columns"], strict=True)]
    return _drawn(
        "table.html",
        columns=table["columns"],
        headers=table["headers"],
        rows=list(zip(*cells, strict=True)),
        label=label,
        _=language.text,
    )


def _cells(column: list[Any], kind: str, language: Language) -> list[str]:
    """The cells of one column as a reader sees them; the numbers of a column have the same decimal places."""
    if kind == "number":
        digits = _digits([value for value in column if not isinstance(value, str | None)])
        return [
            INFINITE.get(value, "") if isinstance(value, str | None) else language.number(value, digits) for value in column
        ]
    if kind == "day":
        return ["" if value is None else language.day(date.fromisoformat(value[:10])) for value in column]
    if kind == "time":
        return ["" if value is None else f"{datetime.fromisoformat(value):%H:%M}" for value in column]
    return ["" if value is None else str(value) for value in column]


def _digits(values: list[float]) -> int:
    """As many decimal places as the column has, but for those beyond the sixth digit of its largest number."""
    largest = max(map(abs, values), default=0.0)
    room = max(0, min(6, 5 - math.floor(math.log10(largest)))) if largest else 0
    needed = (digits for digits in range(room) if all(math.isclose(round(one, digits), one, rel_tol=1e-9) for one in values))
    return next(needed, room)


def check_charts(node: NotebookNode, name: str) -> None:
    """Raise BuildError, naming the cell, for a picture without a caption, an alternative text or a table."""
    for cell in node.cells:
        for output in cell.get("outputs", []):
            pictures = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
            about = output.get("metadata", {}).get(SVG, {})
            lacking = [what for what in ("caption", "alt") if not str(about.get(what) or "").strip()]
            if frames.MIMETYPE not in output.get("data", {}):
                lacking.append("table")
            if pictures and (lacking or pictures != [SVG]):
                raise BuildError(
                    f"{name}, cell {cell.execution_count}: a chart has no {lacking[0] if lacking else 'vector drawing'}; "
                    "draw it by shockcheck.charts and give it a title"
                )


def cited(node: NotebookNode, ledger: Ledger) -> list[dict[str, Any]]:
    """The sources of what the notebook shows, by publisher.

    These are the sources of the rows that its numbers rest on, of the facts that its claims cite, and of the facts and rows
    in the tables that it shows.
    """
    sources, facts = tables.load("sources"), tables.load("facts").set_index("id")["source"]
    findings = shown_in(node)
    known = {fact for found in findings for fact in ledger.by_id[found["id"]].facts}
    ids = {row["source"] for found in findings if found["derivation"] for row in derivations.rows(found["derivation"])}
    for output in (output for cell in node.cells for output in cell.get("outputs", [])):
        table = output.get("data", {}).get(frames.MIMETYPE, {"columns": []})
        for place, column in enumerate(table["columns"]):
            cells = {f"{row[place]}" for row in table["rows"]}
            if column["name"] in ("source", "sources"):
                ids |= {source for cell in cells for source in cell.split(", ")}
            elif column["name"] == "id":
                known |= cells
    ids |= {source for fact, source in facts.items() if fact in known}
    return sources[sources["id"].isin(ids)].sort_values(["publisher", "id"]).to_dict("records")


def index(
    ledger: Ledger,
    findings: list[dict[str, Any]],
    failures: dict[str, str],
    titles: dict[str, str],
    language: Language | None = None,
    unchecked: Iterable[str] = (),
) -> str:
    """The index: every claim in the article's order with its verdict, and a card for each notebook that failed.

    `failures` maps a notebook's name to its error, `titles` the names of those that were built to their titles;
    `unchecked` are the ids of the claims that no notebook checks.
    """
    language = language or get("en")
    found = {entry["id"]: entry for entry in findings}
    counts = Counter(entry["verdict"] for entry in findings)
    rows = [
        {"claim": claim, "said": _shown(found[claim.id]).said(language), "notebook": found[claim.id]["notebook"]}
        if claim.id in found
        else {"claim": claim, "said": None, "notebook": None}
        for claim in ledger.claims
    ]
    script = _asset("filter.js")
    return _drawn(
        "index.html",
        article=ledger.article,
        day=language.day(ledger.article.date),
        rows=rows,
        unchecked=set(unchecked),
        failures=failures,
        titles=titles,
        counts=[(word, counts[word]) for word in SIGNS if counts[word]],
        signs=SIGNS,
        meanings=MEANINGS,
        dataset=linked.dataset(),
        quoted=quoted,
        script=script,
        policy=policy(script),
        style=_asset("style.css"),
        language=language,
        _=language.text,
        **foot(used_by_the_index()),
    )


def used_by_the_index() -> list[str]:
    """The files that an index shows the sums of: the ledger and all tables."""
    return [shown(LEDGER), *(f"data/{entry['path']}" for entry in tables.package()["resources"])]


def grid(
    title: str,
    rows: list[dict[str, Any]],
    failures: dict[str, str],
    ledger: Ledger,
    total: int | None = None,
    tables_beside: bool = False,
) -> str:
    """The overview of a grid: its rows in the order given, with every value that was recomputed, and the faulty rows.

    A row has `row`, `given`, `page` (the way to it, None where there is none) and `findings`. They are the first of `total`.
    The chart is of the first value of each. All rows are in the page as data, of which its script shows a part, sorted as
    asked for; without script the first stand there as they are. `tables_beside` is whether Parquet tables hold them all.
    """
    language = get("en")
    found = [[Finding(**one) for one in row["findings"] if one["recomputed"] is not None] for row in rows]
    columns = [sorted({one[place].unit for one in found}) for place in range(min(map(len, found), default=0))]
    names = list(rows[0]["given"]) if rows else []
    labels = [", ".join(value for value in row["given"].values() if value) or f"row {row['row']}" for row in rows[:LARGEST]]
    chart = None
    if columns:
        from shockcheck import charts  # with matplotlib: only where something is drawn

        values = pd.Series([one[0].recomputed for one in found[:LARGEST]], index=labels)
        chart = charts.ranked(
            values, f"{title}: the first value of each row, the largest at the top", " or ".join(columns[0]), digits=2
        )
    lines = [
        {
            "row": row["row"],
            "page": row["page"] and quote(row["page"], safe="/:"),
            "cells": [row["given"][name] for name in names]
            + [one.said(language).recomputed for one in ones[: len(columns)]],
            "values": [_number(row["given"][name]) for name in names] + [one.recomputed for one in ones[: len(columns)]],
        }
        for row, ones in zip(rows, found, strict=True)
    ]
    script = _asset("grid.js")
    return _drawn(
        "grid.html",
        title=title,
        article=ledger.article,
        heads=[*names, *(" or ".join(units) for units in columns)],
        numbers=len(columns),
        rows=lines,
        data=markup.script(lines),
        total=len(rows) if total is None else total,
        tables_beside=tables_beside,
        failures=list(failures.items()),
        chart=chart,
        script=script,
        policy=policy(script),
        style=_asset("style.css"),
        _=language.text,
        **foot(used_by_the_index()),
    )


def _number(text: str) -> float | str:
    """What a column of parameters is sorted by: a number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text


def _shown(entry: dict[str, Any]) -> Finding:
    return Finding(**{name: value for name, value in entry.items() if name != "notebook"})


def foot(read: Iterable[str]) -> dict[str, Any]:
    """What a page says of its making: package versions and the SHA-256 of what it `read`.

    Of a file that was read in part it is that of the rows or entries in use. `converts` is whether the project uses
    exchange rates: then their source is among its own.
    """
    parts: dict[str, list[str]] = {}
    for name in sorted(name for name in set(read) if not name.startswith((*cache.KINDS, "/"))):
        parts.setdefault(name.partition("#")[0], []).append(name)
    sums = {}
    for file, names in parts.items():
        whole = file in names
        sums[file if whole else f"{file}, {len(names)} in use"] = (
            cache.current(file) if whole else cache.digest("".join(cache.current(name) for name in names))
        )
    converts = fx.SOURCE in set(tables.load("sources", watched=False)["id"])
    return {"versions": {name: version(name) for name in VERSIONS}, "files": sums, "converts": converts}
