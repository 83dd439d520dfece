"""The benchmark's tables, from figures that can be checked on paper, and those in benchmarks/README.md."""

import json

import pytest

from benchmarks import table
from benchmarks.__main__ import MARKED, README, RESULTS
from benchmarks.measure import BenchmarkError, check_pages
from shockcheck.notebooks.notebook import require_notebooks

GRIDS = [
    {"workers": 1, "variants": 10, "seconds": 5.0, "megabytes": 200},
    {"workers": 1, "variants": 50, "seconds": 20.0, "megabytes": 210},
    {"workers": 1, "variants": 200, "seconds": 80.0, "megabytes": 220},
]
RESULTS_BY_HAND = {
    "date": "2025-03-01",
    "machine": ["a processor", "2 cores"],
    "seconds": {"cold": [9.0, 4.0, 5.0], "notebook": [2.0, 2.4, 2.6], "nothing": [0.4, 0.2, 0.5], "plain": [50, 49, 60]},
    "megabytes": {"cold": 700.0, "notebook": 300.0, "nothing": 20.4, "plain": 250.6},
    "growth": GRIDS,
}


def rows(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_times_are_medians_and_multiples_of_the_cold_build():
    head, _, *found = rows(table.of_times(RESULTS_BY_HAND))
    assert head == ["", "times the cold build", "seconds", "peak memory, MB"]
    assert [row[0] for row in found] == [table.NAMES[name] for name in ("cold", "notebook", "nothing", "plain")]
    assert [row[1:] for row in found] == [
        ["1.00", "5.00", "700"],
        ["0.48", "2.40", "300"],
        ["0.08", "0.40", "20"],
        ["10.00", "50.00", "251"],
    ]


def test_growth_is_by_page():
    found = rows(table.of_growth(RESULTS_BY_HAND))[2:]
    assert [row[1:] for row in found] == [["1.00", "0.500", "200"], ["0.80", "0.400", "210"], ["0.80", "0.400", "220"]]


def test_bounds_say_what_is_reached_and_a_figure_at_the_limit_is():
    found = [(bound.value, bound.reached) for bound in table.bounds(RESULTS_BY_HAND)]
    assert found == [
        (0.1, True),  # 5 s against 50 s
        (2.4, True),
        (0.4, False),
        (pytest.approx(0.8), True),  # 0.4 s a page against 0.5 s
        (pytest.approx(1.1), True),  # 220 MB against 200 MB
        (700.0, True),
    ]
    assert [row[-1] for row in rows(table.of_bounds(table.bounds(RESULTS_BY_HAND)))[4:5]] == ["not reached"]


def test_a_slower_page_or_more_memory_is_not_reached():
    larger = [*GRIDS[:2], {"workers": 1, "variants": 200, "seconds": 101.0, "megabytes": 221}]
    grown = RESULTS_BY_HAND | {"growth": larger, "megabytes": RESULTS_BY_HAND["megabytes"] | {"cold": 700.1}}
    assert [bound.reached for bound in table.bounds(grown)[-3:]] == [False, False, False]


def test_only_what_was_measured_is_bounded():
    part = {"seconds": {"floor": [3.0]}, "megabytes": {"floor": 90.0}, "growth": []}
    assert table.bounds(part) == []
    assert rows(table.of_times(part))[2][2:] == ["3.00", "90"]


def test_pages_that_are_missing_or_lack_a_value_do_not_count(tmp_path):
    for notebook in require_notebooks():
        outputs = (output for cell in notebook.node.cells for output in cell.get("outputs", []))
        html = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
        (tmp_path / f"{notebook.name}.html").write_text(html or "a page", encoding="utf-8")
    check_pages(tmp_path)
    page = tmp_path / "01-nvidia-one-day-loss.html"
    whole = page.read_text(encoding="utf-8")
    for fault in (whole.replace("−16.97%", "−16.96%"), whole.replace("claim-nvidia-loss-eur", ""), f"{whole}Traceback", ""):
        page.write_text(fault, encoding="utf-8")
        with pytest.raises(BenchmarkError, match=r"^01-nvidia-one-day-loss.html is not complete: "):
            check_pages(tmp_path)
    page.write_text(whole, encoding="utf-8")
    (tmp_path / "09-statements.html").unlink()
    with pytest.raises(BenchmarkError, match=r"^09-statements.html is not complete: "):
        check_pages(tmp_path)


def test_the_page_shows_the_results():
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert MARKED.search(README.read_text(encoding="utf-8"))[0] == table.readme(results), "run `make bench`"
    assert set(results["seconds"]) == set(results["megabytes"]) == set(table.NAMES)
