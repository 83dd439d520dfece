"""Sweeps on this machine: what each row gives, what is kept, and how one that ended early goes on."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from datetime import date

import duckdb
import nbformat
import pytest
from conftest import SLOW, Project, copy_to, heed_interrupts, wait_until

from shockcheck.authoring import scaffold
from shockcheck.errors import BuildError, ParameterError
from shockcheck.notebooks import execution, kernels
from shockcheck.notebooks.notebook import notebook_named
from shockcheck.project import digests
from shockcheck.project.paths import fresh_look
from shockcheck.variants import grid, journal, sweep
from shockcheck.variants.row import put

pytestmark = pytest.mark.slow

LOSS = "01-nvidia-one-day-loss"
FALL, RATE = 142.62 - 118.42, 1.0530  # the closes of 24 and 27 January 2025, and USD per EUR on the 27th
GRID = "shares_outstanding,event_date\n1e9,\n4e9,\n2e9,2025-01-26\n4e9,\n2e9,soon\n3e9\n2e9,\n"


def slow(project):
    """Let the notebook wait as long as its parameter `pause` says, and for a file that `gate` names.

    Of the article's, whose three findings by share counts these tests compute by hand.
    """
    path = project.root / f"notebooks/{LOSS}.ipynb"
    node = json.loads(path.read_text(encoding="utf-8"))
    cell = next(cell for cell in node["cells"] if "parameters" in cell["metadata"].get("tags", []))
    cell["source"] = [*cell["source"][:-1], f"{cell['source'][-1]}\n", "pause = 0.0  # seconds\n", 'gate = ""  # a file']
    later = next(cell for cell in node["cells"] if "frames.register()" in "".join(cell["source"]))
    wait = ("import os, time\n", "time.sleep(pause)\n", "while gate and not os.path.exists(gate):\n", "    time.sleep(0.1)")
    later["source"] = [*later["source"][:-1], "frames.register()\n", *wait]
    path.write_text(json.dumps(node), encoding="utf-8")


def table(project, name="findings", grid="grid"):
    """A table of the sweep, as rows by column."""
    path = project.root / f"reports/sweeps/{LOSS}-{grid}/{name}.parquet"
    read = duckdb.sql(f"SELECT * FROM '{path}'")
    return [dict(zip(read.columns, row, strict=True)) for row in read.fetchall()]


def losses(project, grid="grid"):
    rows = table(project, grid=grid)
    return {row["row"]: row["recomputed"] for row in rows if row["claim"] == "nvidia-loss-eur"}


def journal_of(project):
    [path] = (project.root / ".cache/sweep").glob("*.jsonl")
    return path


def lines(project):
    found = list((project.root / ".cache/sweep").glob("*.jsonl"))
    return found[0].read_bytes().count(b"\n") if found else 0


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep with pages, and what it said."""
    root = tmp_path_factory.mktemp("swept") / "project"
    root.mkdir()
    project = copy_to(root)
    project.keep(LOSS)
    (project.root / "grid.csv").write_text(GRID)
    arguments = ("sweep", LOSS, "--grid", str(project.root / "grid.csv"), "--pages", str(project.root / "shown"))
    return project, arguments, project.run(*arguments)


def test_each_row_gives_its_findings_or_its_fault(swept):
    project, _, done = swept
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == f"reports/sweeps/{LOSS}-grid/index.html: 7 rows, 3 done, 4 at fault\n"
    assert losses(project) == {row: round(FALL * count / RATE, 2) for row, count in ((2, 1), (3, 4), (8, 2))}
    first = table(project)[0]
    assert (first["row"], first["claim"], first["unit"], first["recomputed"]) == (2, "nvidia-monday-fall", "percent", -16.97)
    assert (first["low"], first["high"], first["shares_outstanding"], first["ticker"]) == (-18.17, -9.97, 1e9, "NVDA")
    reasons = {row["row"]: row["reason"] for row in table(project, "faults")}
    assert list(reasons) == [4, 5, 6, 7]
    assert "the sessions before and after it are 2025-01-24 and 2025-01-27" in reasons[4]
    assert reasons[5] == "it repeats row 3; remove one"
    assert "must be a date" in reasons[6]
    assert "it has 1 cells, the first line 2" in reasons[7]
    for number, reason in reasons.items():
        assert re.search(rf"error: row {number} \(.*{re.escape(reason)}", done.stderr)


