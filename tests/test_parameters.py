"""Parameters: what a cell declares, how a text is read by its type, what is injected, and where papermill differs."""

import math
from datetime import date

import nbformat
import papermill
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shockcheck import warm
from shockcheck.errors import BuildError, ParameterError
from shockcheck.notebook_files import parameters
from shockcheck.notebooks import engine
from shockcheck.variants import variant

DAY = date(2001, 3, 7)


def notebook(source: str, **more: object) -> nbformat.NotebookNode:
    tagged = {"tags": ["parameters"]}
    cells = [nbformat.v4.new_markdown_cell("# X"), nbformat.v4.new_code_cell(source, metadata=tagged, **more)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def declared(source: str) -> dict[str, parameters.Parameter]:
    return parameters.of_notebook(notebook(source), "01-x.ipynb")


def default(source: str) -> object:
    return declared(source)["x"].default


DEFAULTS = [
    ("x = True", True),
    ("x = -5", -5),
    ("x = +1_000", 1000),
    ("x = 24 * 10**9", 24 * 10**9),
    ("x = (1 + 2) * 3 - 4 / 2 // 1 % 5", 7.0),
    ("x = -2.5e-3", -0.0025),
    ("x = 'a # b = c'  # meaning = unit", "a # b = c"),
    ('x = "one " "two" + " three"', "one two three"),
    ('x = """a\nb"""', "a\nb"),
    ("x = None", None),
    ("x = [1, -2, [True, None]]  # nested", [1, -2, [True, None]]),
    ("x = [\n    1,  # first\n    2,\n]", [1, 2]),
    ("x = {'a': 1, 'b': [2.5]}", {"a": 1, "b": [2.5]}),
    ("x = (1, 'a')", (1, "a")),
    ("x = ()", ()),
    ("x = datetime.date(2001, 3, 7)", DAY),
    ("x = date(2001, 3, 7)", DAY),
    ("x = datetime.date.fromisoformat('2001-03-07')", DAY),
    ("x = float('inf')", math.inf),
    ("x = -float('inf')", -math.inf),
    ("x: float = 5", 5),
    ("x: int | None = None", None),
    ("x: Optional[int] = 5", 5),
    ("x: 'list[str]' = []", []),
    ("x: typing.Dict[str, float] = {'a': 1}", {"a": 1}),
    ("x: Literal['a', 'b'] = 'a'", "a"),
    ("x: str = None", None),
    ("x: Any = 5", 5),
    ("x = 5  # type: float", 5),
    ("x = 'share'  # type: of what is compared", "share"),
    ("x = 1; y = 2", 1),
    ('"""What can be changed"""\n\nx = 1', 1),
]


@pytest.mark.parametrize(("source", "value"), DEFAULTS, ids=[source for source, _ in DEFAULTS])
def test_a_default_is_what_python_makes_of_it(source, value):
    assert default(source) == value
    assert type(default(source)) is type(value)


def test_a_default_that_is_no_number_is_one_of_floats():
    assert math.isnan(default("x = float('nan')"))
    assert declared("x = float('nan')")["x"].scalar is float


def test_a_cell_without_code_declares_nothing():
    assert declared("") == declared("\n  \n") == declared("# no parameters") == {}


REFUSED = [
    (
        "y = 1\nx = np.nan",
        "line 2: the parameter x is set to `np.nan`, which is no constant; write a value like True, 24 * ",
    ),
    ("x = y * 2", "line 1: the parameter x is set to `y`, which is no constant"),
    ("x = f'{1}'", "line 1: the parameter x is set to `f'{1}'`, which is no constant"),
    ("x = {1, 2}", "the parameter x is set to `{1, 2}`, which is no constant"),
    ("x = Path('a')", "the parameter x is set to `Path('a')`, which is no constant"),
    ("x = datetime.datetime(2001, 3, 7, 9, 30)", "which is no constant"),
    ("x = 5j", "the parameter x is set to `5j`, which is no constant"),
    ("x = b'a'", "which is no constant"),
    ("x = [1, y]", "the parameter x is set to `y`, which is no constant"),
    ("x = date(2001, 2, 30)", "the parameter x is set to `date(2001, 2, 30)`, which has no value (day is out of range for"),
    ("x = date.fromisoformat('20010307')", "which has no value (it is not written YYYY-MM-DD)"),
    ("x = 1 / 0", "the parameter x is set to `1 / 0`, which has no value (division by zero); correct it"),
    ("x = 10**10**10", "which has no value (it is too large)"),
    ("x = (-8) ** 0.5", "which has no value (it is no number of a common size)"),
    ("x = 'a' * 3", "which has no value (only numbers are computed with)"),
    ("x = float('a')", "which has no value (could not convert string to float: 'a')"),
    ("x = 10**30", "the parameter x is set to `10 ** 30`, more than 64 bits hold; write it as a number with a point"),
    ("x: int = 'a'", "line 1: the parameter x is declared as int and set to 'a'; make them agree"),
    ("x: int = True", "declared as int and set to True"),
    ("x: list[int] = ['a']", "declared as list[int] and set to ['a']"),
    ("x = 'a'  # type: float", "declared as float and set to 'a'"),
    (
        "x: pd.Timestamp = None",
        "the parameter x is declared as `pd.Timestamp`; declare it as bool, int, float, str, datetime.",
    ),
    ("x: 'a b' = 1", "the parameter x is declared as `'a b'`; declare it as"),
    ("x: dict[int] = {}", "the parameter x is declared as `dict[int]`, which is no type; correct it"),
    ("x = 1\nx = 2", "line 2: x is set a second time; keep one"),
    ("x = y = 1", "line 1: `x = y = 1` stands in the cell of parameters, which holds only lines like `name = value`"),
    ("x, y = 1, 2", "`x, y = 1, 2` stands in the cell of parameters"),
    ("x = 1\nx += 1", "line 2: `x += 1` stands in the cell of parameters"),
    ("x: int", "`x: int` stands in the cell of parameters"),
    ("import datetime\nx = datetime.date(2001, 3, 7)", "line 1: `import datetime` stands in the cell of parameters"),
    ("if True:\n    x = 1", "`if True:` stands in the cell of parameters"),
    ("x = 1\nprint(x)", "line 2: `print(x)` stands in the cell of parameters"),
    ("%time x = 1", "line 1: `%time x = 1` stands in the cell of parameters"),
    ("x = !ls", "the parameter x is set to `get_ipython().getoutput('ls')`, which is no constant"),
    ("x = (1", "line 1: '(' was never closed; correct it"),
]


@pytest.mark.parametrize(("source", "message"), REFUSED, ids=[source for source, _ in REFUSED])
def test_what_is_no_declaration_is_one_sentence_with_the_place(source, message):
    with pytest.raises(BuildError) as raised:
        declared(source)
    assert str(raised.value).startswith("01-x.ipynb, cell 1, line ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_one_code_cell_is_the_one_of_parameters():
    node = notebook("x = 1")
    with pytest.raises(BuildError, match="01-x has no cell tagged 'parameters'; tag the one"):
        parameters.of_notebook(nbformat.v4.new_notebook(cells=node.cells[:1]), "01-x")
    node.cells[0].metadata["tags"] = ["parameters"]
    with pytest.raises(BuildError, match="01-x has 2 cells tagged 'parameters'; tag the one"):
        parameters.of_notebook(node, "01-x")
    with pytest.raises(BuildError, match="01-x has no code cell tagged 'parameters' but a markdown cell"):
        parameters.of_notebook(nbformat.v4.new_notebook(cells=node.cells[:1]), "01-x")
    node.cells[0].metadata["tags"] = ["injected-parameters"]
    with pytest.raises(BuildError, match="01-x has a cell tagged 'injected-parameters', left by a run of papermill; remove"):
        parameters.of_notebook(node, "01-x")


READ = [
    ("x = True", "False", False),
    ("x = True", " FALSE ", False),
    ("x = False", "true", True),
    ("x = 5", "1e9", 10**9),
    ("x = 5", "24.0", 24),
    ("x = 5", "-1_000", -1000),
    ("x = 5", "9223372036854775807", 2**63 - 1),
    ("x = 5.0", "24e9", 24e9),
    ("x = 5.0", "3", 3.0),
    ("x = 5.0", ".5", 0.5),
    ("x: float = 5", "2.5", 2.5),
    ("x = 5  # type: float", "2.5", 2.5),
    ("x = 'a'", "", ""),
    ("x = 'a'", "None", "None"),
    ("x = ''", "2001-03-07", "2001-03-07"),
    ("x = '2001-03-07'", "2004-02-29", "2004-02-29"),
    ("x = date(2001, 3, 7)", "2004-02-29", date(2004, 2, 29)),
    ("x: int | None = None", "5", 5),
    ("x: int | None = 5", "None", None),
    ("x: str | None = None", "None", None),
    ("x: str | None = None", "a", "a"),
    ("x: str | None = '2001-03-07'", "None", None),
    ("x: date | None = None", "2001-03-07", DAY),
    ("x: int | float = 5", "2.5", 2.5),
    ("x = None", "None", None),
    ("x = [1, 2]", "[]", []),
    ("x = [1, 2]", " [3] ", [3]),
    ("x = ['a']", "['b', \"c'd\"]", ["b", "c'd"]),
    ("x = ['2001-03-07']", "['2004-02-29']", ["2004-02-29"]),
    ("x: list[float] = []", "[1, 2.5]", [1.0, 2.5]),
    ("x: tuple[int, ...] = ()", "(1, 2)", (1, 2)),
    ("x = {}", "{'a': [1, None]}", {"a": [1, None]}),
    ("x = [date(2001, 3, 7)]", "[date(2004, 2, 29)]", [date(2004, 2, 29)]),
    ("x: Literal['a', 'b'] = 'a'", "b", "b"),
    ("x: Literal[1, 2] = 1", "2", 2),
]


@pytest.mark.parametrize(("source", "text", "value"), READ, ids=[f"{source} | {text}" for source, text, _ in READ])
def test_a_text_is_read_by_the_declared_type(source, text, value):
    read = declared(source)["x"].read(text)
    assert read == value
    assert type(read) is type(value)


WRONG = [
    *(("x = True", text, "x must be True or False, not") for text in ("no", "1", "0", "", "None", "Flase", "yes")),
    *(
        ("x = 5", text, "x must be a whole number like 5, not")
        for text in ("1.5", "1,5", "1,000", "", "0x10", "True", "nan")
    ),
    *(
        ("x = 5", text, "x must be a whole number like 5")
        for text in ("9" * 5000, "1e99999999", "9223372036854775808", "５")
    ),
    *(
        ("x = 5.0", text, "x must be a number like 5.0")
        for text in ("inf", "-inf", "nan", "NaN", "1e400", "1,5", "", "None")
    ),
    *(
        ("x = 5.0", text, "x must be a number like 5.0")
        for text in ("five", "1 000", "5 %", "True", "٣", "1__0", "_1", "--1")
    ),
    *(
        ("x = '2001-03-07'", text, "x must be a date written as text, 'YYYY-MM-DD', not")
        for text in ("", "20010307", "2001-3-7", "2001-02-30", "07.03.2001", "2001-W10-3", "２００１-03-07", " 2001-03-07")
    ),
    ("x = date(2001, 3, 7)", "20010307", "x must be a date, YYYY-MM-DD, not '20010307'"),
    ("x = [1, 2]", "['a']", "x must be a list of the declared types, written as in Python, like [1, 2], not"),
    ("x = [1, 2]", "(1, 2)", "x must be a list"),
    ("x = [1, 2]", "1, 2", "x must be a list"),
    ("x = [1, 2]", "[1, 2", "x must be a list"),
    ("x = [1, 2]", "[__import__('os')]", "x must be a list"),
    ("x = [1.0]", "[1e999]", "x must be a list"),
    ("x = {}", "[]", "x must be a dict of the declared types, written as in Python, like {}, not '[]'"),
    ("x = None", "5", "x is None in the notebook and has no type; declare one there, as in x: float | None = None"),
    ("x: int | None = 5", "a", "x must be a whole number or None like 5, not 'a'"),
    ("x: int | str = 5", "5", "x may be a text or something else; declare one type for it in the notebook"),
    ("x: Literal['a', 'b'] = 'a'", "c", "x must be 'a' or 'b' like 'a', not 'c'"),
]


@pytest.mark.parametrize(("source", "text", "message"), WRONG, ids=[f"{source} | {text[:20]}" for source, text, _ in WRONG])
def test_a_text_of_no_such_value_is_refused(source, text, message):
    with pytest.raises(ParameterError) as raised:
        declared(source)["x"].read(text)
    assert str(raised.value).startswith(message)
    assert len(str(raised.value)) < 300


TEXTS = [
    "",
    "\\",
    '"',
    "'",
    "\"'",
    "a\nb\r\t",
    "{x} {{y}} %s",
    "é東😀",
    "\u2028\u2029\x85\x00\x1b",
    '"""',
    "\\N{DASH}",
    "#",
    "\\'",
]
CONSTANTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(TEXTS)
    | st.dates(),
    lambda inside: st.lists(inside) | st.tuples(inside, inside) | st.dictionaries(st.text(max_size=3), inside),
    max_leaves=8,
)


@settings(deadline=None)
@given(CONSTANTS)
def test_a_constant_written_as_code_is_read_back_by_us_and_by_python(value):
    code = parameters.literal(value)
    assert parameters.evaluated(code) == value == eval(code)
    assert type(eval(code)) is type(value)
    assert "\n" not in code


@settings(deadline=None)
@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_whole_number_is_itself_however_it_is_written(number):
    parameter = declared("x = 5")["x"]
    assert {parameter.read(text) for text in (f"{number}", f"{number:_}", f"{number}.0", f" {number} ")} == {number}


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_itself(number):
    assert declared("x = 5.0")["x"].read(repr(number)) == number


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_a_value_of_a_parameter_that_is_text(text):
    assert declared("x = 'a'")["x"].read(text) == text


def injected(values: dict[str, object], source: str, kernel_name: str = warm.FORKED_KERNEL) -> dict[str, object]:
    """What the names are once papermill's cell has run."""
    prepared = papermill.execute_notebook(
        notebook(source),
        None,
        parameters={name: parameters.literal(value) for name, value in values.items()},
        engine_name=engine.NAME,
        kernel_name=kernel_name,
        language="python",
        prepare_only=True,
        progress_bar=False,
    )
    [cell] = [cell for cell in prepared.cells if "injected-parameters" in cell.metadata.tags]
    names: dict[str, object] = {}
    exec(cell.source, names)
    return {name: names[name] for name in values}


@pytest.mark.parametrize("name", [warm.FORKED_KERNEL, warm.ORDINARY_KERNEL])
def test_what_is_injected_is_what_was_given(name):
    values = {
        "a": False,
        "b": None,
        "c": DAY,
        "d": [1, "x\u2028y"],
        "e": {"k": (1, 2.5)},
        "f": TEXTS,
        "g": 10**9,
        "h": -math.inf,
    }
    after = injected(values, "a = True\nb: int | None = 1", name)
    assert after == values
    assert list(map(type, after.values())) == list(map(type, values.values()))


def by_papermill(source: str, tmp_path) -> dict[str, object]:
    path = tmp_path / "x.ipynb"
    nbformat.write(notebook(source), path)
    return {name: found["default"] for name, found in papermill.inspect_notebook(path).items()}


@pytest.mark.parametrize(
    "source", ['x = "a"  # meaning', "x = 1_000\ny = -2.5  # unit", "x: float = 5", "x = [1, 2]", "x = None\ny = True"]
)
def test_papermill_reads_the_same_of_plain_lines(source, tmp_path):
    ours = {name: parameter.default for name, parameter in declared(source).items()}
    assert {name: eval(text) for name, text in by_papermill(source, tmp_path).items()} == ours


@pytest.mark.parametrize(
    ("source", "papermills", "ours"),
    [
        ("x = 'a = b'", {}, "a = b"),  # not found: two equals signs in a line
        ("x = 'a # b'", {"x": "'a"}, "a # b"),  # what follows a hash counts as the meaning
        ("x = {'a': 1,\n     'b': 2}  # c", {"x": "{'a': 1,'b': 2}"}, {"a": 1, "b": 2}),
        ("x = 1; y = 2", {}, 1),
        ("x = [1,  # one = 1\n     2]", {}, [1, 2]),
        ("x: int | None = 5", {}, 5),  # an annotation with a bar
        ("x = 24 * 10**9", {"x": "24 * 10**9"}, 24 * 10**9),
    ],
)
def test_where_papermill_guesses_by_lines_python_is_right(source, papermills, ours, tmp_path):
    assert by_papermill(source, tmp_path) == papermills
    names: dict[str, object] = {}
    exec(source, names)
    assert default(source) == ours == names["x"]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("x = True", bool),
        ("x: float = 5", float),
        ("x: int | None = None", int),
        ("x: int | float = 5", float),
        ("x = '2001-03-07'", str),
        ("x = date(2001, 3, 7)", date),
        ("x = None", object),
        ("x = [1]", object),
        ("x: int | str = 5", object),
        ("x: Literal['a'] = 'a'", object),
    ],
)
def test_a_parameter_has_a_column_of_its_type(source, kind):
    assert declared(source)["x"].scalar is kind


def test_variants_have_folders_of_their_own():
    given = [
        {"a": "1-b=2"},
        {"a": "1", "b": "2"},
        {"a": "1/2"},
        {"a": "1_2"},
        {"a": ""},
        {"a": "False"},
        {"a": "Ä" * 300},
        {"a": "ä" * 300},
    ]
    names = [variant.folder_name("01-x", one) for one in given]
    assert len(set(names)) == len(names)
    assert names[1] == "01-x-a=1-b=2"
