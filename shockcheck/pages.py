"""Pages: HTML from executed notebooks and findings, by the project's own templates. Nothing is computed here."""

import copy
import html
import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

import jinja2
import pandas as pd
from markupsafe import Markup
from nbformat import NotebookNode

from shockcheck import cache, derivations, frames, fx, linked, tables, trace, what_if
from shockcheck.errors import BuildError
from shockcheck.findings import MEANINGS, MIMETYPE, SIGNS, Finding, card_template, shown_in
from shockcheck.languages import Language, get, quoted
from shockcheck.ledger import Ledger
from shockcheck.paths import LEDGER, TEMPLATES, shown

VERSIONS = ("shockcheck", "pandas", "matplotlib", "papermill", "nbconvert", "CurrencyConverter")
LARGEST = 40  # rows of a grid that are drawn: as many as stay readable
SVG = "image/svg+xml"
STYLED = re.compile(r'<span class="(?!c1|s1|s2|k|kn|sa|si)[a-z0-9]*">(.*?)</span>')  # all but the classes that have a colour


@lru_cache
def _exporter() -> Any:
    from nbconvert import HTMLExporter  # takes most of a second to import: not before there is a page to export
    from nbconvert.filters import Highlight2HTML

    # The preprocessors change nothing of what this template shows, and each has the notebook copied and validated.
    exporter = HTMLExporter(template_name="report", extra_template_basedirs=[str(TEMPLATES)], default_preprocessors=[])
    exporter.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3", parent=exporter))
    # Not by HTMLExporter's own method, which parses the page once more to change elements that this template has not.
    return super(HTMLExporter, exporter)


def make_ready() -> None:
    """Load exporter, templates and lexer, which the first page would have to wait for."""
    _exporter().template  # noqa: B018
    _exporter().environment.filters["highlight_code"]("")
    for name in ("trace.html", "figure.html", "table.html", "index.html"):
        _environment().get_template(name)
    card_template()


