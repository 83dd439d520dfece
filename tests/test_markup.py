"""Text from outside stays text: in Markdown, in a script, as a link, in the README's table."""

import html
import json
import re

import mistune
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mistune.plugins import import_plugin

from shockcheck import markup

RENDERED = mistune.create_markdown(escape=False, plugins=[import_plugin(name) for name in ("strikethrough", "table", "url")])
HOSTILE = "Tag <script>document.title='ran'</script> & *Sons* [x](javascript:y) `z` | $5 ~~a~~ https://x.org"


def seen(rendered: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", rendered.removeprefix("<p>").removesuffix("</p>\n"))).strip()


TEXTS = [
    *(HOSTILE, "1. Example", "# Example", "- Example", "+ Example", "2) Example", "=====", "--- x", "&lt;b&gt;", "a\\*b"),
    *("![i](j)", "<!-- end of verdicts -->", "<b", "www.example.org", "a@example.org", "<https://example.org>", "> quoted"),
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_in_markdown_shows_its_characters_and_nothing_else(text):
    rendered = RENDERED(markup.markdown(text))
    assert not re.search(r"<(?!/?p>)", rendered), rendered
    assert seen(rendered) == text
    [row] = re.findall(
        r"(?s)<tbody>\s*<tr>(.*?)</tr>", RENDERED(f"| a | b |\n| --- | --- |\n| “{markup.markdown(text)}” | c |\n")
    )
    assert re.findall(r"<td>(.*?)</td>", row) == [html.escape(f"“{text}”", quote=False), "c"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Zs")), min_size=1))
@example("*")
@example("www.")
def test_no_text_is_markup(text):
    rendered = RENDERED(markup.markdown(text))
    assert not re.search(r"<(?!/?p>)", rendered)
    assert seen(rendered) == text.strip()


def test_several_lines_become_one():
    assert markup.markdown(" lost 7.5%\non Wednesday\n") == "lost 7.5% on Wednesday"


@pytest.mark.slow
@given(
    st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
@example("</script><!--")
def test_a_value_in_a_script_is_itself_and_cannot_end_it(value):
    written = markup.script(value)
    assert json.loads(written) == value
    assert not re.search("[<\u2028\u2029]", written)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        ("HTTP://example.org", "HTTP://example.org"),
        ("doi:10.1000/x(1)", "https://doi.org/10.1000/x(1)"),
        ("javascript:alert(1)", None),
        ("JaVaScript:alert(1)", None),
        (" javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("vbscript:x", None),
        ("file:///etc/passwd", None),
        ("//example.org", None),
        ("example.org", None),
        ("https://exa\nmple.org", None),
        ("https://", None),
        ("", None),
        (None, None),
    ],
)
def test_only_the_web_and_dois_are_linked_to(text, target):
    assert markup.address(text) == target


def test_a_file_name_in_a_link():
    assert markup.path('notebooks/01-50% #1 "q"?.html') == "notebooks/01-50%25%20%231%20%22q%22%3F.html"
