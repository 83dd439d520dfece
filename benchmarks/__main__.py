"""`python -m benchmarks`: this build and other tools side by side, on the same notebooks and in the same rounds."""

import json
import os
import platform
import re
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks import table
from benchmarks.measure import HERE, BenchmarkError, bench, environment
from benchmarks.tools import ENVIRONMENT, GROWTH, TOOLS, grid
from shockcheck.project.files import write_whole

RESULTS, README = HERE / "results.json", HERE / "README.md"
MARKED = re.compile(r"(?<=<!-- benchmarks -->\n).*?(?=<!-- end of benchmarks -->)", re.DOTALL)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How many times each tool is timed.")] = 5,
    only: Annotated[list[str] | None, typer.Option(help=f"Measure this alone: {', '.join(TOOLS)}.", metavar="NAME")] = None,
    growth: Annotated[bool, typer.Option(help="Measure grids of 10, 50 and 200 variants.")] = True,
) -> None:
    """Measure, print the tables, and, where all was measured, write them to benchmarks/results.json and the README there.

    The exit status is 1 where a bound is missed, or where a tool fails or leaves pages that are not complete.
    """
    for name in set(only or ()) - set(TOOLS):
        raise typer.BadParameter(f"there is no {name!r}; there are {', '.join(TOOLS)}", param_hint="--only")
    console = Console(stderr=True)
    whole = growth and not only
    try:
        _check(whole)
        results = _measured(console, rounds, only or list(TOOLS), GROWTH if growth else [])
    except BenchmarkError as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    for text in (table.of_times(results), table.of_growth(results), table.of_bounds(table.bounds(results))):
        if text.count("\n") > 1:  # a table with a row at least
            Console().print(Markdown(text))
    if whole:
        write_whole(RESULTS, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        write_whole(README, MARKED.sub(lambda _: table.readme(results), README.read_text(encoding="utf-8")))
    if not all(bound.reached for bound in table.bounds(results)):
        raise typer.Exit(1)


def _check(whole: bool) -> None:
    """Raise BenchmarkError for what would be missed only after half an hour."""
    if not Path("/proc/self/smaps_rollup").exists():
        raise BenchmarkError("memory is read from /proc/PID/smaps_rollup, which this system has not; run it on Linux")
    if whole and not MARKED.search(README.read_text(encoding="utf-8")):
        raise BenchmarkError(
            "benchmarks/README.md has no lines '<!-- benchmarks -->' and '<!-- end of benchmarks -->'; restore them"
        )


def _measured(console: Console, rounds: int, names: list[str], growth: list[tuple[int, int]]) -> dict[str, Any]:
    """All figures: of a first round the memory, since to look at it takes time, then the seconds of the others.

    In each round every tool has its turn, so that a slow minute of the machine comes to all of them.
    """
    seconds, megabytes, grids = defaultdict(list), {}, []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("setting up other tools", total=(rounds + 1) * len(names) + 2 * len(growth))
        prefixes = {name: environment(ENVIRONMENT[name]) if name in ENVIRONMENT else Path(sys.prefix) for name in names}
        for turn in range(rounds + 1):
            for name in names:
                progress.update(task, description=f"{name}, {f'round {turn} of {rounds}' if turn else 'memory'}")
                with bench(prefixes[name], sample=turn == 0) as copy:
                    for measure, figure in TOOLS[name](copy, name).items():
                        if turn:
                            seconds[measure].append(round(figure, 3))
                        else:
                            megabytes[measure] = round(figure, 1)
                progress.advance(task)
        for workers, variants in growth:
            grids.append({"workers": workers, "variants": variants})
            for measure in ("megabytes", "seconds"):
                progress.update(task, description=f"{variants} variants, workers: {workers}, {measure}")
                with bench(Path(sys.prefix), sample=measure == "megabytes") as copy:
                    grids[-1][measure] = round(grid(copy, workers, variants), 3)
                progress.advance(task)
    return {"date": f"{date.today()}", "machine": machine(), "seconds": seconds, "megabytes": megabytes, "growth": grids}


def machine() -> list[str]:
    """The machine in words: processor, cores, memory, kernel, Python."""
    models = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return [
        *(models[:1] or [platform.machine()]),
        f"{os.cpu_count()} cores",
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
    ]


if __name__ == "__main__":
    typer.run(main)
