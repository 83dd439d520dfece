"""Drafts: the cells for claims that no notebook checks yet, printed or put into a notebook, and all faults of a ledger."""

import ast
import re
import shutil

import pytest
from conftest import ROOT

from shockcheck.authoring import drafts, mentions
from shockcheck.errors import LedgerError, ParameterError, ShockcheckError
from shockcheck.ledger import Claim
from shockcheck.notebook_files import cells
from shockcheck.notebooks.notebook import Notebook

COMMON = {"id": "share-fall", "paragraph": 1, "quote": "so", "reading": "Close to close."}
BARS = "before, after = prices.bars(prices.sessions(ticker, event_date, source=source))\n"
CHECK = 'check("share-fall"'
SHARES = 'shares = prices.shares_outstanding(ticker, event_date, source)["shares"]\n'


def claim(**more: object) -> Claim:
    return Claim(**COMMON, **more)


CHANGE = claim(stated="17", unit="percent", direction="fall")
LOSS = claim(stated="563", unit="billion USD")
RISE = claim(stated="563", unit="billion USD", direction="rise")
RANK = claim(stated="1", unit="rank", hedge="exactly")
CITED = claim(verdict="supported", because="So.", facts=["one", "two"])
OPINION = claim(verdict="unchecked", because="So.")


@pytest.mark.parametrize(
    ("stated", "cells"),
    [
        (CHANGE, [f"{BARS}change, low, high = measures.percent_changes(after, before.close)\n{CHECK}, change, low, high)"]),
        (LOSS, [f"{BARS}{SHARES}value = measures.market_value_loss(before.close, after.close, shares)\n{CHECK}, value)"]),
        (RISE, [f"{BARS}{SHARES}value = measures.market_value_change(before.close, after.close, shares)\n{CHECK}, value)"]),
        (RANK, [f'value = facts.number("ID-OF-A-FACT")  # unit: rank; or by a measure from several\n{CHECK}, value)']),
        (CITED, ['facts.table("one", "two")', 'check("share-fall")']),
        (OPINION, ['check("share-fall")']),
    ],
)
def test_cells_follow_from_what_the_claim_states(stated, cells):
    draft = drafts.draft_for(stated)
    assert list(draft.cells) == cells
    assert draft.fill_in
    for cell in cells:
        assert ast.parse(cell)


def test_a_new_notebook_is_in_the_grammar_of_notebooks():
    node = drafts.drafted_notebook(
        "02-second-day", [drafts.draft_for(CHANGE), drafts.draft_for(LOSS)], {"ticker": 'A"B', "event_date": "2001-02-06"}
    )
    sources = [cell.source for cell in node.cells]
    assert sources[0].startswith("# Second day\n\n")
    assert node.cells[1].metadata.tags == ["parameters"]
    assert sources[1].splitlines() == [
        'ticker = "A\\"B"  # share, by its symbol in data/listings.csv',
        'event_date = "2001-02-06"  # session of its exchange, YYYY-MM-DD',
        'source = "embedded"  # where prices come from: embedded, yahoo, or auto (yahoo, else embedded)',
    ]
    assert sources[2].startswith("from shockcheck import frames, measures\nfrom shockcheck.data import prices\n")
    assert sources[3] == "days = prices.sessions(ticker, event_date, source=source)\ndays"
    assert sources[-1].startswith("## What could move this number\n")
    assert [claim_id for claim_id, _ in cells.checks(cells.code(node, "02"))] == ["share-fall", "share-fall"]
    cited = drafts.drafted_notebook("03-what-was-said", [drafts.draft_for(CITED)], {})
    assert [cell.source for cell in cited.cells][1] == "# no parameters"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ticker": "A"}, r"the cells need the session of its exchange: give it by -p event_date=YYYY-MM-DD \(make: DAY=\)"),
        ({}, r"the cells need the session of its exchange: give it by -p event_date=YYYY-MM-DD \(make: DAY=\)"),
        ({"ticker": "A", "event_date": "6 Feb"}, "event_date must be a date written as text"),
        (
            {"ticker": "A", "event_date": "2001-02-06", "day": "x"},
            "no cell needs the parameter 'day'; there are event_date, so",
        ),
    ],
)
def test_parameters_that_lack_or_are_none(given, message):
    with pytest.raises(ParameterError, match=message):
        drafts.drafted_notebook("02-second-day", [drafts.draft_for(CHANGE)], given)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        (
            "02-tuesday-rebound",
            {"ticker": "A"},
            "02-tuesday-rebound.ipynb has its parameters; leave out -p, or name a notebook",
        ),
        (
            "09-statements",
            {},
            "09-statements.ipynb has no parameter 'event_date', which the cells need; name another notebook",
        ),
        *(
            (name, {}, f"a notebook is named by two digits and its subject, like 02-second-day, not {name!r}")
            for name in ("tuesday", "../02-x", "/tmp/02-x", "02-x/../../03-y", "..\\\\02-x", "02-x\n", "٠٢-x", "")
        ),
    ],
)
def test_a_notebook_that_does_not_take_the_cells(monkeypatch, own_project, name, given, message):
    for path in (ROOT / "notebooks").glob("0[29]-*.ipynb"):
        shutil.copy(path, own_project.notebooks)
    before = {path: path.read_bytes() for path in own_project.notebooks.iterdir()}
    monkeypatch.setattr(drafts, "_chosen", lambda *_: [CHANGE])
    with pytest.raises(ParameterError) as raised:
        drafts.add_checks(name, [], given)
    assert message in str(raised.value)
    assert {path: path.read_bytes() for path in own_project.notebooks.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "ids", "kind", "message"),
    [
        ("02-more", [], LedgerError, "every claim in data/claims.yml is checked in a notebook already; add a claim first"),
        ("02-more", ["nvidia-loss-eur"], LedgerError, "nvidia-loss-eur is checked in a notebook already"),
        ("02-more", ["x"], LedgerError, "has no claim 'x'"),
    ],
)
def test_what_cannot_be_added(name, ids, kind, message):
    with pytest.raises(kind, match=message):
        drafts.add_checks(name, ids, {})


