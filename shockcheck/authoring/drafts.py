"""Drafts: cells that check the claims of the ledger that no notebook checks yet.

The draft depends on what the claim states, a change in percent or a sum of money, and computes from the notebook's
parameters `ticker`, `event_date` and `source`. It is a proposal: the author knows what the sentence means.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from shockcheck import ledger
from shockcheck.authoring import mentions
from shockcheck.data import tables
from shockcheck.errors import LedgerError, ParameterError, ShockcheckError
from shockcheck.formats.days import parse_day
from shockcheck.ledger import Claim
from shockcheck.notebooks.notebook import Notebook, check_against, numbered_notebooks
from shockcheck.notebooks.stable_outputs import as_text
from shockcheck.project.files import write
from shockcheck.project.paths import current_project, shown
from shockcheck.units import parse_money

PARAMETERS = {
    "ticker": "share, by its symbol in data/listings.csv",
    "event_date": "session of its exchange, YYYY-MM-DD",
    "source": "where prices come from: embedded, yahoo, or auto (yahoo, else embedded)",
}
OPTIONS = {"ticker": "-p ticker=SYMBOL (make: TICKER=)", "event_date": "-p event_date=YYYY-MM-DD (make: DAY=)"}
DEFAULTS = {"source": "embedded"}
NOTEBOOK_NAME = re.compile(r"[0-9]{2}(-[a-z0-9]+)+")
DATA_MODULES = ("facts", "prices", "tables")
BARS_LINE = "before, after = prices.bars(prices.sessions(ticker, event_date, source=source))"
NEEDED_ROWS = "rows of that day and of the session before in data/prices.csv"
LAST_CELL = "## What could move this number\n\n- **The definition.** Say here what else the sentence could mean."


@dataclass(frozen=True)
class Draft:
    """The cells that check one claim, and what must be filled in first."""

    claim: Claim
    cells: tuple[str, ...]
    fill_in: str

    @property
    def of_a_share(self) -> bool:
        """Whether the cells use the share that the notebook's parameter `ticker` names."""
        return any(re.search(r"\bticker\b", cell) for cell in self.cells)


class Addition(NamedTuple):
    """What was added to a notebook: the drafts, the share and day they are for, if any, and why others were left out."""

    path: Path
    drafts: list[Draft]
    share: str
    left_out: list[str]


def draft_for(claim: Claim) -> Draft:
    """Return the draft for a claim."""
    if claim.kind == "documented":
        table = (f"facts.table({', '.join(map(_text, claim.facts))})",) if claim.facts else ()
        return Draft(claim, (*table, f'check("{claim.id}")'), "nothing: verdict, reason and facts are in the ledger")
    if claim.unit == "percent" and claim.direction:
        return _percent_draft(claim)
    money = parse_money(claim.unit or "")
    if money and money.scale == "billion":
        return _market_value_draft(claim)
    line = f'value = facts.number("ID-OF-A-FACT")  # unit: {claim.unit}; or by a measure from several'
    fill_in = (
        "the id of a row of data/facts.csv in place of ID-OF-A-FACT; what is computed from several figures is computed by "
        "a measure, as in `measures.percent_change(facts.number(...), facts.number(...))` or `measures.rank(value, others)`"
    )
    return Draft(claim, (f'{line}\ncheck("{claim.id}", value)',), fill_in)


def _percent_draft(claim: Claim) -> Draft:
    lines = (
        BARS_LINE,
        "change, low, high = measures.percent_changes(after, before.close)",
        f'check("{claim.id}", change, low, high)',
    )
    fill_in = f"nothing, if it is a share's change from close to close: it needs the {NEEDED_ROWS}"
    return Draft(claim, ("\n".join(lines),), fill_in)


def _market_value_draft(claim: Claim) -> Draft:
    measure = "market_value_change" if claim.direction else "market_value_loss"
    lines = (
        BARS_LINE,
        'shares = prices.shares_outstanding(ticker, event_date, source)["shares"]',
        f"value = measures.{measure}(before.close, after.close, shares)",
        f'check("{claim.id}", value)',
    )
    fill_in = (
        f"nothing, if it is what a share's change did to the market value: it needs the {NEEDED_ROWS}, and a count of "
        "shares in data/shares_outstanding.csv"
    )
    return Draft(claim, ("\n".join(lines),), fill_in)


def _text(value: str) -> str:
    """Return a text as a cell has it."""
    return json.dumps(value, ensure_ascii=False)


