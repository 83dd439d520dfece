"""Watching: what is saved is built, and shown anew in a real browser; what the server gives, and to whom."""

import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conftest import SLOW, Project, answers, free_port, heed_interrupts, processes_of, wait_until
from playwright.sync_api import Browser, Page, expect

from shockcheck.authoring import scaffold, watch
from shockcheck.project import paths

pytestmark = pytest.mark.slow

NOTEBOOK, TABLE, LEDGER = "notebooks/01-one-day-change.ipynb", "data/prices.csv", "data/claims.yml"
POLICY = "<!DOCTYPE html><head><meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\"></head><h1>{}</h1>"
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "a" * 22 + "==",
}


class Watched(Project):
    """A new project, and the command that watches it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.port, self.output = free_port(), root.parent / "output"
        self.address = f"http://127.0.0.1:{self.port}"
        self.page = f"{self.address}/{Path(NOTEBOOK).stem}.html"

    def start(self) -> None:
        with self.output.open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "shockcheck", "watch", "--port", str(self.port)],
                env=os.environ | {"SHOCKCHECK_ROOT": str(self.root), "TMPDIR": str(self.root.parent)},
                stdout=output,
                stderr=output,
                preexec_fn=heed_interrupts,
            )
        wait_until(lambda: answers(self.page) or self.process.poll() is not None, "the first page")

    def interrupt(self) -> None:
        """End it as Ctrl-C does, and look that nothing is left."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=SLOW) == 0
        assert "Traceback" not in self.printed()
        wait_until(lambda: not processes_of(self), "the end of its processes")
        assert list(self.root.parent.glob("shockcheck-*")) == []

    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def save_title(self, text: str, by_renaming: bool = False) -> None:
        """Save the notebook with another title, in place or as editors do that write a new file and rename it."""
        path = self.root / NOTEBOOK
        node = json.loads(path.read_text(encoding="utf-8"))
        node["cells"][0]["source"] = [f"# {text}\n", *node["cells"][0]["source"][1:]]
        target = path.with_name("4913") if by_renaming else path
        target.write_text(json.dumps(node), encoding="utf-8")
        target.replace(path)

    def status(self, path: str, host: str | None = None, **headers: str) -> tuple[int, str]:
        """The status and the text that the server answers to exactly this path and these headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SLOW)
        connection.putrequest("GET", path, skip_host=True)
        for name, value in {"Host": host or f"127.0.0.1:{self.port}", **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        text = answer.read().decode() if answer.status != 101 else ""
        connection.close()
        return answer.status, text


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A new project that is watched; ended by Ctrl-C, without a complaint."""
    project = Watched(tmp_path_factory.mktemp("watched") / "project")
    scaffold.make(project.root)
    project.start()
    yield project
    project.interrupt()


