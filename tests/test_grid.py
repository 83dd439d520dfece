"""Grids as spreadsheets save them: a run for every row that asks for one, and no other; all else is one sentence."""

import os

import pytest

from shockcheck.errors import ParameterError
from shockcheck.variants import grid


def saved(tmp_path, text):
    path = tmp_path / "grid.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n,4\n",
        "\ufeffa,b\r\n1,2\r\n,4\r\n",
        "a,b\r1,2\r,4\r",
        '"a","b"\n"1","2"\n"","4"',
        " a , b \n 1 , 2 \n , 4\n",
        "a,b\n1,2\n,4\n,\n\n , \n,,,,\n",
    ],
)
def test_every_row_that_holds_something_is_a_run(tmp_path, text):
    rows = grid.read(saved(tmp_path, text))
    assert [(row.number, row.parameters()) for row in rows] == [(2, {"a": "1", "b": "2"}), (3, {"b": "4"})]


def test_a_row_of_nothing_is_passed_over_and_the_others_keep_their_numbers(tmp_path):
    rows = grid.read(saved(tmp_path, "a,b\n,\n1,2\n\n,,\n1,2\n3\n"))
    assert [(row.number, row.fault) for row in rows] == [
        (3, None),
        (6, "it repeats row 3; remove one"),
        (7, "it has 1 cells, the first line 2; correct the row"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;b\n1;2\n", "row 1, cannot be read as a CSV table: it separates its cells by semicolons; separate them by comm"),
        ("a\tb\n1\t2\n", "row 1, cannot be read as a CSV table: it separates its cells by tabs"),
        ("sep=;\na;b\n1;2\n", "row 1, cannot be read as a CSV table: it names a separator for a spreadsheet; remove this"),
        ("a,b\n1,2\n".encode("utf-16"), "grid.csv cannot be read as a CSV table: it is in UTF-16; save it in UTF-8"),
        ("a,b\nä,2\n".encode("cp1252"), "row 2, cannot be read as a CSV table: it holds the byte 0xE4, which is not UTF-8"),
        ('a,b\n"1,2\n', "row 2, cannot be read as a CSV table: it opens a quotation mark that is never closed"),
        ("a,,\n1,,\n", "needs a first line with a parameter's name a column, each once, and rows below it"),
        ("a,b\n,\n\n", "needs a first line with a parameter's name a column, each once, and rows below it"),
        ("", "needs a first line"),
    ],
)
def test_a_file_that_is_no_grid(tmp_path, text, message):
    with pytest.raises(ParameterError) as raised:
        grid.read(saved(tmp_path, text))
    assert message in str(raised.value)


def test_a_cell_with_a_line_break_is_a_fault_of_its_row(tmp_path):
    first, second = grid.read(saved(tmp_path, 'a,b\n"1\n2",3\n1,2\n'))
    assert first.fault.startswith("the cell has a line break; write it in one line")
    assert second.fault is None


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_not_waited_for(tmp_path, make):
    make(tmp_path / "grid.csv")
    with pytest.raises(ParameterError, match=r"grid\.csv cannot be read \(Is .*\); correct the file or its name"):
        grid.read(tmp_path / "grid.csv")