def unchecked(book: ledger.Ledger) -> list[Claim]:
    """Return the claims of the ledger that no notebook checks, in its order."""
    checked = {claim_id for notebook in numbered_notebooks() for claim_id in notebook.claims}
    return [claim for claim in book.claims if claim.id not in checked]


def faults() -> list[str]:
    """Return every fault of the ledger, each with its line, or else the first fault of the checks in notebooks."""
    sentences = ledger.faults()
    if not sentences:
        book = ledger.load()
        try:
            numbered = numbered_notebooks()
            check_against(book, numbered, all_claims=False)
            for notebook in numbered:
                notebook.parameters  # noqa: B018  raises an error for a faulty parameter
        except ShockcheckError as error:
            sentences.append(str(error))
    return sentences


def summary() -> str:
    """Return how many claims a ledger without faults has, and for each that no notebook checks the cells to paste."""
    book = ledger.load()
    valid = f"{len(book.claims)} claim{'s are' if len(book.claims) > 1 else ' is'} valid"
    lines = [f"{shown(current_project().ledger)}: {valid}"]
    for draft in map(draft_for, unchecked(book)):
        code = "\n\n".join(draft.cells)
        lines.append(f"\nno notebook checks {draft.claim.id}:\n\n{indent(code, '    ')}\n\nto fill in: {draft.fill_in}")
    if len(lines) > 1:
        lines.append("\npaste each paragraph into a notebook cell, or let `claims add NOTEBOOK` (`make draft`) do it")
    return "\n".join(lines)


def add_checks(name: str, ids: Iterable[str], parameters: Mapping[str, str]) -> Addition:
    """Put the drafts for claims, by default for all that no notebook checks, into a notebook, and return what was added.

    A new notebook gets its `parameters`; in an existing one the cells go before its last cell. Raises ShockcheckError, and
    writes nothing, for a claim that is unknown, checked already or about another share, for a name that no notebook may
    have, and for a missing or unknown parameter.
    """
    stem, ids = name.removesuffix(".ipynb"), list(ids)
    if not NOTEBOOK_NAME.fullmatch(stem):  # the whole name, so that it holds no folder
        raise ParameterError(f"a notebook is named by two digits and its subject, like 02-second-day, not {name!r}")
    drafts = [draft_for(claim) for claim in _chosen(ledger.load(), ids)]
    path = current_project().notebooks / f"{stem}.ipynb"
    existing = Notebook(path) if path.exists() else None
    if existing and parameters:
        raise ParameterError(f"{shown(path)} has its parameters; leave out -p, or name a notebook that is not there yet")
    values = existing.parameters if existing else parameters
    drafts, left_out = _about_share(str(values.get("ticker", "")), drafts)
    computes = any(draft.of_a_share for draft in drafts)
    if left_out and (ids or not drafts or (parameters and not computes)):
        raise ParameterError(left_out[0])
    node = _extended(existing, drafts) if existing else drafted_notebook(stem, drafts, parameters)
    for number, cell in enumerate(node.cells, start=1):
        cell.id = f"cell-{number:02}"
    write(path, as_text(node))
    share = f"{_share_name(str(values['ticker']))} on {values['event_date']}" if computes else ""
    return Addition(path, drafts, share, left_out)


def _about_share(ticker: str, drafts: list[Draft]) -> tuple[list[Draft], list[str]]:
    """Return the drafts that may use the share `ticker`, and a sentence for each of the others.

    A single claim may use it unless the claim names only other shares. Of several claims, each must name this share and no
    other: otherwise a claim about one share would be checked with the prices of another.
    """
    several = sum(draft.of_a_share for draft in drafts) > 1
    kept, left_out = [], []
    for draft in drafts:
        if not (ticker and draft.of_a_share):
            kept.append(draft)
            continue
        claim = draft.claim
        text = " ".join((claim.quote, claim.states or "", claim.id.replace("-", " "), claim.id.replace("-", " ").upper()))
        named = mentions.named_in(text, _companies())
        if named == {ticker} or (not several and (not named or ticker in named)):
            kept.append(draft)
        else:
            others = ", ".join(map(_share_name, sorted(named - {ticker})))
            problem = f"names {others}" if others else "does not name its share"
            left_out.append(
                f"{claim.id} {problem}, and the cells would compute on {_share_name(ticker)}; "
                "draft it alone, for its share: "
                f"claims add NOTEBOOK {claim.id} -p ticker=SYMBOL -p event_date=YYYY-MM-DD (make draft CLAIM={claim.id})"
            )
    return kept, left_out


