"""Rows of tables as quantities, reads that a build is told of, and checks that are not done twice: examples by hand."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT

from shockcheck.data import tables
from shockcheck.errors import DataError
from shockcheck.project import context, digests, paths, records
from shockcheck.project.paths import Project
from shockcheck.quantities import Cell

EMPTY_SHA256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
CLOSES = "symbol,date,close,source\nEXAG,2001-03-08,38,example-prices\n"
INTRADAY = "symbol,start,open,high,low,close,source\nEXAG,2001-03-08T08:30:00Z,37.3,38.2,37.1,38,example-prices\n"


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """The tables of a new project: five prices of the made-up share EXAG in euros."""
    shutil.copytree(ROOT / "shockcheck/authoring/project/data", tmp_path / "data")
    with Project(tmp_path).active() as project:
        yield project.data


@pytest.fixture
def reads(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a build has the reads of a notebook noted, empty."""
    log = data.parent / "reads.txt"
    log.write_text("", encoding="utf-8")
    monkeypatch.setenv(context.RUN_VARIABLE, json.dumps({"reads": str(log)}))
    return log


def save(data: Path, file: str, text: str) -> None:
    """Put a table in the place of another and accept it."""
    (data / file).write_text(text, encoding="utf-8")
    tables.renew_checksums()


def describe(data: Path, name: str, **fields: object) -> None:
    """Change how the data package describes a table."""
    path = data / "datapackage.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    next(table for table in described["resources"] if table["name"] == name).update(fields)
    path.write_text(json.dumps(described), encoding="utf-8")


def test_a_checksum_is_sha_256_as_frictionless_writes_it(data):
    assert tables.checksum(b"") == EMPTY_SHA256
    assert tables.checksum_now("prices") == tables.resource("prices")["hash"]
    (data / "prices.csv").write_bytes(b"")
    assert tables.checksum_now("prices") == EMPTY_SHA256


def test_a_table_that_nothing_describes_is_refused_with_those_that_are(data):
    with pytest.raises(DataError) as raised:
        tables.load("price")
    assert str(raised.value) == (
        "data/datapackage.json describes no table 'price'; it has closes, earnings, facts, intraday, listings, prices, "
        "record_losses, shares_outstanding, sources"
    )


def test_a_descriptor_that_is_missing_is_named(data):
    (data / "datapackage.json").unlink()
    with pytest.raises(DataError) as raised:
        tables.package()
    assert str(raised.value) == (
        "data/datapackage.json cannot be read (No such file or directory); restore it from version control"
    )


def test_a_table_is_typed_and_its_rows_are_numbered_from_zero(data):
    table = tables.load("prices")
    assert table.index.tolist() == [0, 1, 2, 3, 4]
    assert table.iloc[0].to_dict() == {
        "symbol": "EXAG",
        "date": pd.Timestamp("2001-03-02"),
        "open": 39.1,
        "high": 39.8,
        "low": 38.9,
        "close": 39.5,
        "source": "example-prices",
        "status": "confirmed",
    }


def test_a_table_as_written_is_text_by_line(data):
    table = tables.as_written("prices")
    assert table.index.tolist() == [2, 3, 4, 5, 6]
    assert table.loc[4].tolist() == ["EXAG", "2001-03-06", "39.9", "40.5", "39.6", "40", "example-prices", "confirmed"]
    assert table.dtypes.astype(str).eq(str(pd.Series(["a"], dtype=str).dtype)).all()


def test_the_build_is_told_of_a_table_that_was_read_unless_its_rows_are(data, reads):
    tables.load("prices", watched=False)
    assert reads.read_text(encoding="utf-8") == ""
    tables.load("prices")
    assert reads.read_text(encoding="utf-8") == "data/prices.csv\n"


def test_equal_tables_of_other_types_are_not_taken_for_each_other(data):
    assert str(tables.load("closes")["source"].dtype) == "str"
    described = json.loads((data / "datapackage.json").read_text(encoding="utf-8"))
    closes = next(table for table in described["resources"] if table["name"] == "closes")
    next(column for column in closes["schema"]["fields"] if column["name"] == "source")["type"] = "date"
    (data / "datapackage.json").write_text(json.dumps(described), encoding="utf-8")
    with Project(data.parent).active():
        assert tables.resource("closes")["schema"]["fields"][3]["type"] == "date"
        assert str(tables.load("closes")["source"].dtype).startswith("datetime64")


def test_a_price_is_in_the_currency_of_its_listing(data):
    closes = tables.cells(tables.load("prices"), "close")
    assert closes.tolist() == [39.5, 39.9, 40, 37, 38]
    assert closes[0].unit == "EUR"
    expected = Cell("data/prices.csv", "EXAG:2001-03-02", "close", "2001-03-02", "example-prices", "confirmed")
    assert closes[0].origin == expected


def test_a_column_of_no_table_is_refused(data):
    with pytest.raises(DataError) as raised:
        tables.cells(pd.DataFrame({"a": [1.0]}), "a")
    assert str(raised.value) == "the column 'a' is of no table of data/: take it before rows are joined with others"


