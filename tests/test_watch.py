"""Watching: what is saved is built, and shown anew in a real browser."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import NOTEBOOKS, Project, answers, free_port, heed_interrupts, wait_until
from playwright.sync_api import Browser, expect

IMAGES = NOTEBOOKS[6]


@pytest.fixture
def watched(project: Project) -> Iterator[tuple[Project, str]]:
    """A project of one notebook that is watched, and the address of its pages; ended by Ctrl-C, without a complaint."""
    project.keep(IMAGES)
    port = free_port()
    with (project.root / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "shockcheck", "watch", "--port", str(port)],
            env=os.environ | {"SHOCKCHECK_ROOT": str(project.root)},
            stdout=said,
            stderr=said,
            preexec_fn=heed_interrupts,
        )
    address = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(f"{address}/{IMAGES}.html") or process.poll() is not None, "the first page")
    yield project, address
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0
    assert "Traceback" not in (project.root / "said").read_text()


def test_a_saved_notebook_and_a_saved_table_are_built_and_shown_anew(watched, browser: Browser):
    project, address = watched
    page = browser.new_page()
    page.goto(f"{address}/{IMAGES}.html")
    headline, card = page.locator("h1"), page.locator("#claim-janus-pro-geneval")
    expect(headline).to_contain_text("Pictures from text")
    expect(card).to_contain_text("rank 1")
    project.edit(f"notebooks/{IMAGES}.ipynb", "# Pictures from text", "# Pictures out of text")
    expect(headline).to_contain_text("Pictures out of text", timeout=30_000)
    project.edit("data/image_benchmarks.csv", "DALL-E 3,GenEval,overall,0.67", "DALL-E 3,GenEval,overall,high")
    wait_until(lambda: 'column score: Type error in the cell "high"' in said(project), "the fault of the table")
    project.edit("data/image_benchmarks.csv", "DALL-E 3,GenEval,overall,high", "DALL-E 3,GenEval,overall,0.97")
    expect(card).to_contain_text("rank 2", timeout=30_000)
    page.close()
    port = address.rpartition(":")[2]
    assert f"port {port} cannot be used (Address already in use)" in project.fails("watch", "--port", port)


def said(project: Project) -> str:
    return (project.root / "said").read_text(encoding="utf-8")
