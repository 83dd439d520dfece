"""What a page was made from is noticed, however cells read it; what cannot be noticed builds the page every time."""

import json
import re

import pytest
from conftest import Project
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from shockcheck.project import inputs, paths

pytestmark = pytest.mark.slow

STANDS = "stands; nothing that it depends on has changed"
OWN = "own.txt"
PROGRAM = "it ran another program, and what that reads cannot be seen"
# Ways to read own.txt in notebooks/ (or what else the reason names), and why the page is built again when that has changed.
WAYS = {
    "open": ("print(open('own.txt').read())", "notebooks/own.txt changed"),
    "os-open": ("import os; print(os.read(os.open('own.txt', os.O_RDONLY), 9))", "notebooks/own.txt changed"),
    "mmap": (
        "import mmap; file = open('own.txt'); print(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)[:])",
        "notebooks/own.txt changed",
    ),
    "pandas": ("import pandas as pd; print(pd.read_csv('own.txt'))", "notebooks/own.txt changed"),
    "numpy": ("import numpy as np; print(np.fromfile('own.txt', dtype='u1'))", "notebooks/own.txt changed"),
    "address": (
        "import pathlib, urllib.request as u; print(u.urlopen(pathlib.Path('own.txt').resolve().as_uri()).read())",
        "notebooks/own.txt changed",
    ),
    "thread": (
        "import threading; t = threading.Thread(target=lambda: print(open('own.txt').read())); t.start(); t.join()",
        "notebooks/own.txt changed",
    ),
    "fork": (
        "import os; child = os.fork()\nif not child:\n    open('own.txt').read(); os._exit(0)\nos.waitpid(child, 0)",
        "notebooks/own.txt changed",
    ),
    "elsewhere": ("print(open('../../outside.txt').read())", "outside.txt changed"),
    "missing": (
        "from contextlib import suppress\nwith suppress(OSError):\n    open('later.txt')",
        "notebooks/later.txt changed",
    ),
    "module": ("import helper; print(helper.VALUE)", "notebooks/helper.py changed"),
    "size": ("import os; print(os.path.getsize('own.txt'))", "notebooks/own.txt changed"),
    "append": (
        "with open('own.txt', 'a'):\n    pass\nprint(open('own.txt').read())",
        "notebooks/own.txt changed",
    ),
    "database": (
        "import sqlite3; sqlite3.connect('file:own.db?mode=rwc', uri=True).close()",
        "notebooks/own.db changed",
    ),
    "optional": (
        "try:\n    import extra\nexcept ImportError:\n    print('none')",
        "notebooks/extra.py changed",
    ),
    "package": ("from helpers.inner import VALUE; print(VALUE)", "notebooks/helpers/inner.py changed"),
    "table": ("import pandas as pd; print(len(pd.read_csv('../data/closes.csv')))", "data/closes.csv changed"),
    "listing": ("import os; print(len(os.listdir('../data')))", "names in data changed"),
    "glob": ("import glob; print(len(glob.glob('*.txt')))", "names in notebooks changed"),
    "presence": ("import pathlib; print(pathlib.Path('later.txt').exists())", "notebooks/later.txt changed"),
    "variable": ("import os; print(os.environ.get('OWN'))", "variable OWN changed"),
    "own-output": ("open('../made.txt', 'w').write('x'); print(open('../made.txt').read())", STANDS),
    "nothing": ("import json, collections; print(1)", STANDS),
    "subprocess": (
        "import subprocess; subprocess.run(['true'])",
        "it ran another program, and what that reads cannot be seen",
    ),
    "system": ("import os; os.system('true')", "it ran another program, and what that reads cannot be seen"),
    "duckdb": ("import duckdb", "it loaded duckdb, which may read files without Python's knowledge"),
    "network": (
        "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9))\nexcept OSError:\n    pass",
        "it asked another computer or process over the network",
    ),
}


def why(project: Project, **environment: str) -> dict[str, str]:
    done = project.run("report", "--why", "--workers", "3", **environment)
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"(?m)^reports/\d\d-([\w-]+)\.html: (.+)$", done.stdout))


def test_whatever_a_cell_reads_builds_its_page_again_when_it_changes(small):
    for number, (name, (code, _)) in enumerate(WAYS.items(), start=10):
        small.add_notebook(f"{number}-{name}", code)
    folder = small.root / "notebooks"
    (folder / "helpers").mkdir()
    (folder / "helpers/__init__.py").touch()
    files = [folder / OWN, folder / "helper.py", folder / "helpers/inner.py", small.root.parent / "outside.txt"]
    for file in [*files, folder / "own.db"]:
        file.write_text("VALUE = 1\n")
    why(small, OWN="1")
    always = {name: reason for name, (_, reason) in WAYS.items() if reason.startswith("it ")}
    standing = {name: STANDS for name in WAYS if name not in always}
    assert why(small, OWN="1") == {"one-day-change": STANDS} | standing | always
    for file in [*files, folder / "later.txt", folder / "extra.py", folder / "own.db"]:
        file.write_text("VALUE = 2\n")
    with (small.root / "data/closes.csv").open("a") as closes:
        closes.write("EXAG,2001-03-06,10,example-prices\n")
    (small.root / "data/notes.md").touch()
    assert small.run("checksums").returncode == 0
    reasons = why(small, OWN="2")
    assert reasons.pop("one-day-change") == STANDS
    assert reasons.pop("elsewhere").endswith("/outside.txt changed")
    assert reasons == {name: reason for name, (_, reason) in WAYS.items() if name != "elsewhere"}


