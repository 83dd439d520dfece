"""The ledger's faults: each names the entry's line and id, and what is wrong with it."""

import pytest

from shockcheck import ledger
from shockcheck.errors import LedgerError

GOOD = """\
article:
  title: A title
  publisher: A paper
  date: 2001-02-03
  language: de
claims:
  - id: share-fall
    paragraph: 1
    quote: ein Minus von 17 Prozent
    states: The share fell 17 percent.
    stated: "17"
    unit: percent
    direction: fall
    reading: Close to close.
  - id: share-slight
    paragraph: 2
    quote: nur leicht
    states: It recovered only a little.
    reading: As reported.
    verdict: imprecise
    because: One report says so.
    facts: [nvidia-tuesday-close]
"""


@pytest.fixture
def load(tmp_path):
    def from_text(text: str) -> ledger.Ledger:
        path = tmp_path / "claims.yml"
        path.write_text(text, encoding="utf-8")
        return ledger.load(path)

    return from_text


def test_a_good_ledger(load):
    book = load(GOOD)
    assert [(claim.id, claim.kind) for claim in book.claims] == [
        ("share-fall", "computed"),
        ("share-slight", "documented"),
    ]
    assert str(book.claim("share-fall").allowed("de")) == "(-17.5, -16.5]"


FAULTS = [
    ("direction: fall", "direktion: fall", "line 13, claim share-fall: `direktion`: no such field"),
    ("id: share-slight", "id: share-fall", "line 7, claim share-fall: `id`: the id share-fall is given to 2 claims"),
    ("    reading: Close to close.\n", "", "line 7, claim share-fall: `reading`: the field is missing"),
    ('stated: "17"', 'stated: "17.5"', "line 11, claim share-fall: `stated`: '17.5' is not an unsigned number"),
    ('stated: "17"', "stated: 17", "line 11, claim share-fall: `stated`: must be a text; put it in quotes"),
    ('    stated: "17"\n', "", "line 7, claim share-fall: a computed claim needs `stated` and `unit`"),
    ("    facts: [nvidia-tuesday-close]\n", "", "line 15, claim share-slight: a documented claim needs `because` and"),
    (
        "facts: [nvidia-tuesday-close]",
        "facts: [x]",
        "line 22, claim share-slight: `facts`: data/facts.csv has no fact 'x'",
    ),
    ("    verdict: imprecise\n", "", "line 15, claim share-slight: `because` and `facts` belong to a documented claim"),
    ("verdict: imprecise", "verdict: wrong", "line 20, claim share-slight: `verdict`: must be 'supported'"),
    ("paragraph: 2", "paragraph: two", "line 16, claim share-slight: `paragraph`: must be a whole number, without quotes"),
    ("id: share-fall", "id: Share_Fall", "line 7, claim Share_Fall: `id`: must be small letters, digits and single hyphens"),
    (
        "direction: fall",
        "interval: [1.0, 2.0]",
        "line 7, claim share-fall: an `interval` that overrides the rule needs a `why`",
    ),
    ("paragraph: 1\n", "paragraph: 1\n    paragraph: 2\n", "line 9: found duplicate key"),
    ("    quote: nur", "   quote: nur", "line 17: "),
    ("  date: 2001-02-03\n", "", "line 1: `date`: the field is missing"),
    ("language: de", "language: xx", "line 5: `language`: must be 'de' or 'en'"),
    (GOOD[GOOD.index("claims:") :], "", "line 1: `claims`: the field is missing"),
    (GOOD, "- a list\n", "must hold names with values"),
]


@pytest.mark.parametrize(("old", "new", "message"), FAULTS, ids=[message[:60] for *_, message in FAULTS])
def test_a_fault_stops_with_line_and_id(load, old, new, message):
    assert GOOD.count(old) == 1
    with pytest.raises(LedgerError) as raised:
        load(GOOD.replace(old, new))
    assert message in str(raised.value)
    assert "claims.yml" in str(raised.value)


