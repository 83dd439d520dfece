"""Drafts: what stands in the ledger and in no notebook yet, as cells to paste, in the grammar of the notebooks.

A draft is chosen by what the claim states, a change in percent or a sum of money, and computes from the notebook's
parameters `ticker`, `event_date` and `source`. It is a proposal: whoever pastes it knows what the sentence means.
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

from shockcheck import ledger, mentions, notebooks, prices, tables
from shockcheck.errors import LedgerError, ParameterError, ShockcheckError
from shockcheck.ledger import Claim
from shockcheck.notebooks import Notebook
from shockcheck.paths import LEDGER, NOTEBOOKS, shown, write

PARAMETERS = {
    "ticker": "share, by its symbol in data/listings.csv",
    "event_date": "session of its exchange, YYYY-MM-DD",
    "source": "where prices come from: embedded, yahoo, or auto (yahoo, else embedded)",
}
NEEDED = {"ticker": "-p ticker=SYMBOL (make: TICKER=)", "event_date": "-p event_date=YYYY-MM-DD (make: DAY=)"}
EMBEDDED = {"source": "embedded"}
NAME = re.compile(r"[0-9]{2}(-[a-z0-9]+)+")  # of a notebook
MODULES = ("facts", "frames", "measures", "prices", "tables")
MONEY = re.compile(r"billion [A-Z]{3}")
BARS = "before, after = prices.bars(prices.sessions(ticker, event_date, source=source))"
ROWS = "rows of that day and of the session before in data/prices.csv"
LAST = "## What could move this number\n\n- **The definition.** Say here what else the sentence could mean."


@dataclass(frozen=True)
class Draft:
    """The cells that check one claim, and what has to be filled in before they do."""

    claim: Claim
    cells: tuple[str, ...]
    fill_in: str

    @property
    def of_a_share(self) -> bool:
        """Whether the cells compute on the share that the notebook's parameter `ticker` names."""
        return any(re.search(r"\bticker\b", cell) for cell in self.cells)


class Addition(NamedTuple):
    """What was put into a notebook: the drafts, the share and day they compute on, if any, and why others were left out."""

    path: Path
    drafts: list[Draft]
    share: str
    left_out: list[str]


def of(claim: Claim) -> Draft:
    """The draft for a claim."""
    checked = f'check("{claim.id}", value)'
    if claim.kind == "documented":
        table = (f"facts.table({', '.join(map(_text, claim.facts))})",) if claim.facts else ()
        return Draft(claim, (*table, f'check("{claim.id}")'), "nothing: verdict, reason and facts stand in the ledger")
    if claim.unit == "percent" and claim.direction:
        lines = (BARS, "change, low, high = measures.percent_changes(after, before.close)")
        fill_in = f"nothing, if it is a share's change from close to close: it needs the {ROWS}"
        return Draft(claim, ("\n".join((*lines, f'check("{claim.id}", change, low, high)')),), fill_in)
    if claim.unit and MONEY.fullmatch(claim.unit):
        measure = "market_value_change" if claim.direction else "market_value_loss"
        lines = (
            BARS,
            'shares = prices.shares_outstanding(ticker, event_date, source)["shares"]',
            f"value = measures.{measure}(before.close, after.close, shares)",
        )
        fill_in = (
            f"nothing, if it is what a share's change did to the market value: it needs the {ROWS}, and a count of shares "
            "in data/shares_outstanding.csv"
        )
        return Draft(claim, ("\n".join((*lines, checked)),), fill_in)
    line = f'value = facts.number("ID-OF-A-FACT")  # unit: {claim.unit}; or by a measure from several'
    fill_in = (
        "the id of a row of data/facts.csv in place of ID-OF-A-FACT; what is computed from several figures is computed by "
        "a measure, as in `measures.percent_change(facts.number(...), facts.number(...))` or `measures.rank(value, others)`"
    )
    return Draft(claim, (f"{line}\n{checked}",), fill_in)


def _text(value: str) -> str:
    """A text as it stands in a cell."""
    return json.dumps(value, ensure_ascii=False)


def unchecked(book: ledger.Ledger) -> list[Claim]:
    """The claims of the ledger that no notebook checks, in its order."""
    checked = {claim_id for notebook in notebooks.numbered() for claim_id in notebook.claims}
    return [claim for claim in book.claims if claim.id not in checked]


def faults() -> list[str]:
    """Every fault of the ledger, each with its line, and then the first fault of the notebooks' checks against it."""
    found = ledger.faults()
    if not found:
        book = ledger.load()
        try:
            numbered = notebooks.numbered()
            notebooks.check_against(book, numbered, all_claims=False)
            for notebook in numbered:
                notebook.parameters  # noqa: B018  which raises what is wrong with them
        except ShockcheckError as error:
            found.append(str(error))
    return found


def summary() -> str:
    """How many claims of a good ledger are right, and for each that no notebook checks the cells to paste."""
    book = ledger.load()
    said = [f"{shown(LEDGER)}: {len(book.claims)} claim{'s are' if len(book.claims) > 1 else ' is'} right"]
    for draft in map(of, unchecked(book)):
        code = "\n\n".join(draft.cells)
        said.append(f"\nno notebook checks {draft.claim.id}:\n\n{indent(code, '    ')}\n\nto fill in: {draft.fill_in}")
    if len(said) > 1:
        said.append("\npaste these into notebooks, a cell a paragraph, or let `claims add NOTEBOOK` (`make draft`) do it")
    return "\n".join(said)