def test_the_overview_ranks_the_rows_and_leads_to_their_pages(swept):
    project, _, _ = swept
    overview = project.root / f"reports/sweeps/{LOSS}-grid/index.html"
    links = re.findall(r'<a href="(\.\./[^"]+)">row (\d)</a>', overview.read_text(encoding="utf-8"))
    assert sorted(number for _, number in links) == ["2", "3", "8"]
    for link, number in links:
        html = (overview.parent / link).read_text(encoding="utf-8")
        assert f"{losses(project)[int(number)]:.2f}" in html
        assert '<a href="../reports/index.html">' in html


def test_a_second_run_does_only_what_is_missing(swept):
    project, arguments, _ = swept
    folder, pages = project.root / f"reports/sweeps/{LOSS}-grid", project.root / "shown"
    before, pages_before = files(folder), files(pages)
    kept = journal_of(project).read_bytes()
    assert kept.count(b"\n") == 3
    journal_of(project).write_bytes(kept[:-20])  # as a kill in the middle of the last line leaves it
    cut = json.loads(kept.splitlines()[-1].partition(b" ")[2])["key"][:16]
    without_page = next(stem for stem in sorted(path.stem for path in pages.iterdir()) if stem != cut)
    (pages / f"{without_page}.html").unlink()
    assert project.run(*arguments).returncode == 1
    assert lines(project) == 3 + 2  # the row cut short stays a line, and whatever is done again is added
    assert files(folder) == before
    assert files(pages) == pages_before
    now = lines(project)
    (project.root / "longer.csv").write_text("shares_outstanding\n4e9\n1e9\n")
    done = project.run("sweep", LOSS, "--grid", str(project.root / "longer.csv"))
    assert done.returncode == 0, done.stderr
    assert lines(project) == now  # the same rows in another grid
    assert [row["recomputed"] for row in table(project, grid="longer")][1::3] == [losses(project)[3], losses(project)[2]]


def test_what_is_kept_is_only_what_was_written_whole(tmp_path):
    path = tmp_path / "kept.jsonl"
    kept = journal.Journal(path)
    for key, value in (("a", 1), ("b", 2), ("a", 3)):
        kept.add(key, [{"recomputed": value}], {})
    assert [one[0]["recomputed"] for one in journal.Journal(path).findings(["b", "a"])] == [2, 3]
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"recomputed": 2', b'"recomputed": 7')[:-5])
    damaged = journal.Journal(path)
    assert "b" not in damaged  # changed by hand
    assert [one[0]["recomputed"] for one in damaged.findings(["a"])] == [1]  # the later one is cut short
    damaged.add("b", [], {})
    assert list(journal.Journal(path).findings(["b"])) == [[]]
    assert len(journal.Journal(path, anew=True)) == 0


EVERY_KIND = """
flag = True
maybe: int | None = None
ratio: float = 5
names = ["a"]
pair = (1, "b")
start = date(2001, 3, 7)
odd = float("nan")
nothing = None
Ratio = 24 * 10**9
claim = "x"
"""


