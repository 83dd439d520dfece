"""The notebooks as a reader uses them: JupyterLab as `make lab` starts it, and a real browser."""

import copy
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, SLOW, answers, copy_to, free_port, wait_until
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.slow

QUIET = {"fetchNews": "false", "checkForUpdates": False}  # no network in tests, and no question about it on the page


@dataclass
class Lab:
    """A JupyterLab that serves a copy of the project."""

    project: Path
    address: str
    token: str
    browser: Browser

    def open(self, notebook: str) -> Page:
        """The notebook in a page of its own, its kernel ready."""
        page = self.browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{self.address}/doc/tree/{notebook}.ipynb?token={self.token}")
        expect(page.get_by_role("button", name="| Idle")).to_be_visible()
        return page


def decoy(folder: Path) -> str:
    """A kernel by the name of ours that cannot start, as a user may have one of another environment."""
    spec = folder / "kernels/python3/kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["/nonexistent/python"], "display_name": "another", "language": "python"}))
    return str(folder)


@pytest.fixture(scope="module")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """`make lab` on a copy of the project, with folders of its own, for a user who has other kernels named python3."""
    home = tmp_path_factory.mktemp("lab")
    (home / "project").mkdir()
    shutil.copy(ROOT / "Makefile", copy_to(home / "project").root)
    settings = home / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(QUIET))
    places = {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": decoy(home / "data"),
        "JUPYTER_PATH": decoy(home / "path"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    port, token = free_port(), secrets.token_hex(16)
    options = (
        f"--no-browser --allow-root --ip=127.0.0.1 --port={port} --ServerApp.port_retries=0 --IdentityProvider.token={token}"
    )
    paths = [f"PREFIX={sys.prefix}", f"BIN={sys.prefix}/bin", f"OPTIONS={options}"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            ["make", "-o", "setup", "lab", *paths],  # the environment stands: the tests run in it
            cwd=home / "project",
            env=os.environ | places,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/api") or server.poll() is not None, "JupyterLab")
        assert server.poll() is None, (home / "log").read_text()
        yield Lab(home / "project", f"http://127.0.0.1:{port}", token, browser)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=SLOW)


def choose(page: Page, menu: str, entry: str) -> None:
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def shows(page: Page, *texts: str) -> None:
    """Card and chart come to show every one of the texts."""
    for text in texts:
        expect(page.locator(".widget-vbox").first).to_contain_text(text)


def test_the_card_follows_the_widgets(lab: Lab) -> None:
    page = lab.open("explore")
    choose(page, "Run", "Run All Cells")
    page.get_by_label("The article says").wait_for()
    shows(page, "With the article's inputs", "holds", "−16.97%", "down 16.97% on 27 January 2025")

    page.get_by_label("Day", exact=True).fill("2025-01-28")
    shows(page, "With your inputs: Day 2025-01-28 instead of 2025-01-27", "off", "+8.93%", "up 8.93%")

    page.get_by_label("Day", exact=True).fill("2025-01-26")
    shows(
        page, "event_date 2025-01-26 is no session of XNAS; the sessions before and after it are 2025-01-24 and 2025-01-27"
    )
    expect(page.locator(".widget-vbox .card")).to_have_count(0)

    page.get_by_role("button", name="Back to the article's inputs").click()
    shows(page, "With the article's inputs", "−16.97%")

    page.get_by_label("The article says").select_option(label="Training cost less than 5.7 million euros.")
    shows(page, "With the article's inputs", "holds", "€5.295\N{NO-BREAK SPACE}million")
    slider = page.get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    shows(page, "With your inputs: USD per GPU-hour 2.05 instead of 2.00", "holds", "€5.428\N{NO-BREAK SPACE}million")
    slider.press("PageUp")
    shows(page, "USD per GPU-hour 2.30 instead of 2.00", "off", "€6.090\N{NO-BREAK SPACE}million")
    page.close()


def test_a_numbered_notebook_runs_from_top_to_bottom_and_shows_what_is_stored(lab: Lab) -> None:
    name = "01-nvidia-one-day-loss"
    path = lab.project / f"notebooks/{name}.ipynb"
    stored = nbformat.read(path, 4)
    nbformat.write(without_outputs(stored), path)
    page = lab.open(name)
    choose(page, "Run", "Run All Cells")
    last = sum(cell.cell_type == "code" for cell in stored.cells)
    expect(page.locator(".jp-InputPrompt", has_text=f"[{last}]:")).to_be_attached()
    page.keyboard.press("Control+s")
    wait_until(lambda: saved(path), "the saved outputs")
    assert saved(path) == texts(stored)
    page.close()


def without_outputs(node: nbformat.NotebookNode) -> nbformat.NotebookNode:
    bare = copy.deepcopy(node)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


def saved(path: Path) -> list[str]:
    """What is stored of the outputs; nothing in the middle of a save, which JupyterLab makes in place."""
    try:
        return texts(nbformat.read(path, 4))
    except nbformat.reader.NotJSONError:
        return []


def texts(node: nbformat.NotebookNode) -> list[str]:
    """Every output as text, an error as the name of its class."""
    outputs = [output for cell in node.cells for output in cell.get("outputs", [])]
    return [output.data["text/plain"] if "data" in output else output.get("ename", output.output_type) for output in outputs]