def add(name: str, ids: Iterable[str], given: Mapping[str, str]) -> Addition:
    """Put the drafts for claims, by default for all that no notebook checks, into a notebook, which is made if need be.

    A new one gets its parameters from `given`; into one that is there the cells come before its last. Raises
    ShockcheckError, and writes nothing, for a claim that is unknown, checked already or about another share, for a name
    that is no notebook's, and for a parameter that lacks or is none.
    """
    stem, ids = name.removesuffix(".ipynb"), list(ids)
    if not NAME.fullmatch(stem):  # the whole of it, so that no folder stands before it
        raise ParameterError(f"a notebook is named by two digits and its subject, like 02-second-day, not {name!r}")
    drafts = [of(claim) for claim in _chosen(ledger.load(), ids)]
    path = NOTEBOOKS / f"{stem}.ipynb"
    there = Notebook(path) if path.exists() else None
    if there and given:
        raise ParameterError(f"{shown(path)} has its parameters; leave out -p, or name a notebook that is not there yet")
    values = there.parameters if there else given
    drafts, left_out = _about(str(values.get("ticker", "")), drafts)
    computes = any(draft.of_a_share for draft in drafts)
    if left_out and (ids or not drafts or (given and not computes)):
        raise ParameterError(left_out[0])
    node = _extended(there, drafts) if there else _made(stem, drafts, given)
    for number, cell in enumerate(node.cells, start=1):
        cell.id = f"cell-{number:02}"
    write(path, notebooks.as_text(node))
    share = f"{_called(str(values['ticker']))} on {values['event_date']}" if computes else ""
    return Addition(path, drafts, share, left_out)


def _about(ticker: str, drafts: list[Draft]) -> tuple[list[Draft], list[str]]:
    """The drafts that may compute on the share `ticker`, and a sentence for each of the others.

    One claim alone is about the share that is named for it, unless it names others only. Of several at once each must name
    the share, and no other: else one share's claim would be checked by another's prices, and called off.
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
            others = ", ".join(map(_called, sorted(named - {ticker})))
            what = f"names {others}" if others else "does not name its share"
            left_out.append(
                f"{claim.id} {what}, and the cells would compute on {_called(ticker)}; draft it alone, by its own share: "
                f"claims add NOTEBOOK {claim.id} -p ticker=SYMBOL -p event_date=YYYY-MM-DD (make draft CLAIM={claim.id})"
            )
    return kept, left_out


def _companies() -> dict[str, str]:
    listings = tables.load("listings", watched=False)
    return dict(zip(listings["symbol"], listings["company"], strict=True))


def _called(ticker: str) -> str:
    """A share by its company and symbol, by the symbol alone where it is not listed in the tables."""
    company = _companies().get(ticker)
    return f"{company} ({ticker})" if company else ticker


def _chosen(book: ledger.Ledger, ids: list[str]) -> list[Claim]:
    open_claims = unchecked(book)
    for claim_id in ids:
        if book.claim(claim_id) not in open_claims:
            raise LedgerError(f"{claim_id} is checked in a notebook already; remove that check first, or leave it")
    if not open_claims:
        raise LedgerError(
            f"every claim of {shown(LEDGER)} is checked in a notebook already; add a claim first, or remove a notebook "
            "that is to be drafted anew"
        )
    return [claim for claim in open_claims if not ids or claim.id in ids]


def _extended(notebook: Notebook, drafts: list[Draft]) -> NotebookNode:
    lacking = sorted(_parameters(drafts) - set(notebook.declared))
    if lacking:
        raise ParameterError(
            f"{shown(notebook.path)} has no parameter {lacking[0]!r}, which the cells need; name another notebook"
        )
    node = notebook.node
    node.cells[-1:-1] = _cells(drafts)
    return node


def _made(name: str, drafts: list[Draft], given: Mapping[str, str]) -> NotebookNode:
    wanted = _parameters(drafts)
    values = {name: value for name, value in EMBEDDED.items() if name in wanted} | dict(given)
    for parameter in sorted(set(values) - wanted):
        raise ParameterError(f"no cell needs the parameter {parameter!r}; there are {', '.join(sorted(wanted)) or 'none'}")
    for parameter in sorted(wanted - set(values)):
        raise ParameterError(f"the cells need the {PARAMETERS[parameter].split(',')[0]}: give it by {NEEDED[parameter]}")
    if "event_date" in values:
        prices.day(values["event_date"], "event_date")
    title = name[3:].replace("-", " ").capitalize()
    lines = [f"{one} = {_text(values[one])}  # {meaning}" for one, meaning in PARAMETERS.items() if one in values]
    start = [
        new_markdown_cell(f"# {title}\n\nChecked is what the article says on this; say here which passage it is."),
        new_code_cell("\n".join(lines) or "# no parameters", metadata={"tags": ["parameters"]}),
        new_code_cell(_imports(drafts)),
    ]
    look = [new_code_cell("days = prices.sessions(ticker, event_date, source=source)\ndays")] if values else []
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(
        cells=[*start, *look, *_cells(drafts), new_markdown_cell(LAST)],
        metadata={"kernelspec": kernel, "language_info": {"name": "python"}},
    )


def _parameters(drafts: list[Draft]) -> set[str]:
    """The parameters that the drafts' cells use."""
    code = "\n".join(cell for draft in drafts for cell in draft.cells)
    return {name for name in PARAMETERS if re.search(rf"\b{name}\b", code)}


def _imports(drafts: list[Draft]) -> str:
    code = "frames.show()\n" + "\n".join(cell for draft in drafts for cell in draft.cells)
    used = [name for name in MODULES if f"{name}." in code]
    return f"from shockcheck import {', '.join(used)}\nfrom shockcheck.findings import check\n\nframes.show()"


def _cells(drafts: list[Draft]) -> list[NotebookNode]:
    return [new_code_cell(cell) for draft in drafts for cell in draft.cells]