def test_a_parameter_of_any_kind_has_a_column_and_reaches_the_notebook(tmp_path):
    scaffold.make(tmp_path / "project")
    path = tmp_path / "project/notebooks/01-one-day-change.ipynb"
    node = nbformat.read(path, 4)
    node.cells[1].source += EVERY_KIND
    node.cells.insert(1, nbformat.v4.new_code_cell("from datetime import date"))
    given = "(False, 7, 2.5, ['c'], (2, 'd'), date(2004, 2, 29), None, 3, 'y\u00e9z')"
    expected = f"assert (flag, maybe, ratio, names, pair, start, nothing, Ratio, claim) == {given} and odd != odd"
    node.cells.insert(3, nbformat.v4.new_code_cell(expected))
    nbformat.write(node, path)
    cells = "FALSE,7,2.5,['c'],\"(2, 'd')\",2004-02-29,None,3.0,y\u00e9z"
    rows = f"flag,maybe,ratio,names,pair,start,nothing,Ratio,claim\n{cells}\nno,,,,,,,,\n"
    (tmp_path / "grid.csv").write_text(rows, encoding="utf-8")
    done = Project(tmp_path / "project").run("sweep", path.stem, "--grid", str(tmp_path / "grid.csv"))
    assert done.stderr.count("error:") == 1, done.stderr
    assert "error: row 3 (no): flag must be True or False, not 'no'" in done.stderr
    tables = tmp_path / "project/reports/sweeps/01-one-day-change-grid"
    columns = "flag, maybe, ratio, names, pair, start, nothing, parameter_Ratio, parameter_claim, isnan(odd), recomputed"
    [row] = duckdb.sql(f"SELECT {columns} FROM '{tables}/findings.parquet'").fetchall()
    assert row == (False, 7, 2.5, '["c"]', '[2,"d"]', date(2004, 2, 29), None, 3, "y\u00e9z", True, -7.5)
    [fault] = duckdb.sql(f"SELECT row, flag, parameter_Ratio FROM '{tables}/faults.parquet'").fetchall()
    assert fault == (3, "no", "")


def test_findings_are_the_same_without_a_page(swept):
    project, arguments, _ = swept
    before = table(project)
    done = project.run(*arguments[:-2], "--anew", "--workers", "1")
    assert done.returncode == 1
    assert table(project) == before


def begun(project, *words):
    """A sweep that is under way, what it prints to be read from it."""
    own = os.environ | {"SHOCKCHECK_ROOT": str(project.root), "COLUMNS": "200"}
    command = [sys.executable, "-m", "shockcheck", *words]
    return subprocess.Popen(command, env=own, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts)


def test_a_row_that_takes_too_long_and_an_interrupt(project):
    project.keep(LOSS)
    slow(project)
    (project.root / "grid.csv").write_text("pause,shares_outstanding\n0,\n600,\n600,1e9\n")
    words = ("sweep", LOSS, "--grid", str(project.root / "grid.csv"))
    running = begun(project, *words)
    wait_until(lambda: lines(project) == 1, "the first row")
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=SLOW)
    assert running.returncode == 130, said
    assert "1 of 3 rows are done and kept, and the same command continues with the rest" in said
    done = project.run(*words, "--timeout", "2")  # of the rows that are left, both of which wait
    assert done.stdout == f"reports/sweeps/{LOSS}-grid/index.html: 3 rows, 1 done, 2 at fault\n"
    assert done.stderr.count("it took longer than 2 seconds") == 2
    assert lines(project) == 1


def test_another_sweep_meanwhile_is_refused_and_a_table_changed_meanwhile_ends_it(project):
    """No row is kept that may rest on other figures than those that it is kept by."""
    project.keep(LOSS)
    slow(project)
    gate = project.root / "gate"
    (project.root / "grid.csv").write_text(f"shares_outstanding,gate\n1e9,\n2e9,{gate}\n")
    (project.root / "other.csv").write_text("shares_outstanding\n3e9\n")
    running = begun(project, "sweep", LOSS, "--grid", str(project.root / "grid.csv"))
    wait_until(lambda: lines(project) == 1, "the first row")
    other = ("sweep", LOSS, "--grid", str(project.root / "other.csv"))
    assert f"another sweep of {LOSS} is under way in this project; run this one when" in project.fails(*other)
    project.edit("data/prices.csv", "116.7,118.42", "116.7,117.42")
    gate.touch()
    _, said = running.communicate(timeout=SLOW)
    assert running.returncode == 1
    assert "error: data/prices.csv changed during the sweep; run the same command again, for the new state" in said
    assert lines(project) == 1
    project.edit("data/prices.csv", "116.7,117.42", "116.7,118.42")
    assert project.run(*other).returncode == 0
    assert losses(project, "other") == {2: round(FALL * 3 / RATE, 2)}


