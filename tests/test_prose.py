"""The Markdown of notebooks as HTML: quotations of findings, pictures, and what only looks like markup."""

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shockcheck.errors import BuildError
from shockcheck.project.paths import Project
from shockcheck.report import prose

VALUES = {"loss": "$3.10 billion", "week": "<b>$6.20</b>"}
DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
LOSS = '<a href="#claim-loss">$3.10 billion</a>'


@pytest.fixture
def page(tmp_path):
    """The prose of a notebook of an empty project."""
    with Project(tmp_path).active() as project:
        project.notebooks.mkdir()
        yield prose.Prose("01-x", project.notebooks, VALUES.get, taken={"claim-loss"})


def text(written: str, page: prose.Prose, attachments: dict | None = None) -> str:
    return str(page.cell(written, 2, attachments or {})).removeprefix("<p>").removesuffix("</p>")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{{ finding(\"loss\") }} and {{finding('loss')}}", f"{LOSS} and {LOSS}"),
        ('It lost **{{ finding("loss") }}**.', f"It lost <strong>{LOSS}</strong>."),
        ('of**{{ finding("loss") }}**s', f"of<strong>{LOSS}</strong>s"),
        ('*{{ finding("loss") }}*, _{{ finding("loss") }}_', f"<em>{LOSS}</em>, <em>{LOSS}</em>"),
        ('[{{ finding("loss") }}](02-y.html)', '<a href="02-y.html">$3.10 billion</a>'),
        ('<b>{{ finding("loss") }}</b>', f"<b>{LOSS}</b>"),
        ('<div>\n{{ finding("loss") }}\n</div>', f"<div>\n{LOSS}\n</div>"),
        ('[a](b.html "{{ finding("loss") }}")', '<a href="b.html" title="$3.10 billion">a</a>'),
        ('`{{ finding("loss") }}`', '<code>{{ finding("loss") }}</code>'),
        ('```\n{{ finding("loss") }}\n```', '<pre><code>{{ finding("loss") }}\n</code></pre>'),
        ('`{{ finding("none") }}` {{ finding("loss") }}', f'<code>{{{{ finding("none") }}}}</code> {LOSS}'),
        ("```\n{{ finding(x) }}\n```", "<pre><code>{{ finding(x) }}\n</code></pre>"),
        ('## Lost {{ finding("loss") }}', f'<h2 id="Lost">Lost {LOSS}</h2>'),
        ("{{ finding('week') }}", '<a href="#claim-week">&lt;b&gt;$6.20&lt;/b&gt;</a>'),
        ("5 {{ findings }} {{ x }} {% if %} {# c #} ${{}}", "5 {{ findings }} {{ x }} {% if %} {# c #} ${{}}"),
    ],
)
def test_a_quotation_composes_with_what_stands_beside_it(page, written, shown):
    assert text(written, page) == shown


def test_in_a_table_and_without_links(page):
    assert f"<td>{LOSS}</td>" in text('| a |\n| - |\n| {{ finding("loss") }} |', page)
    page.linked = False
    assert text('**{{ finding("loss") }}**', page) == "<strong>$3.10 billion</strong>"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            '{{ finding("gain") }}',
            "01-x, cell 2 (text) quotes 'gain', which this notebook does not recompute; quote a claim",
        ),
        ("{{ finding(loss) }}", '01-x, cell 2 (text) has {{ finding(loss) }}; write {{ finding("the-claims-id") }}'),
        ('{{ finding("loss").stated }}', 'cell 2 (text) has {{ finding("loss").stated }}; write'),
    ],
)
def test_a_quotation_of_nothing_is_named_with_its_cell(page, written, message):
    with pytest.raises(BuildError, match=re.escape(message)):
        text(written, page)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("from $42.62 to **$38.42** and $5", "from $42.62 to <strong>$38.42</strong> and $5"),
        (r"$\frac{{a}}{{b}}$, $$x_1$$", r"$\frac{{a}}{{b}}$, $$x_1$$"),
        ("{%5 to 6%}", "{%5 to 6%}"),
        ("## Method {#method}", '<h2 id="Method-{#method}">Method {#method}</h2>'),
        ("the <ticker> of <Adjusted Close>", "the &lt;ticker&gt; of &lt;Adjusted Close&gt;"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("a <b onclick='x()'>b</b> <!-- c --> 2 < 3", "a <b>b</b>  2 &lt; 3"),
        ("<iframe src='https://x.org'></iframe>", "&lt;iframe src='https://x.org'&gt;&lt;/iframe&gt;"),
        ("[x](javascript:alert(1)) [y](data:text/html,x)", "<a>x</a> <a>y</a>"),
        ("H<sub>2</sub>O, <https://example.org>", 'H<sub>2</sub>O, <a href="https://example.org">https://example.org</a>'),
    ],
)
def test_what_looks_like_tex_a_template_or_a_tag_is_text(page, written, shown):
    assert text(written, page) == shown


