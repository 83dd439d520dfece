"""What was measured, as tables in Markdown: ratios first, and the bounds with whether each is reached."""

from dataclasses import dataclass
from statistics import median
from typing import Any

NAMES = {
    "cold": "**this build**, nothing there yet",
    "notebook": "this build, one notebook changed",
    "row": "this build, one price changed: every page that reads prices",
    "nothing": "this build, nothing changed",
    "floor": "the notebooks’ code alone in one process: no kernel, no pictures, no pages",
    "plain": "papermill and nbconvert in a loop, in the project’s environment",
    "bare": "the same loop in an environment without JupyterLab",
    "nbconvert": "`jupyter nbconvert --execute`, one call",
    "jupyter-cache": "jupyter-cache on all cores, and nbconvert",
    "ploomber-engine": "ploomber-engine, and nbconvert",
}


@dataclass(frozen=True)
class Bound:
    """A figure and the most that it may be, both in `unit`."""

    measure: str
    value: float
    limit: float
    unit: str

    @property
    def reached(self) -> bool:
        """Whether the figure is at most the limit."""
        return self.value <= self.limit


def bounds(results: dict[str, Any]) -> list[Bound]:
    """The bounds on what was measured; a bound on anything else is left out."""
    times = _medians(results)
    ratios = (("plain", "the loop in the project’s environment", 0.1), ("floor", "the code alone", 2))
    limits = (("notebook", "one notebook changed", 2.5), ("nothing", "nothing changed, from the shell", 0.3))
    found = [
        Bound(f"cold build against {what}", times["cold"] / times[name], limit, "times")
        for name, what, limit in ratios
        if {"cold", name} <= set(times)
    ]
    found += [Bound(what, times[name], limit, "s") for name, what, limit in limits if name in times]
    for workers in sorted({run["workers"] for run in results["growth"]}):
        grids = [run for run in results["growth"] if run["workers"] == workers]
        few, *_, many = sorted(grids, key=lambda run: run["variants"])
        what = f"{many['variants']} variants against {few['variants']}, workers: {workers}"
        found.append(Bound(f"{what}, time a page", _page(many) / _page(few), 1, "times"))
        found.append(Bound(f"{what}, peak memory", many["megabytes"] / few["megabytes"], 1.1, "times"))
    memory = [results["megabytes"][name] for name in ("cold", "notebook", "row") if name in results["megabytes"]]
    memory += [run["megabytes"] for run in results["growth"] if run["workers"] == 2]
    if memory:
        found.append(Bound("peak memory of all processes, 2 cores", max(memory), 700, "MB"))
    return found


def of_bounds(found: list[Bound]) -> str:
    """The table of bounds."""
    rows = [
        (
            bound.measure,
            f"{bound.value:.3g} {bound.unit}",
            f"{bound.limit:g} {bound.unit}",
            "reached" if bound.reached else "not reached",
        )
        for bound in found
    ]
    return markdown("bound", "measured", "at most", "", rows=rows)


def of_times(results: dict[str, Any]) -> str:
    """The table of times and memory, the times as multiples of the cold build's first."""
    times = _medians(results)
    rows = [
        (
            NAMES[name],
            f"{time / times['cold']:.2f}" if "cold" in times else "",
            f"{time:.2f}",
            f"{results['megabytes'][name]:.0f}",
        )
        for name, time in times.items()
    ]
    return markdown("", "times the cold build", "seconds", "peak memory, MB", rows=rows)


def of_growth(results: dict[str, Any]) -> str:
    """The table of one notebook's variants, a page's time as a multiple of that in the first row first."""
    rows = [
        (
            f"{run['variants']} variants, workers: {run['workers']}",
            f"{_page(run) / _page(results['growth'][0]):.2f}",
            f"{_page(run):.3f}",
            f"{run['megabytes']:.0f}",
        )
        for run in results["growth"]
    ]
    return markdown("", "time a page against the first", "seconds a page", "peak memory, MB", rows=rows)


def readme(results: dict[str, Any]) -> str:
    """Return what stands between the markers in benchmarks/README.md: the day, the machine, the tables."""
    said = f"Measured on {results['date']}, medians of {len(results['seconds']['cold'])}: {', '.join(results['machine'])}."
    return "\n\n".join([said, of_times(results), of_growth(results), of_bounds(bounds(results))]) + "\n"


def _medians(results: dict[str, Any]) -> dict[str, float]:
    return {name: median(results["seconds"][name]) for name in NAMES if name in results["seconds"]}


def _page(run: dict[str, Any]) -> float:
    return run["seconds"] / run["variants"]


def markdown(*head: str, rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown, its numbers to the right."""
    rule = ("---", *["---:"] * (len(head) - 1))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))