def test_the_index_follows_a_page_that_was_built_alone(small):
    path = small.root / "notebooks/01-one-day-change.ipynb"
    node = json.loads(path.read_text(encoding="utf-8"))
    check = next(cell for cell in node["cells"] if "check(" in "".join(cell["source"]))
    plain, swapped = "(after, before.close)", "(*((before, after.close) if helper.SWAPPED else (after, before.close)))"
    check["source"] = "import helper\n" + "".join(check["source"]).replace(plain, swapped)
    path.write_text(json.dumps(node), encoding="utf-8")
    module = small.root / "notebooks/helper.py"
    module.write_text("SWAPPED = False\n")
    assert small.run("report").returncode == 0
    module.write_text("SWAPPED = True\n")
    assert small.run("report", "--only", "01-one-day-change").returncode == 0
    assert "1 claim, 1 off" in small.run("report").stdout
    assert "1 off; nothing was due" in small.run("report").stdout


def test_an_entry_of_another_page_is_none(small):
    small.add_notebook("10-more", "print(1)")
    assert small.run("report").returncode == 0
    entries = small.root / ".cache/report/en"
    for name in ("10-more", "11-gone"):
        (entries / f"{name}.json").write_bytes((entries / "01-one-day-change.json").read_bytes())
    pages = small.reports()
    assert why(small)["more"] == "it was not built before, or its record in .cache is damaged"
    assert small.reports() == pages


def test_a_page_of_a_notebook_that_is_gone_goes_too(small):
    small.add_notebook("10-more", "print(1)")
    assert small.run("report").returncode == 0
    (small.root / "reports/10-own.html").write_text("of somebody's own")
    (small.root / "notebooks/10-more.ipynb").rename(small.root / "notebooks/11-other.ipynb")
    assert small.run("report").returncode == 0
    pages = {path.name for path in (small.root / "reports").glob("*.html")}
    assert pages == {"index.html", "01-one-day-change.html", "11-other.html", "10-own.html"}


LEDGER = """\
article: {title: A, publisher: B, date: 2001-03-08, language: en}
claims:
  - id: first
    quote: lost 3.10 billion
    stated: "3"
    unit: billion USD
    reading: R
  - id: second
    quote: x
    stated: "1"
    unit: times
    reading: R
"""
OTHERWISE = [
    LEDGER.replace("- id: first\n", '- id: "first"\n'),
    LEDGER.replace("- id: first\n    quote: lost 3.10 billion\n", "- quote: lost 3.10 billion\n    id: first\n"),
    LEDGER.replace("  - id: first\n", "  -\n    id: first\n"),
    "\n".join([*LEDGER.splitlines()[1:], LEDGER.splitlines()[0]]),
    LEDGER.replace("quote: x", "quote: 'x'  # a comment").replace("\n", "\r\n"),
    LEDGER.replace('    stated: "3"', '    stated: &three "3"').replace(
        "reading: R\n  - id: second", "reading: R\n\n  - id: second"
    ),
]


@pytest.fixture
def parts(tmp_path):
    """The digests of the parts of a ledger with some text."""

    def parts_of(text: str) -> dict[str, str]:
        path = tmp_path / "claims.yml"
        path.write_bytes(text.encode())
        with paths.Project(tmp_path).active():
            return inputs.ledger_digests(path)

    return parts_of


@pytest.mark.parametrize("written", OTHERWISE)
def test_a_claim_is_the_same_however_it_is_written_and_another_once_it_says_something_else(parts, written):
    before = parts(LEDGER)
    assert set(before) == {inputs.ARTICLE, "first", "second"}
    assert parts(written) == before
    changed = parts(written.replace('"3"', '"5"'))
    assert changed != before and changed["second"] == before["second"] and changed[inputs.ARTICLE] == before[inputs.ARTICLE]
    assert parts(written.replace("title: A", "title: C"))[inputs.ARTICLE] != before[inputs.ARTICLE]


@given(st.randoms(use_true_random=False))
def test_any_layout_of_the_same_data_has_the_same_digests(tmp_path_factory, random):
    data = YAML(typ="safe", pure=True).load(LEDGER)
    data["claims"] = [dict(random.sample(list(claim.items()), len(claim))) for claim in data["claims"]]
    data = dict(random.sample(list(data.items()), len(data)))
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = random.random() < 0.5
    path, plain = (tmp_path_factory.mktemp("ledger") / name for name in ("a.yml", "b.yml"))
    yaml.dump(data, path)
    plain.write_text(LEDGER)
    with paths.Project(path.parent).active():
        assert inputs.ledger_digests(path) == inputs.ledger_digests(plain)


def test_rows_are_told_by_their_key_wherever_it_stands(monkeypatch, tmp_path):
    monkeypatch.setattr(inputs, "described_tables", lambda: {})
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("id,value\na,1\nb,2\n")
    second.write_text("value,id\n1,a\n2,b\n")
    assert inputs.rows_digest(first, "a") == inputs.rows_digest(second, "a") != inputs.rows_digest(second, "b")
    assert inputs.rows_digest(first, "c") == "missing"


def test_the_libraries_are_told_by_what_is_installed(monkeypatch, tmp_path):
    def digest_of(*names: str) -> str:
        folder = tmp_path / "-".join(names)
        for name in names:
            (folder / name).mkdir(parents=True)
        monkeypatch.setattr(inputs.sysconfig, "get_paths", lambda: {"purelib": folder, "platlib": folder})
        return inputs.libraries_digest()

    before = digest_of("pandas-3.0.0.dist-info", "pandas", "shockcheck-0.1.0.dist-info")
    assert digest_of("pandas-3.0.0.dist-info", "shockcheck-0.2.0.dist-info") == before
    assert digest_of("pandas-3.0.1.dist-info") != before
