"""What is said where no browser is installed: by everyday tests, and in continuous integration."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from browser import ARGUMENTS, MISSING, find
from conftest import ROOT

pytestmark = pytest.mark.slow


def without_browser(**environment: str) -> subprocess.CompletedProcess[str]:
    """The tests that need a browser, on a machine on which nothing but this Python is installed."""
    bare = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "tests/test_lab.py"],
        cwd=ROOT,
        env=bare | {"PATH": str(Path(sys.prefix) / "bin")} | environment,
        capture_output=True,
        text=True,
    )


NAMED = [
    "tests/test_lab.py::test_a_numbered_notebook_runs_from_top_to_bottom_and_shows_what_is_stored",
    "tests/test_lab.py::test_the_card_follows_the_widgets",
    MISSING,
]


def test_without_a_browser_the_tests_not_run_are_named_with_what_to_install():
    done = without_browser()
    assert done.returncode == 0, done.stdout
    _, _, summary = done.stdout.partition(" not run for want of a browser ")
    assert summary.splitlines()[1:4] == NAMED
    assert "2 skipped" in done.stdout
    assert "apt-get install chromium" in MISSING


def test_without_a_browser_continuous_integration_fails():
    done = without_browser(CI="true")
    assert done.returncode == 1, done.stdout
    _, _, summary = done.stdout.partition(" not run for want of a browser ")
    assert summary.splitlines()[1:4] == NAMED
    assert "2 errors" in done.stdout


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_any_usual_name_of_the_browser_is_found(tmp_path, monkeypatch, name):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find() is None
    (tmp_path / name).touch(0o755)
    assert find() == str(tmp_path / name)


def test_the_browser_runs_as_root_and_looks_for_nothing_on_the_network(browser):
    assert "--no-sandbox" in ARGUMENTS
    page = browser.new_page()
    page.set_content("<p>here</p>")
    assert page.inner_text("p") == "here"
    page.close()
