"""Tables as people save them: what is accepted is read as it was meant, and all else is one sentence with its place."""

import csv
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import ROOT
from frictionless import Field
from hypothesis import given
from hypothesis import strategies as st

from shockcheck.data import facts, tables
from shockcheck.data.schema import validation
from shockcheck.errors import DataError
from shockcheck.formats import csv_files
from shockcheck.project import digests, inputs
from shockcheck.project.paths import Project

HEADER = "symbol,date,open,high,low,close,source,status\n"
FIRST = "EXAG,2001-03-02,39.1,39.8,38.9,39.5,example-prices,confirmed\n"
SECOND = "EXAG,2001-03-05,39.4,40.3,39.2,39.9,example-prices,confirmed\n"
GOOD = HEADER + FIRST + SECOND


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """The tables of a new project, to damage in this process."""
    shutil.copytree(ROOT / "shockcheck/authoring/project/data", tmp_path / "data")
    with Project(tmp_path).active() as project:
        yield project.data


def refused(data: Path) -> str:
    """What is said of the tables where their checksums are to be renewed; none of them is."""
    before = (data / "datapackage.json").read_bytes()
    with pytest.raises(DataError) as raised:
        tables.renew_checksums()
    assert (data / "datapackage.json").read_bytes() == before
    with pytest.raises(DataError) as loaded:
        tables.load("prices")
    assert str(loaded.value) == str(raised.value)
    assert "\n" not in str(raised.value)
    return str(raised.value)


ACCEPTED = {
    "a byte order mark": GOOD.encode("utf-8-sig"),
    "Windows' line ends": GOOD.replace("\n", "\r\n").encode(),
    "an old Mac's line ends": GOOD.replace("\n", "\r").encode(),
    "line ends written twice": GOOD.replace("\n", "\r\r\n").encode(),
    "quotation marks everywhere": "".join(f'"{line}"\n'.replace(",", '","') for line in GOOD.splitlines()).encode(),
    "no line end at the end": GOOD.rstrip().encode(),
    "blank lines at the end": GOOD.encode() + b"\n\r\n  \n",
    "rows of bare commas": (HEADER + ",,,,,,,\n" + FIRST + ",,\n" + SECOND + " , ,,,,,,\n").encode(),
    "numbers that are one": GOOD.replace("39.5", "+3.95E+01").replace("39.9,", "39.90,").encode(),
}