LISTED = {
    "EX.L": "Example plc",
    "EXEN": "Example Energy",
    "^EX": "Example 100",
    "ALPH": "Alpha & Beta Group",
    "A&O": "A&O AG",
}


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("Example fell 3 percent", {"EX.L"}),
        ("Examples Kurs fiel", {"EX.L"}),
        ("Example's fall", {"EX.L"}),
        ("shares of EXAMPLE ENERGY", {"EXEN"}),
        ("Example Energies", {"EX.L"}),
        ("the Example 100 lost", {"^EX"}),
        ("the Example 250 lost", {"EX.L"}),
        ("Alpha & Beta and A&O", {"ALPH", "A&O"}),
        ("Alpha fell", set()),
        ("(EXEN) fell, EX.L rose", {"EXEN", "EX.L", "^EX"}),
        ("exen", set()),
        ("the chipmaker fell", set()),
    ],
)
def test_a_share_is_named_by_its_company_or_its_symbol(text, symbols):
    listed = {symbol: name for symbol, name in LISTED.items() if symbol != "^EX" or "100" in text or "EX." in text}
    assert mentions.named_in(text, listed) == symbols


CHANGES = {
    "example-fall": "Example fell 7.5 percent",
    "energy-fall": "Example Energy fell 17 percent",
    "both-fall": "Example and Other fell 2 percent",
    "share-fall": "the share fell 5 percent",
}


@pytest.fixture
def written(own_project, monkeypatch):
    """Where notebooks are drafted; the ledger has the claims of CHANGES and one that an editor judges."""
    stated = [
        Claim(**COMMON | {"id": name, "quote": quote}, stated="5", unit="percent", direction="fall")
        for name, quote in CHANGES.items()
    ]
    monkeypatch.setattr(drafts, "_chosen", lambda _, ids: [one for one in [*stated, OPINION] if not ids or one.id in ids])
    monkeypatch.setattr(drafts, "_companies", lambda: {"EX": "Example AG", "EXEN": "Example Energy", "OTH": "Other"})
    return own_project.notebooks


GIVEN = {"ticker": "EX", "event_date": "2001-02-06"}


def test_of_several_claims_only_those_that_name_the_share_are_drafted_on_it(written):
    added = drafts.add_checks("02-x", [], GIVEN)
    assert [draft.claim.id for draft in added.drafts] == ["example-fall", "share-fall"]
    assert [draft.claim.kind for draft in added.drafts] == ["computed", "documented"]
    assert added.share == "Example AG (EX) on 2001-02-06"
    energy, both, share = added.left_out
    assert energy.startswith(
        "energy-fall names Example Energy (EXEN), and the cells would compute on Example AG (EX); draft it alone, for its "
        "share: claims add NOTEBOOK energy-fall -p ticker=SYMBOL"
    )
    assert both.startswith("both-fall names Other (OTH), and the cells")
    assert share.startswith("share-fall does not name its share, and the cells")
    assert added.path.exists()


