"""Embedded prices against a vendor's: when two are one price, and that all that differs is written or nothing."""

import json
import os
import shutil
import signal

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from shockcheck.audit import price_check
from shockcheck.data import tables
from shockcheck.errors import BuildError, DataError
from shockcheck.project.paths import Project, current_project


@pytest.mark.parametrize(
    ("embedded", "value", "same"),
    [
        ("40", 40.4, False), ("37", 37.4, False), ("40", 40.0, True), ("40.50", 40.5, True), ("9185", 9185.001, True),
        ("9185", 9186.0, False), ("118.42", 118.41999816894531, True), ("118.42", 118.43, False), ("6012.28", 6012.28, True),
    ],
)  # fmt: skip
def test_two_prices_are_one_by_the_digits_that_the_vendor_carries(embedded, value, same):
    assert price_check.is_same_price(float(embedded), value) is same


@given(st.decimals("0.01", "99999", places=2))
def test_a_price_is_itself_with_a_vendors_noise(price):
    assert price_check.is_same_price(float(price), float(f"{float(price) * (1 + 4e-8):.9g}"))


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(118.5, 2, "118.50"), (40.0, 2, "40.00"), (40.4, 0, "40.4"), (9400.0, 0, "9400"), (12345678.0, 0, "12345680"),
     (118.41999816894531, 2, "118.42"), (0.0123456789, 2, "0.01234568")],
)  # fmt: skip
def test_the_vendors_price_keeps_the_decimal_places_of_its_column(value, decimals, text):
    assert price_check.price_text(value, decimals) == text


@pytest.fixture
def data(tmp_path):
    """A copy of the tables that is written to in place of the project's."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    with Project(tmp_path).active() as project:
        yield project.data


NEW = {"prices.csv": "new prices\n", "closes.csv": "new closes\n", "datapackage.json": "{}\n"}


def contents(folder):
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


@pytest.mark.parametrize("writes", range(5))
def test_an_update_that_is_killed_goes_on_from_where_it_was(data, writes):
    """It is killed before its journal is written, and after that and each of the files."""
    before = contents(data)
    child = os.fork()
    if child == 0:
        write = price_check.write_whole

        def write_or_die(path, text, done=[]):  # noqa: B006 - what it has written, from call to call
            if len(done) == writes:
                os.kill(os.getpid(), signal.SIGKILL)
            write(path, text)
            done.append(path)

        price_check.write_whole = write_or_die
        price_check.write_all(NEW)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (-signal.SIGKILL if writes < 4 else 0)
    assert price_check.finish() is (1 <= writes < 4)
    assert contents(data) == (before | NEW if writes else before)
    assert price_check.finish() is False


def test_a_file_that_was_changed_since_is_not_written_over(data):
    update = {name: {"before": "another", "text": text} for name, text in NEW.items()}
    current_project().prices_update.write_text(json.dumps(update))
    before = contents(data)
    with pytest.raises(DataError, match=r"prices.csv was changed since an update was cut short; remove .*\.prices-up"):
        price_check.finish()
    assert contents(data) == before
    with pytest.raises(DataError, match="an update was cut short; run `prices update`, which goes on with it"):
        price_check.compare()


def test_a_file_that_cannot_be_written_leaves_all_as_they_were(data, monkeypatch):
    before = contents(data)
    write = price_check.write_whole

    def full(path, text):
        if path.name == "closes.csv" and text == NEW["closes.csv"]:
            raise OSError(28, "No space left on device")
        write(path, text)

    monkeypatch.setattr(price_check, "write_whole", full)
    with pytest.raises(BuildError, match=r"data/ cannot be written \(No space left on device\)"):
        price_check.write_all(NEW)
    assert contents(data) == before


def test_a_table_that_is_half_updated_is_said_to_be(data):
    current_project().prices_update.write_text("{}")
    with (data / "prices.csv").open("a", encoding="utf-8") as file:
        file.write("half a row")
    message = r"^data/prices\.csv: `prices update` was cut short; run it again, and it goes on from there$"
    with pytest.raises(DataError, match=message):
        tables.load("prices")