@pytest.mark.parametrize("raw", ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_accepted_is_read_as_it_was_meant(data, raw):
    (data / "prices.csv").write_bytes(GOOD.encode())
    tables.renew_checksums()
    meant = tables.load("prices")
    (data / "prices.csv").write_bytes(raw)
    [(file, _, _)] = tables.renew_checksums()
    assert file == "prices.csv"
    pd.testing.assert_frame_equal(tables.load("prices"), meant)


def of(close: str = "39.5", day: str = "2001-03-02", opened: str = "", symbol: str = "EXAG") -> str:
    return f"{HEADER}{symbol},{day},{opened},,,{close},example-prices,confirmed\n"


NUMBER = "a number is written with a point and nothing between thousands"
DAY = "a day is written YYYY-MM-DD"
ENCODING = "not UTF-8; save the file in UTF-8"
REFUSED = {
    "semicolons": (GOOD.replace(",", ";"), "row 1: separates its cells by semicolons; separate them by commas"),
    "tabs": (GOOD.replace(",", "\t"), "row 1: separates its cells by tabs"),
    "Excel's separator": ("sep=,\n" + GOOD, "row 1: names a separator for a spreadsheet; remove this line"),
    "UTF-16": (GOOD.encode("utf-16"), "prices.csv is in UTF-16; save it in UTF-8"),
    "UTF-16 without its mark": (GOOD.encode("utf-16-le"), "row 1: holds NUL bytes, as text in UTF-16 does"),
    "a row in UTF-16": (GOOD.encode() + FIRST.encode("utf-16-le"), "row 4: holds NUL bytes"),
    "cp1252": (GOOD.replace("con", "cön", 1).encode("cp1252"), f"row 2: holds the byte 0xF6, which is {ENCODING}"),
    "a control sign": (GOOD.replace("EXAG", "EX\aAG", 1), "row 2: holds the invisible sign U.0007; remove it"),
    "nothing": ("", "prices.csv is empty; the first line must be symbol,date,open"),
    "a blank first line": ("\n" + GOOD, "prices.csv has nothing in its first line; the first line must be symbol"),
    "a title above": ("Prices\n" + GOOD, "column symbol: the first line has 'Prices' in its place"),
    "a column twice": (GOOD.replace("date", "symbol", 1), "column date: the first line has 'symbol' in its place"),
    "columns moved": (GOOD.replace("symbol,date", "date,symbol"), "column symbol: the first line has 'date' in its"),
    "a blank in the header": (GOOD.replace(",date", ", date"), "column date: the first line has ' date' in its place"),
    "a vendor's header": ("Date,Open,High,Low\n2001-03-02,1,2,1\n", "column symbol: the first line has 'Date' in its"),
    "a column less": ("symbol,date,open,high,low,close,source\n", "column status: the first line lacks it; the first"),
    "a column more": (HEADER.replace("\n", ",volume\n"), "row 1: 'volume' is one column too many; the first line"),
    "rows numbered": ("," + HEADER + "0," + FIRST, "row 1: a column without a name comes first, as pandas and R"),
    "a short row": (GOOD + "EXAG,2001-03-06\n", "row 4: the row has too few cells"),
    "a comma at the end": (HEADER + FIRST.replace("\n", ",\n"), "row 2: the row has too many cells"),
    "an open quote": (GOOD.replace("39.4", '"39.4'), "row 3: opens a quotation mark that is never closed; close it"),
    "an open quote in a long table": (HEADER + '"' + FIRST * 3000, "row 2: .* quotation mark"),
    "a quote in a quote": (GOOD.replace("39.4", '"39"4"'), "row 3: has a quotation mark inside a quoted cell; double"),
    "a line break": (GOOD.replace("EXAG", '"EX\nAG"', 1), "row 2, column symbol: the cell has a line break"),
    "two quotes that swallow a row": (
        HEADER + 'EXAG,2001-03-02,,,,39,"x,confirmed\nEXAG,2001-03-05,,,,39,x",confirmed\n',
        "row 2, column source: the cell has a line break; write it in one line, or close the quotation mark",
    ),
    "a blank at the end": (of(symbol="EXAG "), "row 2, column symbol: the cell 'EXAG ' has a blank at its beginning or"),
    "an invisible blank": (of(symbol="EXAG\u200b"), "row 2, column symbol: .* has a blank at its beginning or end"),
    "a hard blank": (of("1\u00a0037"), f"row 2, column close: Type error in the cell .*{NUMBER}"),
    "a decimal comma": (of('"39,5"'), f'row 2, column close: Type error in the cell "39,5": {NUMBER}'),
    "thousands": (of('"1,037.5"'), NUMBER),
    "thousands of Python": (of("1_037"), NUMBER),
    "thousands of Switzerland": (of("1'037"), NUMBER),
    "other digits": (of("٣"), NUMBER),
    "another minus": (of("\u22125"), NUMBER),
    "hexadecimal": (of("0x1F"), NUMBER),
    "#N/A": (of(opened="#N/A"), f"column open: Type error in the cell .#N/A.: {NUMBER}.*; leave the cell empty"),
    "NULL": (of(opened="NULL"), "leave the cell empty where there is none"),
    "NaN": (of("NaN"), NUMBER),
    "INF": (of("INF"), NUMBER),
    "too large": (of("1e400"), NUMBER),
    "TRUE": (of("TRUE"), NUMBER),
    "a German day": (of(day="27.01.2025"), f'row 2, column date: Type error in the cell "27.01.2025": {DAY}'),
    "a short day": (of(day="2025-1-27"), DAY),
    "a day of Excel": (of(day="45684"), DAY),
    "a time": (of(day="2025-01-27T00:00:00"), DAY),
    "no day": (of(day="2025-02-30"), DAY),
    "another case": (of(symbol="exag"), "row 2: symbol 'exag' is not in data/listings.csv; add it there or correct"),
    "twins": (HEADER + FIRST + "\n" + FIRST, "row 4: has the same symbol, date as row 2; remove one of the two"),
    "below a limit": (of("-37.63"), r"row 2, column close: -37.63 must be at least 0.01 \("),
    "another word": (GOOD.replace("confirmed", "sure"), "row 2, column status: 'sure' must be one of confirmed, unconf"),
    "no close": (of(""), "row 2, column close: the cell is empty; fill it in"),
}


@pytest.mark.parametrize(("saved", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_one_sentence_with_its_place(data, saved, message):
    (data / "prices.csv").write_bytes(saved if isinstance(saved, bytes) else saved.encode())
    said = refused(data)
    assert said.startswith(("data/prices.csv, ", "data/prices.csv "))
    assert re.search(message, said), said


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, "Is a directory"),
        (os.mkfifo, "Is no regular file"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
        (lambda path: path.symlink_to("nowhere.csv"), "No such file or directory"),
    ],
    ids=["a folder", "a pipe", "a link to itself", "a link to nothing"],
)
def test_what_is_no_file_is_not_waited_for(data, make, reason):
    (data / "prices.csv").unlink()
    make(data / "prices.csv")
    assert refused(data).endswith(f"data/prices.csv cannot be read ({reason}); restore it from version control")


def test_a_file_without_permission(data):
    """Run as another user where the tests run as root, whom no permission stops."""
    (data / "prices.csv").chmod(0)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(DataError, match=r"cannot be read \(Permission denied\)"):
            tables.faults()
    finally:
        os.seteuid(os.getuid())


def test_a_link_to_a_table_elsewhere_is_followed(data):
    (data / "prices.csv").rename(data.parent / "elsewhere.csv")
    (data / "prices.csv").symlink_to("../elsewhere.csv")
    assert len(tables.load("prices")) == 5
    assert tables.faults() == []


def test_a_table_is_never_loaded_without_a_look_at_its_checksum(data):
    assert tables.load("prices")["close"].iloc[0] == 39.5
    text = (data / "prices.csv").read_text(encoding="utf-8")
    (data / "prices.csv").write_text(text.replace("39.5", "39.6", 1), encoding="utf-8")
    for read in (tables.load, tables.as_written):
        with pytest.raises(
            DataError, match=r"prices.csv has not the SHA-256 in .*: somebody changed it; restore it, or acc"
        ):
            read("prices")
    tables.renew_checksums()
    assert tables.load("prices")["close"].iloc[0] == 39.6


def test_a_checksum_put_in_by_hand_lets_no_fault_through(data):
    (data / "prices.csv").write_text(of("39,5").replace("39,5", '"39,5"'), encoding="utf-8")
    describe(data, lambda table: table.update(hash=tables.checksum_now("prices")))
    with pytest.raises(DataError, match=NUMBER):
        tables.load("prices")


def test_a_table_without_a_checksum_is_accepted_by_name_alone(data):
    describe(data, lambda table: table.pop("hash"))
    with pytest.raises(DataError, match=r"prices.csv has no SHA-256 yet in .*; restore it, or accept the change"):
        tables.load("prices")
    [(file, old, _)] = tables.renew_checksums()
    assert (file, old) == ("prices.csv", "none")
    assert len(tables.load("prices")) == 5


def test_what_is_loaded_may_be_changed_without_harm(data):
    table = tables.load("prices")
    table["close"] = 0.0
    table.attrs["symbol"] = "X"
    again = tables.load("prices")
    assert again["close"].iloc[0] == 39.5
    assert again.attrs == {"table": "prices"}


@pytest.mark.parametrize("count", ["-24490000000", "0", "2.449E+10", "24490000000.5", "24,490,000,000", ""])
def test_a_share_count_that_is_none(data, count):
    row = f'EXAG,2001-03-01,"{count}",example-prices,confirmed\n'
    with (data / "shares_outstanding.csv").open("a", encoding="utf-8") as file:
        file.write(row)
    [said] = tables.faults()
    assert said.startswith("data/shares_outstanding.csv, row 2, column shares: ")
    assert re.search("must be at least 1|with all its digits|the cell is empty", said), said


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://prices.example/exag?a=1&b=2#c", True),
        ("HTTP://prices.example:8080/", True),
        ("https://prices.example/Größe", True),
        ("doi:10.1000/182", True),
        ("", True),
        ("javascript:alert(1)", False),
        ("JavaScript://x.example/%0aalert(1)", False),
        ("data:text/html,<script>1</script>", False),
        ("file:///etc/passwd", False),
        ("ftp://prices.example/", False),
        ("www.prices.example", False),
        ("//prices.example/", False),
        ("https:prices.example", False),
        ("https://", False),
        ("https://prices example/", False),
        ("https://[prices.example/", False),
        ('https://prices.example/"onclick=', False),
        ("doi:no", False),
    ],
)
def test_a_source_links_to_the_web_or_to_a_doi(data, url, good):
    text = (data / "sources.csv").read_text(encoding="utf-8").replace("https://prices.example/exag", "URL")
    quoted = '"' + url.replace('"', '""') + '"'
    (data / "sources.csv").write_text(text.replace("URL", quoted), encoding="utf-8")
    said = tables.faults()
    assert bool(said) != good, said
    if not good:
        assert said[0].startswith(f"data/sources.csv, row 2, column url: {url!r} must be an address that begins with http")


