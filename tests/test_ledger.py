"""The ledger's faults: each names the entry's line and id, and what is wrong with it."""

import os
from pathlib import Path

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
        "11: claim share-fall: `stated`: '17.5' is not an unsigned number as printed in language 'de'; a point marks no "
        "decimals in this language: write '17,5'",
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


QUOTE, DATE = "quote: nur leicht", "date: 2001-02-03"
SAVED = {
    "a byte order mark": (GOOD.encode("utf-8-sig"), None),
    "Windows' line ends": (GOOD.replace("\n", "\r\n").encode(), None),
    "an old Mac's line ends": (GOOD.replace("\n", "\r").encode(), None),
    "a line of hyphens first": (b"---\n" + GOOD.encode(), None),
    "an anchor": (GOOD.replace(QUOTE, "quote: &a nur leicht").replace("One report says so.", "*a").encode(), None),
    "UTF-16": (GOOD.encode("utf-16"), ":1: is in UTF-16; save it in UTF-8"),
    "UTF-16 without its mark": (GOOD.encode("utf-16-be"), ":1: holds NUL bytes, as text in UTF-16 does; save the file in"),
    "a claim in UTF-16": (GOOD.encode() + "  - id: x\n".encode("utf-16-le"), ":23: holds NUL bytes"),
    "latin-1": (GOOD.replace("nur", "für").encode("latin-1"), ":17: holds the byte 0xFC, which is not UTF-8; save the file"),
    "a control sign": (GOOD.replace("nur", "n\aur").encode(), ":17: holds the invisible sign U+0007; remove it"),
    "a control sign in disguise": (
        GOOD.replace(QUOTE, r'quote: "n\0ur"').encode(),
        ":17: claim share-slight: `quote`: holds an invisible control sign; remove it",
    ),
    "a tab": (
        GOOD.replace("    " + QUOTE, "\t" + QUOTE).encode(),
        ":17: found character '\\t' that cannot start any token; ",
    ),
    "a hard blank": (
        GOOD.replace("    " + QUOTE, "\u00a0   " + QUOTE).encode(),
        ":17: begins with the invisible sign U+00A0",
    ),
    "a key twice": (GOOD.replace(QUOTE, f"{QUOTE}\n    {QUOTE}").encode(), ":18: found duplicate key"),
    "two documents": (GOOD.encode() + b"---\na: 1\n", ":23: but found another document; put everything into one"),
    "a time": (GOOD.replace(DATE, f"{DATE} 10:00:00").encode(), ":4: `date`: must be a day written YYYY-MM-DD"),
    "a quoted day": (GOOD.replace(DATE, 'date: "2001-02-03"').encode(), ":4: `date`: must be a day written YYYY-MM-DD"),
    "a German day": (GOOD.replace(DATE, "date: 03.02.2001").encode(), ":4: `date`: must be a day written YYYY-MM-DD"),
    "no day": (GOOD.replace(DATE, "date: 2001-02-30").encode(), ":4: '2001-02-30' is no value (day is out of range for mo"),
    "no": (GOOD.replace("language: de", "language: no").encode(), ":5: `language`: must be 'de' or 'en'"),
    "nothing": (b"", ":1: is empty; fill it in"),
    "a comment": (b"# so\n", ":1: is empty; fill it in"),
    "a list": (b"- a\n", ":1: must hold names with values, not a list or a text"),
    "deep nesting": (b"a: " + b"[" * 1000, ":1: is nested too deeply"),
    "a number for a name": (
        GOOD.replace("  publisher", "  1: a\n  publisher").encode(),
        ":3: the name of a field must be a",
    ),
    "half an interval": (
        GOOD.replace("direction: fall", "interval: [1.0]\n    why: x").encode(),
        "`interval`: holds too few",
    ),
    "no interval": (GOOD.replace("direction: fall", "interval: [.nan, 1.0]\n    why: x").encode(), "must hold two numbers"),
    "a script": (
        GOOD.replace("  date", "  url: javascript:alert(1)\n  date").encode(),
        ":4: `url`: 'javascript:alert(1)' m",
    ),
    "a part of what": (
        GOOD.replace('stated: "17"', "stated: ein Viertel").encode(),
        ":11: claim share-fall: `stated`: 'ein Viertel' may be of one percent or of the whole; write '0,25' or '25'",
    ),
}


@pytest.mark.parametrize(
    ("raw", "fault"),
    [pytest.param(*case, id=name, marks=[pytest.mark.slow] * (name == "deep nesting")) for name, case in SAVED.items()],
)
def test_however_it_was_saved_the_list_of_faults_and_the_build_say_the_same(tmp_path, raw, fault):
    path = tmp_path / "claims.yml"
    path.write_bytes(raw)
    found = ledger.faults(path)
    if fault is None:
        assert found == []
        assert len(ledger.load(path).claims) == 2
        return
    assert fault in found[0], found
    with pytest.raises(LedgerError) as raised:
        ledger.load(path)
    assert "\n" not in found[0] + str(raised.value)
    assert str(path) in str(raised.value)
    assert found[0].rpartition(": ")[2] in str(raised.value)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_ledger_that_is_no_file_is_not_waited_for(tmp_path, make):
    make(tmp_path / "claims.yml")
    with pytest.raises(LedgerError, match=r"claims.yml cannot be read \(Is "):
        ledger.load(tmp_path / "claims.yml")


def test_a_missing_ledger(tmp_path):
    with pytest.raises(LedgerError, match="cannot be read"):
        ledger.load(tmp_path / "claims.yml")


def test_an_unknown_claim(load):
    with pytest.raises(LedgerError, match="has no claim 'x'"):
        load(GOOD).claim("x")