def test_two_sweeps_that_keep_rows_in_one_file_at_once_each_read_their_own(tmp_path):
    path = tmp_path / "kept.jsonl"
    keepers = {name: journal.Journal(path) for name in ("a", "bcd")}
    keys = {name: [f"{name * (1 + number % 5)}{number}" for number in range(1500)] for name in keepers}

    def keep(name):
        for key in keys[name]:
            keepers[name].add(key, [{"recomputed": key}], {})

    threads = [threading.Thread(target=keep, args=(name,)) for name in keepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, kept in keepers.items():
        assert [findings[0]["recomputed"] for findings in kept.findings(keys[name])] == keys[name]
    assert len(journal.Journal(path)) == 3000
    first = keepers["a"]
    path.write_bytes(b"another text\n")
    with pytest.raises(BuildError, match="was changed or removed meanwhile; run the same command again"):
        list(first.findings(keys["a"][:1]))
    path.unlink()
    with pytest.raises(BuildError, match="was changed or removed meanwhile; run the same command again"):
        list(first.findings(keys["a"][:1]))
    path.touch()
    with pytest.raises(BuildError, match="cannot be written"):
        journal.Journal(path / "kept.jsonl")


def test_rows_of_the_last_states_alone_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "_kept_rows", lambda: tmp_path)
    others = [tmp_path / name for name in ("01-a-b-0000000000000000.jsonl", "02-a-0000000000000000.jsonl", "01-a.lock")]
    for path in others:
        path.touch()
    for number in range(1, 6):
        path = sweep.journal_path("01-a", f"{number}" * 64)
        path.touch()
        os.utime(path, (number, number))
    last = [tmp_path / f"01-a-{f'{number}' * 16}.jsonl" for number in (3, 4, 5)]
    assert set(tmp_path.iterdir()) == {*others, *last}
    assert sweep.journal_path("01-a", "3" * 64) == last[0]  # used again, and so the last
    sweep.journal_path("01-a", "6" * 64).touch()
    assert set(tmp_path.glob("01-a-[3-6]*")) == {last[0], last[2], tmp_path / f"01-a-{'6' * 16}.jsonl"}


def test_pages_go_to_any_address_and_one_that_takes_none_is_said(tmp_path):
    put("memory://sweeps", "a.html", "a page")
    assert sweep.file_names("memory://sweeps") == {"a.html"}
    assert sweep.file_names(str(tmp_path / "none")) == set()
    with pytest.raises(ParameterError, match="give --pages another"):
        put("nosuch://place", "a.html", "a page")
    with pytest.raises(ParameterError, match="give --pages another"):
        sweep.file_names("nosuch://place")


def test_rows_of_a_long_grid_are_compared_at_once(tmp_path):
    path = tmp_path / "grid.csv"
    path.write_text("a\n" + "".join(f"{number % 50_000}\n" for number in range(100_000)))
    rows = grid.read(path)
    assert [row.fault for row in rows[:50_000]] == [None] * 50_000
    assert rows[-1].fault == "it repeats row 50001; remove one"


def test_findings_alone_are_all_that_a_kernel_sends(tmp_path):
    with kernels.session():
        node = execution.run(notebook_named(LOSS), {}, findings_only=True).node
    outputs = [output for cell in node.cells for output in cell.get("outputs", [])]
    assert {kind for output in outputs for kind in output["data"]} == {"application/vnd.shockcheck.finding+json"}
    assert len(outputs) == 3


def test_a_row_that_rests_on_more_than_the_project_is_kept_as_long_as_that_stands(monkeypatch, tmp_path):
    kept = journal.Journal(tmp_path / "rows.jsonl")
    monkeypatch.setenv("OWN", "1")
    kept.add("plain", [], {})
    kept.add("rests on a variable", [], {"variable OWN": digests.digest("1")})
    kept.add("rests on who knows what", [], {"unwatched: it ran another program": "unknown"})
    assert len(kept) == 3  # in this sweep they are what they are

    def kept_now() -> set[str]:
        with fresh_look():
            again = journal.Journal(tmp_path / "rows.jsonl")
        return {key for key in ("plain", "rests on a variable", "rests on who knows what") if key in again}

    assert kept_now() == {"plain", "rests on a variable"}
    monkeypatch.setenv("OWN", "2")
    assert kept_now() == {"plain"}
