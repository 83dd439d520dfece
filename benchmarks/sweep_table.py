"""What sweeps took, as tables in Markdown; and, marked as computed, what many more rows would take on more machines."""

import re
from typing import Any

from benchmarks.table import Bound, markdown, of_bounds

MARKED = re.compile(r"(?<=<!-- sweep -->\n).*?(?=<!-- end of sweep -->)", re.DOTALL)
ROWS, MACHINES = (10_000, 1_000_000), (10, 100)
NAMES = {"local": "this machine", "dask": "Dask cluster"}


def bounds(results: dict[str, Any]) -> list[Bound]:
    """The bounds on what was measured; a bound on anything else is left out."""
    runs, few = _runs(results), min(run["rows"] for run in results["runs"])
    found = []
    if {("local", 2, few), ("dask", 2, few)} <= set(runs):
        local, dask = runs["local", 2, few], runs["dask", 2, few]
        found.append(
            Bound("cluster against this machine, 2 cores, time a row", dask["seconds"] / local["seconds"], 1.25, "times")
        )
        found.append(Bound(f"{few} rows, findings alone, 2 cores: time a row and core", _a_row(local), 0.35, "s"))
    for (way, cores, rows), run in runs.items():
        if rows > few and (way, cores, few) in runs:
            more = _hub(run) - _hub(runs[way, cores, few])
            found.append(Bound(f"memory of scheduler and client, {rows} rows against {few}", more, 150, "MB more"))
    return found


def _runs(results: dict[str, Any]) -> dict[tuple[str, int, int], dict[str, Any]]:
    return {(run["way"], run["cores"], run["rows"]): run for run in results["runs"]}


def _a_row(run: dict[str, Any]) -> float:
    return run["seconds"] * run["cores"] / run["rows"]


def _hub(run: dict[str, Any]) -> float:
    return run["megabytes of scheduler"] + run["megabytes of client"]


def of_runs(results: dict[str, Any]) -> str:
    """The table of what was measured."""
    rows = []
    for run in results["runs"]:
        who = "workers" if run["way"] == "dask" else "client"
        rows.append(
            (
                f"{run['rows']} rows, {NAMES[run['way']]}, cores: {run['cores']}",
                f"{run['rows'] / run['seconds']:.2f}",
                f"{_a_row(run):.3f}",
                f"{run[f'megabytes of {who}'] / run['cores']:.0f}",
                f"{_hub(run):.0f}" if run["way"] == "dask" else "",
            )
        )
    head = ("", "rows a second", "seconds a row and core", "peak memory a core, MB", "peak of scheduler and client, MB")
    return markdown(*head, rows=rows)


def overhead(results: dict[str, Any]) -> str:
    """A sentence: what the cluster adds to a row, as far as it was measured."""
    runs, few = _runs(results), min(run["rows"] for run in results["runs"])
    local, dask = runs.get(("local", 2, few)), runs.get(("dask", 2, few))
    if not (local and dask):
        return ""
    more = 1000 * (_a_row(dask) - _a_row(local))
    task = results["task"]
    used = f"{task['client']:.2f} ms of the client’s processor time and {task['scheduler']:.2f} ms of the scheduler’s"
    return (
        f"On a cluster a row and core takes {more:+.0f} ms; a task that does nothing takes {task['whole']:.2f} ms, {used}."
    )


def computed(results: dict[str, Any]) -> str:
    """The table of what was not measured, and how it follows from what was: empty without a larger sweep to compare with."""
    runs = _runs(results)
    few, many = (pick(run["rows"] for run in results["runs"]) for pick in (min, max))
    if few == many:
        return ""
    small, large = runs["dask", 2, few], runs["dask", 2, many]
    a_row = (large["seconds"] - small["seconds"]) / (many - few)  # on two cores, without the start
    serial, scheduler = (results["task"][name] / 1000 for name in ("client", "scheduler"))
    memory = max(0.0, _hub(large) - _hub(small)) / (many - few)
    slowest, who = max((serial, "client"), (scheduler, "scheduler"))
    rows = []
    for count in ROWS:
        for machines in MACHINES:
            work, alone = count * a_row / machines, count * slowest
            limit = f"the {who}, which alone needs {_span(alone)}" if alone > work else "nothing: the workers are the limit"
            rows.append(
                (
                    f"{count:,} rows, {machines} machines",
                    _span(max(work, alone)),
                    f"{_hub(large) + memory * count:,.0f}",
                    limit,
                )
            )
    head = markdown("computed, not measured", "time", "memory of scheduler and client, MB", "what breaks first", rows=rows)
    return (
        f"{head}\n\nComputed from the cluster’s {few} and {many} rows, for machines of two such cores: {a_row:.3f} s a row "
        f"and machine, {1000 * serial:.2f} ms of the client and {1000 * scheduler:.2f} ms of the scheduler a row, neither "
        f"of which can use a second core, and {1000 * memory:.1f} kB a row. Start, network and pages are left out."
    )


def _span(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def readme(results: dict[str, Any]) -> str:
    """What stands between the markers: the day, the machine, the tables."""
    said = f"Measured on {results['date']}: {', '.join(results['machine'])}."
    parts = (said, of_runs(results), overhead(results), of_bounds(bounds(results)), computed(results))
    return "\n\n".join(part for part in parts if part) + "\n"