def test_no_two_headings_have_one_id(page):
    assert re.findall('id="(.*?)"', text("# A\n\n## A\n\n## claim-loss", page)) == ["A", "A-2", "claim-loss-2"]


def test_markdown_that_a_cell_shows_has_no_html(page):
    shown = page.output("**Tag <script>x()</script>** <b>c</b> {{ finding(1) }}", "01-x, cell 3")
    assert shown == ("<p><strong>Tag &lt;script&gt;x()&lt;/script&gt;</strong> &lt;b&gt;c&lt;/b&gt; {{ finding(1) }}</p>")


def test_a_title_is_plain(page):
    assert page.title('The *fall*, {{ finding("loss") }} & `more` <b>') == "The fall, $3.10 billion & more <b>"


def test_pictures_are_embedded_and_known(page):
    (page.folder / "my pic#1.png").write_bytes(DOT)
    embedded = f"data:image/png;base64,{base64.b64encode(DOT).decode()}"
    assert text("![front](my%20pic%231.png)", page) == f'<img src="{embedded}" alt="front">'
    assert embedded in text('<img src="my%20pic%231.png" width="9">', page)
    assert [name.rpartition("/")[2] for name in page.pictures] == ["my pic#1.png"]
    attached = {"a.png": {"image/png": base64.b64encode(DOT).decode()}}
    assert embedded in text("![front](attachment:a.png)", page, attached)
    assert embedded in page.output(f"![front]({embedded})", "01-x, cell 3")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("none.png", "but "),
        ("https://example.org/a.png", "and a page loads nothing from elsewhere; save the picture beside the notebook"),
        ("//example.org/a.png", "and a page loads nothing from elsewhere"),
        ("attachment:none.png", "which is not attached to the cell"),
        ("../../outside.png", "which lies outside of the project"),
        ("data:text/html;base64,eA==", "which is none of svg, png, jpeg, gif, webp"),
        ("", "whose address is none that a page could embed"),
        ("table.csv", "which is none of svg, png, jpeg, gif, webp"),
    ],
)
def test_a_picture_that_cannot_be_embedded_is_named_with_its_cell(page, address, why):
    with pytest.raises(BuildError, match=re.escape(f"01-x, cell 2 (text) shows the picture '{address}', {why}")):
        text(f"![x]({address})", page)


def test_a_picture_with_another_scheme_and_one_that_is_missing(page):
    with pytest.raises(BuildError, match="whose address is none that a page could embed"):
        text("![x](ftp://example.org/a.png)", page)
    with pytest.raises(BuildError, match=r"none.png cannot be read \(No such file or directory\); correct its name"):
        text("![x](none.png)", page)


@given(st.text())
def test_any_text_is_html_without_script(written):
    page = prose.Prose("01-x", Path(), VALUES.get)
    try:
        shown = page.cell(written, 1, {})
    except BuildError:
        return
    assert not re.search(r"<(script|iframe|object|style|link|meta)|\son\w+=\"", shown, re.IGNORECASE)