def describe(data: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change how the data package describes the prices."""
    path = data / "datapackage.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    change(next(table for table in described["resources"] if table["name"] == "prices"))
    path.write_text(json.dumps(described), encoding="utf-8")


DESCRIBED = [
    (lambda table: table.pop("path"), ", table prices: `path`: the field is missing; add it"),
    (lambda table: table.pop("schema"), ", table prices: `schema`: the field is missing; add it"),
    (lambda table: table["schema"].pop("fields"), ", table prices: `fields`: the field is missing; add it"),
    (lambda table: table["schema"]["fields"][2].pop("type"), ", table prices, column open: `type`: the field is missing"),
    (lambda table: table["schema"]["fields"].append("x"), ", table prices, column number 9: must hold names with values"),
    (lambda table: table["schema"]["fields"].pop(2), ", table prices: `fields`: the column 'open' is missing; add it, with"),
    (lambda table: table["schema"]["fields"][1].update(type="string"), "the column 'date' must have the type 'date'"),
    (
        lambda table: table["schema"]["fields"][2].update(constraints={"minimun": 1}),
        '"minimun" is not supported by type "nu',
    ),
    (
        lambda table: table["schema"]["fields"][2].update(constraints={"minimum": "x"}),
        ", table prices: a constraint of its s",
    ),
    (
        lambda table: table["schema"]["fields"][0].update(constraints={"pattern": "["}),
        ", table prices: a constraint of its s",
    ),
    (lambda table: table.pop("name"), ", table number 2: `name`: the field is missing; add it"),
    (lambda table: table.update(name="facts"), ", table facts: `name`: 'facts' is given to 2 tables; give each its own"),
    (lambda table: table.update(path="../prices.csv"), "'../prices.csv' must be the name of a file in data/, as prices.csv"),
    (lambda table: table.update(path="/etc/passwd"), "'/etc/passwd' must be the name of a file in data/"),
    (lambda table: table.update(dialect={"delimiter": ";"}), "`dialect`: a table is CSV in UTF-8, with commas"),
    (lambda table: table.update(encoding="cp1252"), "`encoding`: a table is CSV in UTF-8"),
    (lambda table: table["schema"].update(missingValues=["", "n/a"]), "`missingValues`: a table is CSV in UTF-8"),
    (lambda table: table["schema"].update(primaryKey=["x"]), "`primaryKey`: the table has no column 'x'; correct the name"),
    (
        lambda table: table["schema"]["foreignKeys"][0]["reference"].update(resource="listngs"),
        ", table prices: `foreignKeys`: there is no table 'listngs' to look into; correct the name",
    ),
]


@pytest.mark.parametrize(("change", "message"), DESCRIBED, ids=[message for _, message in DESCRIBED])
def test_a_table_that_is_not_fully_described(data, change, message):
    describe(data, change)
    with pytest.raises(DataError, match=re.escape(message)) as raised:
        tables.faults()
    assert "datapackage.json" in str(raised.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", " cannot be read (Expecting value"),
        (b"{", " cannot be read ("),
        (b"[]", " must hold names with values; restore it"),
        (b"[" * 100_000, " cannot be read ("),
        (b'{"title": "\xe4"}', " cannot be read ('utf-8' codec"),
        (b"{}", ": `title`: the field is missing; add it"),
    ],
)
def test_a_descriptor_that_is_none(data, raw, message):
    (data / "datapackage.json").write_bytes(raw)
    with pytest.raises(DataError, match=re.escape(f"datapackage.json{message}")):
        tables.package()


def test_a_descriptor_with_a_byte_order_mark_is_read(data):
    path = data / "datapackage.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert tables.faults() == []


def test_a_project_needs_its_facts_and_sources(data):
    path = data / "datapackage.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    described["resources"] = [table for table in described["resources"] if table["name"] != "facts"]
    path.write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(DataError, match=r"datapackage\.json: `resources`: there is no table 'facts'"):
        tables.package()


def test_a_file_that_nothing_describes_is_named(data):
    (data / "ibex.csv").write_text("Date,Close\n2020-03-26,1\n", encoding="utf-8")
    assert tables.undescribed() == ["ibex.csv"]


@pytest.mark.parametrize("value", ["3,5", "1_000", "nan", "inf", "1e400", "٣", "1 000"])
def test_a_fact_that_is_no_number_is_not_read_as_one(data, value):
    with (data / "facts.csv").open("a", encoding="utf-8") as file:
        file.write(f'one,a figure,"{value}",USD,2001-03-01,example-prices,confirmed\n')
    tables.renew_checksums()
    with pytest.raises(
        DataError, match=f"data/facts.csv: the value of 'one' is '{value}', not a number; write it with a po"
    ):
        facts.number("one")


def test_a_build_after_a_table_was_saved_in_another_encoding_finds_it_changed(data):
    """What tells whether a page is due looks at tables before anything else does."""
    assert inputs.rows_by_key(data / "prices.csv")[0][1]["symbol"] == "EXAG"
    (data / "prices.csv").write_bytes((data / "prices.csv").read_bytes().replace(b"EXAG", b"EX\xe4G"))
    with Project(data.parent).active():
        assert inputs.rows_by_key(data / "prices.csv") == []
    (data / "prices.csv").unlink()
    os.mkfifo(data / "prices.csv")
    assert digests.file_digest(data / "prices.csv") == "missing"


# What follows is for every table and every cell, not for those that somebody has thought of.

COLUMNS = {"text": "string", "amount": "number", "count": "integer", "day": "date", "at": "datetime"}
ENTRY = {"name": "any", "path": "any.csv", "schema": {"fields": [{"name": n, "type": kind} for n, kind in COLUMNS.items()]}}
texts = st.text(st.sampled_from("abc Ä\"',;\t\n|=-.0"), max_size=8)
rows = st.lists(
    st.tuples(
        texts,
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.integers(-(2**53) - 9, 2**53 + 9),
        st.none() | st.dates(),
        st.none() | st.datetimes().map(lambda at: at.replace(microsecond=0)),
    ),
    max_size=5,
)
DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",,,;\t|"),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
    }
)


def as_cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


ENCODINGS = st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16"])


@given(rows, DIALECTS, ENCODINGS, st.sampled_from(["", "\n", ",,,,\n"]))
def test_a_table_is_read_as_it_was_meant_or_refused(values, dialect, encoding, after):
    saved = io.StringIO(newline="")
    csv.writer(saved, **dialect).writerows([list(COLUMNS), *([as_cell(cell) for cell in row] for row in values)])
    sheet, faults = validation.read(ENTRY, (saved.getvalue() + after).encode(encoding))
    if faults:
        assert all(fault.sentence("data/any.csv").startswith("data/any.csv") for fault in faults)
        return
    read = tables._texts(sheet)
    meant = [row for row in values if any(as_cell(cell).strip() for cell in row)]
    for place, (name, kind) in enumerate(COLUMNS.items()):
        column = validation.typed(read[name], kind)
        assert [as_meant(value) for value in column] == [as_meant(row[place]) for row in meant]


def test_a_whole_number_that_could_not_be_kept_is_refused():
    """Beside an empty cell pandas keeps whole numbers as floats, and a page's script keeps all of them so."""
    raw = b'count\n""\n9007199254740992\n-9007199254740993\n'
    entry = {"name": "any", "path": "any.csv", "schema": {"fields": [{"name": "count", "type": "integer"}]}}
    _, [fault] = validation.read(entry, raw)
    assert fault.sentence("data/any.csv").startswith(
        "data/any.csv, row 4, column count: the cell -9007199254740993 is beyond 9007199254740992, above which"
    )


def as_meant(value: Any) -> Any:
    """A value of a column as it compares with that of another library."""
    if pd.isna(value):
        return None
    return pd.Timestamp(value).tz_localize(None) if isinstance(value, date) else value  # of times, too


CELLS = st.text(st.sampled_from("0123456789.,+-eE_ \u00a0٣TZ:naif/"), min_size=1, max_size=12) | st.sampled_from(
    ["2025-01-27", "2025-1-27", "0001-01-01", "9999-12-31", "2024-02-30", "2025-01-27T09:30:00Z", "2025-01-27T24:00:00Z"]
)


@given(CELLS, st.sampled_from(["number", "integer", "date", "datetime"]))
def test_a_cell_is_to_frictionless_what_it_is_to_us(cell, kind):
    if not validation.is_of(kind, cell):
        return
    value, notes = Field.from_descriptor({"name": "x", "type": kind}).read_cell(cell)
    ours = validation.typed(pd.Series([cell], dtype=str), kind)[0]
    assert not notes
    assert as_meant(ours) == as_meant(float(value) if kind == "number" else value)


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_whatever_a_file_holds_it_is_a_sheet_or_a_sentence(raw):
    try:
        sheet = csv_files.parse(raw)
    except csv_files.SheetError as error:
        assert error.message and "\n" not in error.message
        return
    assert all(any(cell.strip() for cell in row.cells) for row in sheet.rows)