@pytest.mark.parametrize(
    ("ids", "ticker", "fault"),
    [
        (["share-fall"], "EX", None),
        (["both-fall"], "EX", None),
        (["example-fall"], "EX", None),
        (["example-fall"], "NEW", "example-fall names Example AG (EX), and the cells would compute on NEW; draft it alone"),
        (["energy-fall"], "EX", "energy-fall names Example Energy (EXEN), and the cells would compute on Example AG (EX)"),
        (["example-fall", "share-fall"], "EX", "share-fall does not name its share"),
        ([], "NEW", "example-fall names Example AG (EX)"),
        ([], "EXEN", None),
    ],
)
def test_one_claim_alone_is_about_the_share_that_is_given_unless_it_names_another(written, ids, ticker, fault):
    if fault:
        with pytest.raises(ParameterError, match=re.escape(fault)):
            drafts.add_checks("02-x", ids, GIVEN | {"ticker": ticker})
        assert list(written.iterdir()) == []
    else:
        assert len(drafts.add_checks("02-x", ids, GIVEN | {"ticker": ticker}).left_out) == (0 if ids else 3)


def test_a_notebook_that_is_there_is_of_its_own_share(written):
    drafts.add_checks("02-x", ["example-fall"], GIVEN)
    with pytest.raises(ParameterError, match="energy-fall names Example Energy"):
        drafts.add_checks("02-x", ["energy-fall"], {})
    assert drafts.add_checks("02-x", ["share-fall"], {}).share == "Example AG (EX) on 2001-02-06"


NEW = """
  - id: second-fall
    paragraph: 5
    quote: noch einmal drei Prozent
    states: It fell another three percent.
    stated: drei
    unit: percent
    direction: fall
    reading: Close to close.
  - id: second-opinion
    paragraph: 5
    quote: zu viel
    states: It was too much.
    reading: "None: an opinion."
    verdict: unchecked
    because: A judgement.
"""
ADDED = ("02-tuesday-rebound", "second-opinion")


@pytest.mark.slow
def test_from_a_ledger_with_faults_to_a_checked_claim(project):
    ledger = project.root / "data/claims.yml"
    good = ledger.read_text(encoding="utf-8").rstrip() + "\n" + NEW
    first = good.count("\n", 0, good.index("  - id: second-fall")) + 1
    bad = good.replace("stated: drei", "stated: 3.0").replace("zu viel", "")
    ledger.write_text(bad, encoding="utf-8")
    done = project.run("claims", "check")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"data/claims.yml:{first + 4}: claim second-fall: `stated`: must be a text; put it in quotes",
        f"data/claims.yml:{first + 10}: claim second-opinion: `quote`: is empty; fill it in or remove it",
    ]
    ledger.write_text(good, encoding="utf-8")
    said = project.run("claims", "check").stdout
    assert said.startswith("data/claims.yml: 53 claims are valid\n\nno notebook checks second-fall:\n\n    before, after")
    assert said.endswith("or let `claims add NOTEBOOK` (`make draft`) do it\n")
    assert '\n    check("second-fall", change, low, high)\n\nto fill in: nothing, if it is a share' in said
    added = project.run("claims", "add", *ADDED)
    assert added.stdout.startswith("notebooks/02-tuesday-rebound.ipynb checks second-opinion; to fill in: nothing: verdict")
    node = Notebook(project.root / "notebooks/02-tuesday-rebound.ipynb").node
    assert node.cells[-2].source == 'check("second-opinion")'
    assert node.cells[-1].source.startswith("## What could move this number")
    assert len({cell.id for cell in node.cells}) == len(node.cells)


def test_a_notebooks_fault_is_listed_after_the_ledgers(monkeypatch):
    def fails(*_, all_claims):
        raise ShockcheckError("a notebook checks what the ledger has not")

    monkeypatch.setattr(drafts, "check_against", fails)
    assert drafts.faults() == ["a notebook checks what the ledger has not"]
