"""Text from outside on the pages of a small project: it is shown, and never markup; see test_markup for each place alone."""

import json
import re
from html import escape

import pytest
from playwright.sync_api import expect
from test_contradictions import made

pytestmark = pytest.mark.slow

NOTEBOOK = "01-one-day-change"
QUOTE = 'lost | **7.5%** <script>document.title="ran"</script> <!-- end of verdicts --> `x` on Wednesday'


def folded(text: str) -> str:
    return ">\n" + "\n".join(f"      {word}" for word in text.split(" "))


def test_a_quote_of_any_signs_is_one_row_of_the_readme_and_text_on_the_pages(small, browser):
    ledger = (small.root / "data/claims.yml").read_text(encoding="utf-8")
    (small.root / "data/claims.yml").write_text(
        re.sub(r"(?m)^    quote: .*$", lambda _: f"    quote: {folded(QUOTE)}", ledger)
    )
    notebook = small.root / f"notebooks/{NOTEBOOK}.ipynb"
    renamed = notebook.rename(notebook.with_name("01-50% #1 [b](c).ipynb"))
    first, again = small.run("notebooks"), small.run("notebooks")  # what is written does not grow
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert "built  reports/01-50% #1 [b](c).html" in first.stderr
    table = re.search(r"(?s)<!-- verdicts -->\n(.*?)<!-- end of verdicts -->", (small.root / "README.md").read_text())[1]
    [_, _, row] = table.strip().splitlines()
    assert row.startswith(r"| “lost \| \*\*7.5%\*\* \<script\>document.title") and "on Wednesday” |" in row
    assert row.endswith("| [01](notebooks/01-50%25%20%231%20%5Bb%5D%28c%29.ipynb) |")
    page = browser.new_page()
    page.goto((small.root / "reports/index.html").as_uri())
    expect(page.get_by_text(QUOTE)).to_be_visible()
    page.locator("td.holds a").click()
    expect(page.locator("blockquote")).to_have_text(QUOTE)
    assert page.url.endswith("reports/01-50%25%20%231%20%5Bb%5D%28c%29.html#claim-example-fall") and renamed.exists()
    assert page.title() != "ran"
    page.close()


def test_prose_and_outputs_of_a_notebook_are_shown_and_run_nothing(small, browser):
    """The page's policy runs no script but its own, even one that came past everything else."""
    path = small.root / f"notebooks/{NOTEBOOK}.ipynb"
    node = json.loads(path.read_text(encoding="utf-8"))
    node["cells"][-1]["source"] = (
        "A <b>word</b>, from $5 to **$4** {{ x }} <script>document.title='ran'</script>\n\n![p](p.png)"
    )
    shown = [
        "from IPython.display import HTML, Markdown, display",
        "display(Markdown('<i>a</i> *b*'), HTML('<i>c</i>'), days)",
    ]
    node["cells"][-3]["source"] = "\n".join([*shown, "bars = prices.daily(ticker, event_date, source)"])
    path.write_text(json.dumps(node), encoding="utf-8")
    assert f"{NOTEBOOK}, cell {len(node['cells'])} (text) shows the picture 'p.png', but notebooks/p.png cannot be read" in (
        small.run("report").stderr
    )
    (small.root / "notebooks/p.png").write_bytes(b"\x89PNG\r\n")
    done = small.run("report")
    assert done.returncode == 0, done.stderr
    file = small.root / f"reports/{NOTEBOOK}.html"
    file.write_text(file.read_text(encoding="utf-8").replace("</main>", "<script>document.title='ran'</script></main>"))
    page = browser.new_page()
    page.goto(file.as_uri())
    expect(page.locator(".text").last).to_contain_text("A word, from $5 to $4 {{ x }} <script>document.title='ran'</script>")
    expect(page.locator(".text strong").last).to_have_text("$4")
    expect(page.locator(".lead")).to_have_text("<i>a</i> b")
    expect(page.locator(".table i")).to_have_text("c")
    assert page.locator("img").get_attribute("src").startswith("data:image/png;base64,")
    assert page.title() != "ran"
    (small.root / "notebooks/p.png").write_bytes(b"\x89PNG\r\n2")
    assert "notebooks/p.png changed" in small.run("report", "--why").stdout
    page.close()


def test_a_vendors_name_is_text_on_the_page(project, stand_in):
    name = "Tag <script>document.title='ran'</script> & *Sons* [x](javascript:y)"
    closes = {"2025-01-24": 100.0, "2025-01-27": 90.0}
    stand_in.shares["EVIL"] = made(closes, first="2024-12-02", last="2025-02-28", counts={"2024-12-31": 1e9}, name=name)
    words = ("-p", "ticker=EVIL", "-p", "source=yahoo")
    done = project.run("report", "--only", "01-nvidia-one-day-loss", *words)
    assert done.returncode == 0, done.stderr
    html = (project.root / done.stdout.strip()).read_text(encoding="utf-8")
    shown = f"{escape(name, quote=False)} lost 10.00 billion USD of market value on 27 January 2025"
    assert shown in html.replace("&#39;", "'") and "<script>document" not in html
    assert not re.search(r"<em>Sons|href=\"javascript", html)
