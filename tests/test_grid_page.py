"""The overview of ten thousand rows in a browser: opened at once, sorted by any column, on a phone, without script."""

import json
import re
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from test_pages import CONTRAST, RULES

from shockcheck import ledger
from shockcheck.variants import overview as overviews
from shockcheck.variants.overview import RankedRow

MANY = 10_000


def row(number: int) -> RankedRow:
    """Row `number` of the ranking: falls from 99.99 percent to 0, shares named so that text and rank differ in order."""
    found = {"kind": "computed", "stated": "17", "unit": "percent", "low": None, "high": None, "verdict": None}
    value = round(-(MANY - 1 - number) / 100, 2)
    findings = [found | {"id": "nvidia-monday-fall", "recomputed": value}]
    given = {"ticker": f"S{(number * 7) % MANY:04}", "shares": f"{(number * 3) % MANY}"}
    return RankedRow(number + 2, given, f"a folder/{number}.html" if number < 2 else None, findings)


def test_text_of_a_row_cannot_end_the_data_that_the_page_sorts():
    hostile = replace(row(0), cells={"ticker": "</script><script>document.title='caught'</script>"})
    html = overviews.page("A fall", [hostile], {}, ledger.load().article)
    assert html.count("<script") == html.count("</script>") == 2  # the data and what sorts it
    assert json.loads(re.search(r'(?s)id="rows">(.*?)</script>', html)[1])[0]["cells"][0] == hostile.cells["ticker"]


@pytest.fixture(scope="module")
def overview(tmp_path_factory):
    path = tmp_path_factory.mktemp("grid") / "index.html"
    failures = {f"row {number}": "<b>it cannot be</b>" for number in range(30)}
    rows = [row(number) for number in range(MANY)]
    html = overviews.page("A <fall>", rows, failures, ledger.load().article, 25_000, has_tables=True)
    path.write_text(html, encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, overview):
    contexts = []

    def open_page(**options: object) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(overview.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


def column(page: Page, place: int) -> list[str]:
    return page.locator(f"table.grid tbody td:nth-child({place})").all_text_contents()


def test_all_rows_are_there_and_a_hundred_of_them_in_the_document(opened):
    page = opened(viewport={"width": 360, "height": 800})
    assert page.asked == [page.url]
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert column(page, 1) == [f"{rank}" for rank in range(1, 101)]
    assert column(page, 4)[:2] == ["−99.99%", "−99.98%"]
    assert page.get_by_role("status").text_content() == "1 to 100 of 10000 rows, sorted by Rank, ascending"
    assert page.get_by_role("link", name="row 3", exact=True).get_attribute("href") == "a%20folder/1.html"
    assert page.get_by_text("10000 largest of 25000 rows").is_visible()
    assert page.locator("article.card").count() == 20
    assert page.get_by_text("10 more rows could not be built").is_visible()
    assert page.get_by_role("link", name="findings.parquet").is_visible()


def test_any_column_sorts_by_a_button_and_says_so(opened):
    page = opened()
    page.get_by_role("button", name="shares").click()
    assert column(page, 3)[:3] == ["0", "1", "2"]  # as numbers, not as text
    heads = page.locator("th[aria-sort]")
    assert heads.evaluate_all("heads => heads.map(head => [head.textContent, head.ariaSort])") == [["shares", "ascending"]]
    page.get_by_role("button", name="shares").focus()
    page.keyboard.press("Enter")
    assert column(page, 3)[:2] == ["9999", "9998"]
    page.get_by_role("button", name="percent").click()
    page.get_by_role("button", name="percent").click()
    assert column(page, 4)[0] == "0.00%"
    page.get_by_role("button", name="ticker").click()
    page.get_by_role("button", name="Next").click()
    assert column(page, 2) == [f"S{number:04}" for number in range(100, 200)]
    assert page.get_by_role("status").text_content() == "101 to 200 of 10000 rows, sorted by ticker, ascending"
    page.get_by_role("button", name="Back").click()
    assert column(page, 2)[0] == "S0000"
    assert page.get_by_role("button", name="Back").is_disabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(opened, scheme):
    page = opened(color_scheme=scheme)
    found = Axe().run(page, options=RULES if scheme == "light" else CONTRAST).response["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found] == []


def test_without_script_the_first_of_the_ranking_stand_there(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("table.grid tbody tr").count() == 100
    assert page.get_by_text("The table shows the first 100 rows.").is_visible()
    assert page.get_by_role("link", name="findings.parquet").is_visible()
    assert page.locator("table.grid button, form:visible").count() == 0
