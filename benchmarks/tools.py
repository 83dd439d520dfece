"""The tools that are measured: what each runs, and that all came out of it that should."""

import json
from collections.abc import Callable, Container
from pathlib import Path

from benchmarks.measure import HERE, Bench, BenchmarkError, check_pages

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
NAMES = {path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb")}
NOTEBOOK = "01-nvidia-one-day-loss"
CELL = ('"frames.show()"', '"frames.show()  # changed"')
PRICE = ("NVDA,2025-01-27,124.8,128.4,", "NVDA,2025-01-27,124.8,128.41,")
REPORT = ("python", "-m", "shockcheck", "report")
GROWTH = [(workers, variants) for workers in (1, 2) for variants in (10, 50, 200)]


def build(bench: Bench, _: str) -> dict[str, float]:
    """The build with nothing there yet, after a change of a notebook, after one of a price, and with nothing changed."""
    figures = {"cold": _built(bench, {len(NAMES)})}
    _edit(bench.root / f"notebooks/{NOTEBOOK}.ipynb", *CELL)
    figures["notebook"] = _built(bench, {1})
    _edit(bench.root / "data/prices.csv", *PRICE)
    bench.run("python", "-m", "shockcheck", "checksums")
    figures["row"] = _built(bench, range(2, len(NAMES)))
    figures["nothing"] = _built(bench, {0})
    return figures


def _built(bench: Bench, wanted: Container[int]) -> float:
    """Build, and see that all pages are complete and that as many were written as should be."""
    reports = bench.root / "reports"
    before = _written(reports)
    figure = bench.run(*REPORT)
    check_pages(reports)
    new = len(_written(reports) - before)
    if new not in wanted:
        raise BenchmarkError(f"{new} pages were built, where it should be {wanted}")
    return figure


def _written(reports: Path) -> set[tuple[str, int]]:
    return {(page.name, page.stat().st_mtime_ns) for page in reports.glob("[0-9]*.html")}


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise BenchmarkError(f"{path.name} has not once {old!r}, which the benchmark changes; name another text in tools.py")
    path.write_text(text.replace(old, new), encoding="utf-8")


def script(bench: Bench, name: str) -> dict[str, float]:
    """A tool whose commands stand in a script beside this file, which leaves pages in the folder that it is given."""
    figure = bench.run("bash", str(HERE / f"{'plain' if name == 'bare' else name}.sh"), str(bench.out))
    check_pages(bench.out)
    return {name: figure}


def floor(bench: Bench, name: str) -> dict[str, float]:
    """The notebooks' code alone."""
    figure = bench.run("python", str(HERE / "plain_script.py"))
    if NAMES - set(bench.said()):
        raise BenchmarkError("the plain script has not run every notebook to its end")
    return {name: figure}


def grid(bench: Bench, workers: int, variants: int) -> float:
    """As many variants of one notebook, each with another share count."""
    counts = [f"{24_000_000_000 + number * 1_000_000}" for number in range(variants)]
    table = bench.root / "grid.csv"
    table.write_text("\n".join(["shares_outstanding", *counts]), encoding="utf-8")
    figure = bench.run(*REPORT, "--only", NOTEBOOK, "--grid", str(table), "--workers", str(workers))
    overview = bench.root / "reports" / "variants" / f"{NOTEBOOK}-grid-grid" / "findings.json"
    built = [entry for entry in json.loads(overview.read_text(encoding="utf-8")) if entry["findings"]]
    if len(built) != variants:
        raise BenchmarkError(f"{len(built)} of {variants} variants were built")
    return figure


TOOLS: dict[str, Callable[[Bench, str], dict[str, float]]] = {
    "build": build,
    "plain": script,
    "bare": script,
    "nbconvert": script,
    "jupyter-cache": script,
    "ploomber-engine": script,
    "floor": floor,
}
# Where a tool does not run in the project's own environment: no JupyterLab in these, whose imports slow every start.
ENVIRONMENT = {
    "bare": "bare",
    "nbconvert": "bare",
    "jupyter-cache": "jupyter-cache",
    "ploomber-engine": "ploomber-engine",
}