@lru_cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader([TEMPLATES, TEMPLATES / "report"])
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _asset(name: str) -> Markup:
    """A style or script as it stands in a page."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def page(
    node: NotebookNode,
    ledger: Ledger,
    title: str,
    parameters: dict[str, Any],
    home: str,
    name: str,
    variant: bool = False,
    language: Language | None = None,
) -> str:
    """The page `name` of one executed notebook; `home` is the way to the index, `parameters` are those of the run.

    A variant reviews no claim, so it has no linked data. Raises BuildError, naming it, for a chart without caption or
    alternative text, a number without a source and an empty field of the linked data.
    """
    language = language or get("en")
    findings = [Finding(**found) for found in shown_in(node)]
    check_charts(node, name)
    if not variant:
        for finding in findings:
            trace.check_sources(finding)
    node = with_numbers(node, language, linked=not variant)
    context = {
        "article": ledger.article,
        "title": title,
        "home": home,
        "parameters": parameters,
        "sources": cited(node, ledger),
        "variant": variant,
        "language": language,
        "say": language.text,
        "reviews": [] if variant else [linked.claim_review(finding, ledger, name, language) for finding in findings],
        "cards": [card(finding, language) for finding in findings],
        "figure": lambda output, number: _figure(output, findings, f"{name}-{number}", variant, language),
        "table": lambda output, number: _table(
            output["data"][frames.MIMETYPE], language.text("Table of code cell {number}", number=number), language
        ),
        "finding": lambda output: Finding(**output["data"][MIMETYPE]).said(language),
        "is_finding": lambda output: MIMETYPE in output.get("data", {}),
        "is_table": lambda output: frames.MIMETYPE in output.get("data", {}),
        "plainly": lambda code: STYLED.sub(r"\1", code),
        "style": _asset("style.css"),
        "script": what_if.script(findings, language) if not variant else None,
        "what_if": _asset("what_if.js"),
        **foot(node.metadata.get("shockcheck", {}).get("read", [])),
    }
    body, _ = _exporter().from_notebook_node(node, resources={"shockcheck": context})
    return body


def card(finding: Finding, language: Language) -> str:
    """The card of a finding on its page, with its trace and the inputs that a reader may change."""
    views = trace.views(finding, language)
    shown_trace = None
    if views:
        text = (
            _environment().get_template("trace.html").render(views=views, claim=finding.id, many=trace.MANY, _=language.text)
        )
        shown_trace = Markup(text.strip())
    return finding.html(language, trace=shown_trace, what_if=what_if.inputs(finding, language))


def _figure(output: NotebookNode, findings: list[Finding], name: str, variant: bool, language: Language) -> str:
    about = output["metadata"][SVG]
    verdicts = [one for one in findings if one.id == about.get("claim") and one.verdict]
    alt = about["alt"] + "".join(f" {one.claim.in_english} Verdict: {one.verdict}." for one in verdicts)
    table = output["data"][frames.MIMETYPE]
    return (
        _environment()
        .get_template("figure.html")
        .render(
            svg=Markup(output["data"][SVG]),
            caption=about["caption"],
            alt=alt,
            table=Markup(_table(table, about["caption"], language)),
            rows=len(table["rows"]),
            file=f"{name}.csv",
            address=f"data:text/csv;charset=utf-8,{quote(frames.as_csv(table))}",
            _=language.text,
        )
    )


def _table(table: dict[str, Any], label: str, language: Language) -> str:
    columns = [[row[place] for row in table["rows"]] for place in range(len(table["columns"]))]
    cells = [_cells(column, about["kind"], language) for column, about in zip(columns, table["columns"], strict=True)]
    return (
        _environment()
        .get_template("table.html")
        .render(
            columns=table["columns"],
            headers=table["headers"],
            rows=list(zip(*cells, strict=True)),
            label=label,
            _=language.text,
        )
    )


def _cells(column: list[Any], kind: str, language: Language) -> list[str]:
    """The cells of one column as a reader sees them; the numbers of a column have the same decimal places."""
    if kind == "number":
        digits = _digits([value for value in column if value is not None])
        return ["" if value is None else language.number(value, digits) for value in column]
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
    """The sources of the rows and facts that the notebook shows, by publisher: those whose id or whose fact it prints."""
    sources, known = tables.load("sources"), tables.load("facts")
    outputs = [output.get("data", {}) for cell in node.cells for output in cell.get("outputs", [])]
    printed = set(re.findall(r"[a-z0-9-]+", " ".join(data.get("text/html", "") for data in outputs)))
    claims = (ledger.by_id[found["id"]] for found in shown_in(node))
    facts = printed | {fact for claim in claims for fact in claim.facts}
    derived = {
        row["source"] for found in shown_in(node) if found["derivation"] for row in derivations.rows(found["derivation"])
    }
    wanted = printed | derived | set(known.loc[known["id"].isin(facts), "source"])
    return sources[sources["id"].isin(wanted)].sort_values(["publisher", "id"]).to_dict("records")


def with_numbers(node: NotebookNode, language: Language, linked: bool = True) -> NotebookNode:
    """A copy of the notebook in whose prose every `{{ finding("id") }}` is the value recomputed in it, a link to its card.

    Raises BuildError where the prose names a claim that the notebook does not recompute.
    """
    node = copy.deepcopy(node)
    found = {one["id"]: Finding(**one) for one in shown_in(node)}

    def value(claim_id: str) -> str:
        if claim_id not in found or found[claim_id].recomputed is None:
            raise BuildError(f"a sentence quotes {claim_id!r}, which its notebook does not recompute; correct the id")
        text = html.escape(found[claim_id].said(language).recomputed)
        return f"[{text}](#claim-{claim_id})" if linked else text

    for cell in node.cells:
        if cell.cell_type == "markdown":
            cell.source = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(cell.source).render(finding=value)
    return node


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
    return (
        _environment()
        .get_template("index.html")
        .render(
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
            filter=_asset("filter.js"),
            style=_asset("style.css"),
            language=language,
            _=language.text,
            **foot(used_by_the_index()),
        )
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
    return (
        _environment()
        .get_template("grid.html")
        .render(
            title=title,
            article=ledger.article,
            heads=[*names, *(" or ".join(units) for units in columns)],
            numbers=len(columns),
            rows=lines,
            data=Markup(json.dumps(lines, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")),
            total=len(rows) if total is None else total,
            tables_beside=tables_beside,
            failures=list(failures.items()),
            chart=chart,
            script=_asset("grid.js"),
            style=_asset("style.css"),
            _=language.text,
            **foot(used_by_the_index()),
        )
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
    for name in sorted(set(read)):
        parts.setdefault(name.partition("#")[0], []).append(name)
    sums = {}
    for file, names in parts.items():
        whole = file in names
        sums[file if whole else f"{file}, {len(names)} in use"] = (
            cache.current(file) if whole else cache.digest("".join(cache.current(name) for name in names))
        )
    converts = fx.SOURCE in set(tables.load("sources", watched=False)["id"])
    return {"versions": {name: version(name) for name in VERSIONS}, "files": sums, "converts": converts}