@pytest.fixture
def page(watched: Watched, browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.goto(watched.page)
    yield opened
    opened.close()


def test_the_last_of_twenty_saves_at_any_distance_is_shown(watched: Watched, page: Page, browser: Browser):
    index = browser.new_page()
    index.goto(f"{watched.address}/")
    chance = random.Random(11)
    for number in range(1, 21):
        watched.save_title(f"Save {number}", by_renaming=chance.random() < 0.5)
        (watched.root / "notebooks/.#lock").write_text(f"{number}")
        if chance.random() < 0.2 or number == 20:
            expect(page.locator("h1")).to_contain_text(re.compile(rf"^Save {number}\b"))
        else:
            time.sleep(chance.uniform(0, 0.4))
    watched.edit(LEDGER, "title: An", "title: Another")
    for opened in (index, page):
        expect(opened.get_by_text("Another example of an article")).to_be_visible()
    index.close()


def test_a_fault_is_shown_on_the_page_until_a_save_mends_it(watched: Watched, page: Page):
    alert, value = page.get_by_role("alert"), page.locator(".recomputed")
    expect(value).to_contain_text("−7.500%")
    watched.edit(TABLE, "36.5,37,", "36.5,low,")
    expect(alert).to_contain_text("data/prices.csv, row 5, column close")
    expect(value).to_contain_text("−7.500%")
    watched.edit(NOTEBOOK, "frames.register()", "1 / 0")
    watched.edit(TABLE, "36.5,low,", "36.5,36.9,")
    expect(alert).to_contain_text("ZeroDivisionError")
    watched.edit(NOTEBOOK, "1 / 0", "frames.register()")
    expect(value).to_contain_text("−7.750%")
    expect(alert).to_have_count(0)
    assert "data/prices.csv: sha256:" in watched.printed()


def test_a_page_with_a_policy_on_scripts_of_its_own_is_shown_anew_as_well(watched: Watched, page: Page):
    path = watched.root / "reports/policy.html"
    path.write_text(POLICY.format("before"))
    page.goto(f"{watched.address}/policy.html")
    expect(page.locator("h1")).to_have_text("before")
    path.write_text(POLICY.format("after"))
    os.utime(watched.root / LEDGER)
    expect(page.locator("h1")).to_have_text("after")
    assert path.read_text() == POLICY.format("after")


def test_a_page_learns_of_the_end_in_the_middle_of_a_build_and_of_a_new_beginning(watched: Watched, page: Page):
    begun = watched.root.parent / "begun"
    line = f"from pathlib import Path; Path('{begun}').touch(); import time; time.sleep(600)"
    watched.edit(NOTEBOOK, "frames.register()", line)
    wait_until(begun.exists, "the build")
    watched.interrupt()
    expect(page.get_by_role("alert")).to_contain_text("make watch has ended")
    watched.edit(NOTEBOOK, line, "frames.register()")
    watched.save_title("Saved meanwhile")
    watched.start()
    expect(page.locator("h1")).to_contain_text("Saved meanwhile")
    assert f"port {watched.port} cannot be used (Address already in use)" in watched.fails(
        "watch", "--port", f"{watched.port}"
    )


def test_only_what_lies_in_the_folder_is_served(watched: Watched):
    reports = watched.root / "reports"
    (reports / "folder").mkdir()
    (reports / "folder/index.html").write_text("a page")
    (reports / "inside.html").symlink_to(reports / "folder/index.html")
    (reports / "out.html").symlink_to(watched.root / LEDGER)
    (reports / "out").symlink_to(watched.root / "data")
    (reports / ".hidden.html").write_text("a secret")
    (reports / "hidden.html").symlink_to(reports / ".hidden.html")
    for path in ("/folder/", "/folder/index.html", "/inside.html", "/%66older/"):
        status, text = watched.status(path)
        assert status == 200 and text.startswith("a page"), path
    assert watched.status("/folder")[0] == 302
    for path in (
        *("/../data/claims.yml", "/%2e%2e/data/claims.yml", "/..%2fdata%2fclaims.yml", "/folder/../../data/claims.yml"),
        *(f"/{watched.root}/{LEDGER}", f"/%2F{watched.root}/{LEDGER}", "/out.html", "/out/claims.yml", "/out"),
        *("/.hidden.html", "/hidden.html", "/folder/.watch", "/./.hidden.html"),
    ):
        status, text = watched.status(path)
        assert status == 403 and "Only what lies in the report&#x27;s folder is served" in text, path
    (reports / "circle.html").symlink_to(reports / "circle.html")
    os.mkfifo(reports / "pipe.html")
    for path in ("/none.html", "/circle.html", "/pipe.html", "/%00", f"/{'x' * 300}.html", "/folder/none/"):
        status, text = watched.status(path)
        assert status == 404 and "There is no such page" in text, path


def test_only_browsers_of_this_machine_are_answered(watched: Watched):
    port, sentence = watched.port, f"open http://127.0.0.1:{watched.port}/ there"
    own, other = f"http://localhost:{port}", f"http://localhost:{port - 1}"
    for host in ("localhost", "LOCALHOST", "127.0.0.1"):
        assert watched.status("/", f"{host}:{port}")[0] == 200
        assert watched.status("/.watch", f"{host}:{port}", Origin=own, **UPGRADE)[0] == 101
    for host in (
        "rebound.example",
        f"rebound.example:{port}",
        f"127.0.0.1.rebound.example:{port}",
        "127.0.0.1",
        "localhost:80",
    ):
        for path, headers in (("/", {}), ("/.watch", UPGRADE)):
            status, text = watched.status(path, host, **headers)
            assert status == 403 and sentence in text
    for origin in ("http://rebound.example", f"http://rebound.example:{port}", "null", other, f"https://localhost:{port}"):
        for path, headers in (("/findings.json", {}), ("/.watch", UPGRADE)):
            status, text = watched.status(path, Origin=origin, **headers)
            assert status == 403 and sentence in text
    listening = [one.laddr.ip for one in psutil.Process(watched.process.pid).net_connections() if one.status == "LISTEN"]
    assert listening == ["127.0.0.1"]


def test_a_save_is_told_from_what_programs_put_beside_a_file(tmp_path, monkeypatch):
    folder, elsewhere = tmp_path / "data", tmp_path / "elsewhere.csv"
    monkeypatch.setattr(watch, "PACKAGE", tmp_path / "package")
    for name in ("", ".ipynb_checkpoints", "__pycache__"):
        (folder / name).mkdir()

    def files() -> watch.Files:
        with paths.Project(tmp_path).active():
            return watch.files()

    file, linked = folder / "prices.csv", folder / "linked.csv"
    for path in (file, elsewhere):
        path.write_text("a")
    linked.symlink_to(elsewhere)
    year = folder / "2025/prices.csv"
    year.parent.mkdir()
    year.write_text("a")
    before = files()
    assert set(before) == {file, linked, year}
    for name in (
        *("4913", ".prices.csv.swp", "prices.csv~", ".#prices.csv", "#prices.csv#", ".~lock.prices.csv#", "~$prices.csv"),
        *(".prices.csv.x1.partial", ".ipynb_checkpoints/prices.csv", "__pycache__/x.cpython-311.pyc", ".DS_Store", "x.tmp"),
    ):
        (folder / name).write_text("b")
    (folder / "dangling.csv").symlink_to(tmp_path / "none")
    assert files() == before
    (folder / "4913").replace(file)
    renamed = files()
    assert renamed != before
    elsewhere.write_text("another text")
    assert files() != renamed
    file.unlink()
    assert set(files()) == {linked, year}
