"""Pages: HTML from executed notebooks and findings, by the project's own templates. Nothing is computed here."""

import copy
import re
import subprocess
from collections import Counter
from functools import cache
from importlib.metadata import version
from typing import Any

import jinja2
import pandas as pd
from nbformat import NotebookNode

from shockcheck import charts, linked, tables
from shockcheck.errors import BuildError
from shockcheck.findings import MEANINGS, MIMETYPE, SIGNS, Finding, shown_in
from shockcheck.ledger import Ledger
from shockcheck.paths import ROOT, TEMPLATES

VERSIONS = ("shockcheck", "pandas", "matplotlib", "papermill", "nbconvert", "CurrencyConverter")
LARGEST = 40  # rows of a grid that are drawn: as many as stay readable
INPUTS = ("data", "notebooks", "shockcheck", "requirements.lock")


@cache
def _exporter() -> Any:
    from nbconvert import HTMLExporter  # takes most of a second to import: not before there is a page to export

    exporter = HTMLExporter(template_name="report", extra_template_basedirs=[str(TEMPLATES)])
    exporter.environment.globals.update(finding_type=MIMETYPE, finding=lambda entry: Finding(**entry))
    return exporter


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader([TEMPLATES, TEMPLATES / "report"])
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def page(
    node: NotebookNode,
    ledger: Ledger,
    title: str,
    parameters: dict[str, Any],
    home: str,
    name: str,
    variant: bool = False,
) -> str:
    """The page `name` of one executed notebook; `home` is the way to the index, `parameters` are those of the run.

    A variant reviews no claim, so it has no linked data.
    """
    node = with_numbers(node)
    reviews = [] if variant else [linked.claim_review(Finding(**found), ledger, name) for found in shown_in(node)]
    context = {
        "article": ledger.article,
        "title": title,
        "home": home,
        "parameters": parameters,
        "sources": cited(node, ledger),
        "variant": variant,
        "reviews": reviews,
        "style": (TEMPLATES / "style.css").read_text(encoding="utf-8"),
        **foot(),
    }
    body, _ = _exporter().from_notebook_node(node, resources={"shockcheck": context})
    return body


def cited(node: NotebookNode, ledger: Ledger) -> list[dict[str, Any]]:
    """The sources of the rows and facts that the notebook shows, by publisher: those whose id or whose fact it prints."""
    sources, known = tables.load("sources"), tables.load("facts")
    outputs = [output.get("data", {}) for cell in node.cells for output in cell.get("outputs", [])]
    printed = set(re.findall(r"[a-z0-9-]+", " ".join(data.get("text/html", "") for data in outputs)))
    claims = (ledger.by_id[found["id"]] for found in shown_in(node))
    facts = printed | {fact for claim in claims for fact in claim.facts}
    wanted = printed | set(known.loc[known["id"].isin(facts), "source"])
    return sources[sources["id"].isin(wanted)].sort_values(["publisher", "id"]).to_dict("records")


def with_numbers(node: NotebookNode) -> NotebookNode:
    """A copy of the notebook in whose prose every `{{ finding("id") }}` is the value recomputed in it.

    Raises BuildError where the prose names a claim that the notebook does not recompute.
    """
    node = copy.deepcopy(node)
    found = {one["id"]: Finding(**one) for one in shown_in(node)}

    def value(claim_id: str) -> str:
        if claim_id not in found or found[claim_id].recomputed is None:
            raise BuildError(f"a sentence quotes {claim_id!r}, which its notebook does not recompute; correct the id")
        return found[claim_id].recomputed_text

    for cell in node.cells:
        if cell.cell_type == "markdown":
            cell.source = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(cell.source).render(finding=value)
    return node


def index(ledger: Ledger, findings: list[dict[str, Any]], failures: dict[str, str], titles: dict[str, str]) -> str:
    """The index: every claim in the article's order with its verdict, and a card for each notebook that failed.

    `failures` maps a notebook's name to its error, `titles` the names of those that were built to their titles.
    """
    found = {entry["id"]: entry for entry in findings}
    counts = Counter(entry["verdict"] for entry in findings)
    rows = [
        {"claim": claim, "finding": _shown(found[claim.id]), "notebook": found[claim.id]["notebook"]}
        if claim.id in found
        else {"claim": claim, "finding": None, "notebook": None}
        for claim in ledger.claims
    ]
    return (
        _environment()
        .get_template("index.html")
        .render(
            article=ledger.article,
            rows=rows,
            failures=failures,
            titles=titles,
            counts=[(word, counts[word]) for word in SIGNS if counts[word]],
            signs=SIGNS,
            meanings=MEANINGS,
            dataset=linked.dataset(),
            filter=(TEMPLATES / "filter.js").read_text(encoding="utf-8"),
            style=(TEMPLATES / "style.css").read_text(encoding="utf-8"),
            **foot(),
        )
    )


def grid(title: str, rows: list[dict[str, Any]], failures: dict[str, str], ledger: Ledger) -> str:
    """The overview of a grid: its rows in the order given, with every value that was recomputed, and the faulty rows.

    A row has `row`, `given`, `page` (the way to it) and `findings`. The chart is of the first value of each.
    """
    found = [[Finding(**one) for one in row["findings"] if one["recomputed"] is not None] for row in rows]
    columns = [sorted({one[place].unit for one in found}) for place in range(min(map(len, found), default=0))]
    labels = [", ".join(value for value in row["given"].values() if value) or f"row {row['row']}" for row in rows]
    chart = None
    if columns:
        values = pd.Series([one[0].recomputed for one in found[:LARGEST]], index=labels[:LARGEST])
        chart = charts.ranked(
            values, f"{title}: the first value of each row, the largest at the top", " or ".join(columns[0]), digits=2
        )
    return (
        _environment()
        .get_template("grid.html")
        .render(
            title=title,
            article=ledger.article,
            names=list(rows[0]["given"]) if rows else [],
            columns=columns,
            rows=list(zip(rows, found, strict=True)),
            failures=failures,
            chart=chart,
            style=(TEMPLATES / "style.css").read_text(encoding="utf-8"),
            **foot(),
        )
    )


def _shown(entry: dict[str, Any]) -> Finding:
    return Finding(**{name: value for name, value in entry.items() if name != "notebook"})


def foot() -> dict[str, Any]:
    """What a page says of its making: package versions, the commit of the inputs, the SHA-256 of every table."""
    return {
        "versions": {name: version(name) for name in VERSIONS},
        "commit": commit(),
        "tables": {entry["path"]: entry["hash"].removeprefix("sha256:") for entry in tables.package()["resources"]},
    }


@cache
def commit() -> str:
    """The last commit that changed what pages are made from, with a note where the files differ from it."""
    last = _git("log", "-1", "--format=%H", "--", *INPUTS)
    if not last:
        return "not under version control"
    return f"{last} with uncommitted changes" if _git("status", "--porcelain", "--", *INPUTS) else last


def _git(*arguments: str) -> str:
    try:
        answer = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