def test_what_all_rows_have_in_common_may_be_said_once(data, reads):
    bars = tables.load("prices").set_index("date")[["close", "source"]].iloc[1:2]
    bars.attrs |= {"symbol": "EXAG", "currency": "GBP", "file": "another.csv", "status": "unconfirmed"}
    closes = tables.cells(bars, "close")
    assert closes.index.tolist() == [pd.Timestamp("2001-03-05")]
    assert "listings" not in reads.read_text(encoding="utf-8")  # the currency is known
    assert (closes.iloc[0], closes.iloc[0].unit) == (39.9, "GBP")
    expected = Cell("another.csv", "EXAG:2001-03-05", "close", "2001-03-05", "example-prices", "unconfirmed")
    assert closes.iloc[0].origin == expected


def test_a_row_without_a_status_is_confirmed_and_its_time_is_written_as_in_the_file(data):
    save(data, "intraday.csv", INTRADAY)
    [high] = tables.cells(tables.load("intraday"), "high")
    expected = Cell("data/intraday.csv", "EXAG:2001-03-08T08:30:00Z", "high", "2001-03-08", "example-prices", "confirmed")
    assert (high, high.origin) == (38.2, expected)


def test_the_day_of_a_row_is_that_of_its_key_or_its_column_as_of(data):
    fact = "id,quantity,value,unit,as_of,source,status\none,a figure,7,USD,2001-03-01,example-prices,unconfirmed\n"
    save(data, "facts.csv", fact)
    [value] = tables.cells(tables.load("facts"), "value")
    assert (value, value.unit) == (7, "USD")
    assert value.origin == Cell("data/facts.csv", "one", "value", "2001-03-01", "example-prices", "unconfirmed")


def test_a_row_without_a_day_is_of_the_day_that_its_source_was_published(own_project, monkeypatch):
    log = own_project.root / "reads.txt"
    monkeypatch.setenv(context.RUN_VARIABLE, json.dumps({"reads": str(log)}))
    hours = tables.load("gpu_hours").head(1)
    log.unlink()
    [figure] = tables.cells(hours, "gpu_hours")
    source = tables.as_written("sources").set_index("id")["published"]["deepseek-v3-report"]
    expected = Cell("data/gpu_hours.csv", "DeepSeek-V3:pre-training", "gpu_hours", source, "deepseek-v3-report")
    assert (figure, figure.unit, figure.origin) == (2664000, "GPU-hours", expected)
    assert source
    assert log.read_text(encoding="utf-8") == "data/sources.csv#deepseek-v3-report\n"


def test_a_source_without_a_day_gives_none(own_project):
    hours = tables.load("gpu_hours").head(2)
    hours["source"] = ["unknown", "yahoo-finance"]
    assert [figure.origin.as_of for figure in tables.cells(hours, "gpu_hours")] == ["", ""]


def test_a_row_with_a_day_needs_no_look_at_its_source(data):
    table = tables.load("prices")
    (data / "sources.csv").write_bytes(b"")
    with Project(data.parent).active():
        assert tables.cells(table, "close")[0].origin.as_of == "2001-03-02"


def test_a_column_without_a_unit_is_of_plain_numbers(data):
    schema = tables.resource("closes")["schema"]
    fields = [{key: value for key, value in field.items() if key != "unit"} for field in schema["fields"]]
    describe(data, "closes", schema=schema | {"fields": fields})
    with Project(data.parent).active():
        save(data, "closes.csv", CLOSES)
        [close] = tables.cells(tables.load("closes"), "close")
    assert (close, close.unit) == (38, "")


@pytest.mark.parametrize(
    ("text", "expected"), [("3.5", True), ("-7", True), ("3,5", False), ("2001-03-01", False), ("seven", False), ("", False)]
)
def test_a_text_is_a_number_as_tables_write_it(text, expected):
    assert tables.is_number(text) is expected


def test_no_rows_are_no_quantities(data):
    empty = tables.load("closes")
    cells = tables.cells(empty, "close")
    assert (len(cells), cells.dtype) == (0, object)


def test_a_cell_that_is_empty_is_a_quantity_without_a_number(data):
    save(data, "prices.csv", (data / "prices.csv").read_text(encoding="utf-8").replace("39.1,39.8,38.9,39.5", ",,,39.5"))
    opens = tables.cells(tables.load("prices"), "open")
    assert pd.isna(opens[0])
    assert (opens[0].unit, opens[0].origin.row) == ("EUR", "EXAG:2001-03-02")


def test_a_change_while_prices_were_updated_is_told_from_one_by_hand(data):
    (data / "prices.csv").write_bytes(b"")
    with Project(data.parent).active() as project:
        project.prices_update.write_text("[]", encoding="utf-8")
        with pytest.raises(DataError) as raised:
            tables.load("prices")
    assert str(raised.value) == ("data/prices.csv: `prices update` was cut short; run it again, and it goes on from there")