BROKEN = """\
article:
  title: A title
  publisher:
  date: 2001-02-03
  language: de
claims:
  - id: share-fall
    paragraph: one
    quote: ein Minus von 17 Prozent
    states: The share fell 17 percent.
    stated: "17.5"
    unit: percent
    reading: Close to close.
    interval: [3.0, 2.0]
    why: A reason.
  - id: share-fall
    quote: nur leicht
    verdict: imprecise
    facts: [nvidia-tuesday-close, x, y]
  - only a text
"""


def test_every_fault_is_listed_with_its_line_in_order(tmp_path):
    path = tmp_path / "claims.yml"
    path.write_text(BROKEN, encoding="utf-8")
    needs = "a documented claim needs `because` and, unless it is unchecked, at least one id under `facts`"
    assert [fault.removeprefix(f"{path}:") for fault in ledger.faults(path)] == [
        "3: `publisher`: is empty; fill it in or remove it",
        "7: claim share-fall: `interval` must give its lower end first",
        "7: claim share-fall: `id`: the id share-fall is given to 2 claims; give each its own",
        "8: claim share-fall: `paragraph`: must be a whole number, without quotes",
        "11: claim share-fall: `stated`: '17.5' is not an unsigned number as printed in language 'de'",
        "16: claim share-fall: `reading`: the field is missing; add it",
        f"16: claim share-fall: {needs}",
        "16: claim share-fall: `id`: the id share-fall is given to 2 claims; give each its own",
        "16: claim share-fall: `states`: the field is missing; say in English what the quote claims",
        "19: claim share-fall: `facts`: data/facts.csv has no fact 'x'; add it or correct the id",
        "19: claim share-fall: `facts`: data/facts.csv has no fact 'y'; add it or correct the id",
        "20: must hold names with values, as in `id: share-fall`",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (GOOD, None),
        (GOOD.replace("quote: nur leicht", "quote: nur: leicht"), "17: mapping values are not allowed here; put a text"),
        ("- a list\n", "1: must hold names with values"),
        ("claims: 3\n", "1: `article`: the field is missing; add it"),
        (GOOD.replace("id: share-fall", "id: [share]"), "7: claim ['share']: `id`: must be a text; put it in quotes"),
        (
            GOOD.replace("direction: fall", "interval: [a, 2.0]\n    why: x"),
            "13: claim share-fall: `interval`: must be a num",
        ),
    ],
)
def test_a_list_of_faults_begins_where_the_document_goes_wrong(tmp_path, text, fault):
    path = tmp_path / "claims.yml"
    path.write_text(text, encoding="utf-8")
    found = ledger.faults(path)
    assert found[0].startswith(f"{path}:{fault}") if fault else found == []


def test_an_override_of_the_interval_with_its_reason(load):
    book = load(GOOD.replace("direction: fall", "interval: [-20.0, -15.0]\n    why: The paper rounds to fives."))
    assert str(book.claims[0].allowed("de")) == "[-20.0, -15.0]"


def test_what_is_claimed_is_said_in_english_unless_the_quote_says_it(load):
    english = GOOD.replace("language: de", "language: en").replace("ein Minus von 17 Prozent", "fell by 17.0%")
    book = load(english.replace("    states: The share fell 17 percent.\n", "").replace('"17"', '"17.0"'))
    assert [claim.in_english for claim in book.claims] == ["fell by 17.0%", "It recovered only a little."]
    assert str(book.claims[0].allowed("en")) == "(-17.05, -16.95]"
    with pytest.raises(LedgerError, match="line 7, claim share-fall: `states`: the field is missing; say in English what"):
        load(GOOD.replace("    states: The share fell 17 percent.\n", ""))


def test_a_missing_ledger(tmp_path):
    with pytest.raises(LedgerError, match="cannot be read"):
        ledger.load(tmp_path / "claims.yml")


def test_an_unknown_claim(load):
    with pytest.raises(LedgerError, match="has no claim 'x'"):
        load(GOOD).claim("x")
