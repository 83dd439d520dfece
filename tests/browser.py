"""A browser for the tests of what a reader sees and clicks: the system's own Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # Chromium refuses to run as root with it, as in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SLOW = 120_000  # milliseconds that a machine with much other work may take for anything; a test that passes waits for less
MISSING = "no Chromium is installed; on Debian and Ubuntu: apt-get install chromium"


def find() -> str | None:
    """The path of an installed Chromium or Chrome, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def required() -> bool:
    """Whether a missing browser is a failure: in continuous integration, where nobody reads what was skipped."""
    return os.environ.get("CI", "").lower() == "true"


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """The browser at `path`, without a window, closed at the end of the block; every wait for a page is patient."""
    expect.set_options(timeout=SLOW)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, timeout=SLOW)
        browser.on("context", lambda context: context.set_default_timeout(SLOW))
        try:
            yield browser
        finally:
            browser.close()