def test_a_change_that_nobody_accepted_is_told_with_the_way_out(data):
    (data / "closes.csv").write_text(CLOSES, encoding="utf-8")
    ways_out = "in data/datapackage.json: somebody changed it; restore it, or accept the change with `make checksums`"
    with pytest.raises(DataError) as raised:
        tables.load("closes")
    assert str(raised.value) == f"data/closes.csv has not the SHA-256 {ways_out}"
    describe(data, "closes", hash="")
    with pytest.raises(DataError) as raised:
        tables.load("closes")
    assert str(raised.value) == f"data/closes.csv has no SHA-256 yet {ways_out}"


def test_of_several_faults_those_of_the_asked_table_come_first(data):
    for file in ("closes.csv", "prices.csv"):
        (data / file).write_bytes(b"")
    of = [sentence.partition(" ")[0] for sentence in tables.faults()]
    assert of == ["data/prices.csv", "data/closes.csv"]  # as the data package has them
    assert [sentence.partition(" ")[0] for sentence in tables.faults(only="closes")] == of[::-1]
    with pytest.raises(DataError, match=r"^data/closes\.csv is empty"):
        tables.load("closes")


def test_only_the_rules_of_the_asked_table_are_looked_at(data):
    save(data, "closes.csv", CLOSES)
    (data / "closes.csv").write_text(CLOSES.replace("EXAG", "NONE"), encoding="utf-8")
    assert tables.faults(only="prices") == []
    assert len(tables.faults()) == len(tables.faults(only="closes")) == 1


def test_a_rule_that_cannot_be_applied_is_a_fault_of_the_descriptor(data):
    fields = tables.resource("prices")["schema"]
    described = json.loads(json.dumps(fields))
    described["fields"][2]["constraints"] = {"minimum": "x"}
    describe(data, "prices", schema=described)
    with pytest.raises(DataError) as raised:
        tables.faults()
    assert str(raised.value).startswith("data/datapackage.json, table prices: a constraint of its schema")
    assert str(raised.value).endswith("; correct it or restore it from version control")


def test_tables_that_were_found_right_are_not_looked_at_again(data, monkeypatch):
    tables.check()
    record = records.load(paths.current_project().records / "tables.json")
    assert (record.inputs["data/closes.csv"], record.outputs) == (digests.file_digest(data / "closes.csv"), {})
    with monkeypatch.context() as patch:
        patch.setattr(tables, "faults", lambda only=None: ["looked"])
        tables.check()  # nothing has changed
    save(data, "closes.csv", CLOSES)
    with Project(data.parent).active(), monkeypatch.context() as patch:
        patch.setattr(tables, "faults", lambda only=None: ["looked"])
        for _ in range(2):  # what was found wrong is looked at again
            with pytest.raises(DataError, match=r"^looked$"):
                tables.check()


def test_a_check_begins_with_the_checksums(data):
    tables.check()
    (data / "closes.csv").write_text(CLOSES, encoding="utf-8")
    with Project(data.parent).active(), pytest.raises(DataError, match=r"^data/closes\.csv has not the SHA-256 in "):
        tables.check()


def test_files_that_nothing_describes_are_listed_by_name(data):
    for name in ("b.csv", "a.csv", "notes.txt"):
        (data / name).write_text("", encoding="utf-8")
    assert tables.undescribed() == ["a.csv", "b.csv"]


def test_new_checksums_are_told_and_written_in_the_order_of_the_descriptor(data):
    before = {name: tables.resource(name)["hash"] for name in ("closes", "intraday")}
    (data / "intraday.csv").write_text(INTRADAY, encoding="utf-8")
    (data / "closes.csv").write_text(CLOSES, encoding="utf-8")
    changes = tables.renew_checksums()
    assert changes == [
        (f"{name}.csv", before[name], tables.checksum((data / f"{name}.csv").read_bytes()))
        for name in ("closes", "intraday")
    ]
    text = (data / "datapackage.json").read_text(encoding="utf-8")
    described = json.loads(text)
    assert text == json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    hashes = {table["name"]: table["hash"] for table in described["resources"]}
    assert hashes["closes"] == changes[0][2] != before["closes"]


def test_where_no_checksum_is_new_nothing_is_written(data):
    path = data / "datapackage.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    before = path.read_bytes()
    assert tables.renew_checksums() == []
    assert path.read_bytes() == before


def test_a_title_with_an_umlaut_stays_as_it_is(data):
    describe(data, "closes", title="Schlusskurse für später")
    save(data, "closes.csv", CLOSES)
    assert "Schlusskurse für später" in (data / "datapackage.json").read_text(encoding="utf-8")


def test_a_descriptor_that_was_read_is_not_changed_by_new_checksums(data):
    described = tables.package()
    save(data, "closes.csv", CLOSES)
    assert tables.load("closes")["close"].tolist() == [38]
    assert next(table for table in described["resources"] if table["name"] == "closes")["hash"] != tables.checksum_now(
        "closes"
    )
