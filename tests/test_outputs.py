"""What cells show, as HTML: nothing is left out without a word, and nothing from outside runs."""

import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from IPython.display import HTML, JSON, Javascript, Latex, Markdown
from markupsafe import Markup
from nbformat.v4 import new_output

from shockcheck import frames
from shockcheck.errors import BuildError
from shockcheck.notebooks import execution, stable_outputs
from shockcheck.report import prose
from shockcheck.report.outputs import Outputs

FRAME = pd.DataFrame({"a": [1.5, float("inf"), None]})


@pytest.fixture
def outputs():
    drawn = {
        name: (lambda output, number, name=name: Markup(f"<{name} {number}>")) for name in ("finding", "figure", "table")
    }
    return Outputs("01-x", prose.Prose("01-x", Path(), {}.get), **drawn)


def data(shown: object, kind: str = "display_data") -> dict:
    from IPython.core.formatters import DisplayFormatter

    bundle, metadata = DisplayFormatter().format(shown)
    return new_output(kind, data=bundle, metadata=metadata)


@pytest.mark.parametrize("kind", ["display_data", "execute_result"])
@pytest.mark.parametrize(
    ("shown", "part"),
    [
        (HTML("<b>SHOWN</b>"), "<b>SHOWN</b>"),
        (Latex("$SHOWN$"), "<pre>$SHOWN$</pre>"),
        (Markdown("*SHOWN*"), "<p><em>SHOWN</em></p>"),
        ("<SHOWN>", "<pre>&#39;&lt;SHOWN&gt;&#39;</pre>"),
        (FRAME, "<td>1.5</td>"),
        (HTML("<b onclick='x()'>SHOWN</b>"), "<b>SHOWN</b>"),
    ],
)
def test_whatever_a_cell_displays_is_shown(outputs, shown, part, kind):
    assert part in outputs.html(data(shown, kind), 3)


def test_a_table_of_the_projects_own_comes_first(outputs):
    bundle = {"text/html": "<table>", "text/plain": "x", frames.MIMETYPE: frames.as_data(FRAME)}
    assert outputs.html(new_output("display_data", data=bundle), 3) == "<table 3>"


def test_prints_warnings_and_expected_errors_are_shown(outputs):
    assert outputs.html(new_output("stream", name="stderr", text="a <b>\nc\n"), 1) == (
        '<p class="notice" lang="en">a &lt;b&gt;<br>c</p>'
    )
    assert outputs.html(new_output("error", ename="ValueError", evalue="<x>", traceback=[]), 1) == (
        "<pre>ValueError: &lt;x&gt;</pre>"
    )


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        (HTML("<script>x()</script>"), "01-x, cell 3 shows HTML with the element <script>, which a page does not have"),
        (HTML("<b><IFRAME src=x></b>"), "with the element <iframe>"),
        (Javascript("x()"), "01-x, cell 3 shows application/javascript, which a page cannot show; show a table"),
        (JSON({}), "01-x, cell 3 shows application/json, which a page cannot show"),
    ],
)
def test_what_a_page_cannot_show_is_named_with_its_cell(outputs, shown, message):
    with pytest.raises(BuildError, match=re.escape(message)):
        outputs.html(data(shown), 3)


def test_a_sign_for_what_is_missing_is_no_element(outputs):
    frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64")})
    assert "&lt;NA&gt;" in outputs.html(data(HTML(frame.style.to_html())), 3)


def test_a_styled_table_keeps_its_colours_and_nothing_that_reaches_beyond_it(outputs):
    styled = FRAME.style.set_properties(**{"color": "red"}).to_html()
    html = outputs.html(data(HTML(styled + "<style>body { color: red } #T_1 { background: url(x) }</style>")), 3)
    assert re.search(r"<style>#T_\w+_row0_col0.*\{ color: red; \}", html)
    assert 'id="T_' in html and "body {" not in html and "url" not in html


def test_outputs_of_two_runs_are_the_same():
    def run(place: str, table: str) -> str:
        texts = {"text/plain": f"<object object at {place}>", "text/html": f'<td id="T_{table}_row0">#T_{table} {{}}</td>'}
        stream = new_output("stream", name="stderr", text=f"/tmp/ipykernel_{len(place)}/{len(table)}12.py:3: UserWarning: x")
        cell = nbformat.v4.new_code_cell(outputs=[new_output("display_data", data=texts), stream], execution_count=4)
        cell.id = "a"
        return stable_outputs.as_text(execution.without_what_differs(nbformat.v4.new_notebook(cells=[cell])))

    assert run("0x7f5c1c80bbe0", "5f3a1") == run("0x7f5c1c80abcd12", "00abc")
    assert "cell:3: UserWarning: x" in run("0x7f5c1c80bbe0", "5f3a1")