def _companies() -> dict[str, str]:
    listings = tables.load("listings", watched=False)
    return dict(zip(listings["symbol"], listings["company"], strict=True))


def _share_name(ticker: str) -> str:
    """Return a share's company and symbol, or its symbol alone where the tables do not list it."""
    company = _companies().get(ticker)
    return f"{company} ({ticker})" if company else ticker


def _chosen(book: ledger.Ledger, ids: list[str]) -> list[Claim]:
    open_claims = unchecked(book)
    for claim_id in ids:
        if book.claim(claim_id) not in open_claims:
            raise LedgerError(f"{claim_id} is checked in a notebook already; remove that check first, or leave it")
    if not open_claims:
        raise LedgerError(
            f"every claim in {shown(current_project().ledger)} is checked in a notebook already; "
            "add a claim first, or remove a notebook to draft it again"
        )
    return [claim for claim in open_claims if not ids or claim.id in ids]


def _extended(notebook: Notebook, drafts: list[Draft]) -> NotebookNode:
    missing = sorted(_used_parameters(drafts) - set(notebook.declared))
    if missing:
        raise ParameterError(
            f"{shown(notebook.path)} has no parameter {missing[0]!r}, which the cells need; name another notebook"
        )
    node = notebook.node
    node.cells[-1:-1] = _cells(drafts)
    return node


def drafted_notebook(name: str, drafts: list[Draft], parameters: Mapping[str, str]) -> NotebookNode:
    """Return a new notebook with these drafts and these values of its parameters.

    Raises ParameterError for a parameter that no cell needs, and for one that cells need and that has no value.
    """
    used = _used_parameters(drafts)
    values = {name: value for name, value in DEFAULTS.items() if name in used} | dict(parameters)
    for parameter in sorted(set(values) - used):
        raise ParameterError(f"no cell needs the parameter {parameter!r}; there are {', '.join(sorted(used)) or 'none'}")
    for parameter in sorted(used - set(values)):
        raise ParameterError(f"the cells need the {PARAMETERS[parameter].split(',')[0]}: give it by {OPTIONS[parameter]}")
    if "event_date" in values:
        parse_day(values["event_date"], "event_date")
    title = name[3:].replace("-", " ").capitalize()
    lines = [f"{key} = {_text(values[key])}  # {meaning}" for key, meaning in PARAMETERS.items() if key in values]
    start = [
        _markdown_cell(f"# {title}\n\nThis page checks what the article says about this; name the passage here."),
        _code_cell("\n".join(lines) or "# no parameters", tags=["parameters"]),
        _code_cell(_imports(drafts)),
    ]
    look = [_code_cell("days = prices.sessions(ticker, event_date, source=source)\ndays")] if values else []
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook: NotebookNode = new_notebook(
        cells=[*start, *look, *_cells(drafts), _markdown_cell(LAST_CELL)],
        metadata={"kernelspec": kernel, "language_info": {"name": "python"}},
    )
    return notebook


def _markdown_cell(source: str) -> NotebookNode:
    """Return a Markdown cell."""
    cell: NotebookNode = new_markdown_cell(source)
    return cell


def _code_cell(source: str, tags: list[str] | None = None) -> NotebookNode:
    """Return a code cell."""
    metadata = {"tags": tags} if tags else {}
    cell: NotebookNode = new_code_cell(source, metadata=metadata)
    return cell


def _used_parameters(drafts: list[Draft]) -> set[str]:
    """Return the parameters that the drafts' cells use."""
    code = "\n".join(cell for draft in drafts for cell in draft.cells)
    return {name for name in PARAMETERS if re.search(rf"\b{name}\b", code)}


def _imports(drafts: list[Draft]) -> str:
    code = "\n".join(cell for draft in drafts for cell in draft.cells)
    lines = ["from shockcheck import frames" + (", measures" if "measures." in code else "")]
    modules = [name for name in DATA_MODULES if f"{name}." in code]
    if modules:
        lines.append(f"from shockcheck.data import {', '.join(modules)}")
    return "\n".join([*lines, "from shockcheck.findings import check", "", "frames.register()"])


def _cells(drafts: list[Draft]) -> list[NotebookNode]:
    return [_code_cell(cell) for draft in drafts for cell in draft.cells]
