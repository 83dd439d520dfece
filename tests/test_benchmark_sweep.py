"""The tables of sweeps, from figures that can be checked on paper."""

import json

from benchmarks import sweep_table
from benchmarks.sweep import README, RESULTS


def run(way, cores, rows, seconds, hub=(0.0, 0.0), cpu=(0.0, 0.0), workers=400.0):
    figures = {"seconds": seconds, "megabytes of client": hub[0] if way == "dask" else workers, "cpu of client": cpu[0]}
    more = {"megabytes of scheduler": hub[1], "cpu of scheduler": cpu[1], "megabytes of workers": workers}
    return {"way": way, "cores": cores, "rows": rows} | figures | (more if way == "dask" else {})


RUNS = {
    "date": "2025-03-01",
    "machine": ["a processor"],
    "task": {"whole": 4.0, "client": 2.0, "scheduler": 1.0},
    "runs": [
        run("local", 2, 500, 80.0),
        run("dask", 2, 500, 100.0, hub=(100.0, 80.0), cpu=(3.0, 2.0)),
        run("dask", 2, 5000, 1000.0, hub=(130.0, 95.0), cpu=(12.0, 6.5)),
    ],
}


def rows(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")][2:]


def test_bounds_are_of_the_same_cores_and_rows():
    found = [(round(bound.value, 3), bound.reached) for bound in sweep_table.bounds(RUNS)]
    assert found == [
        (1.25, True),
        (0.32, True),
        (45.0, True),
    ]  # 100 s against 80; 160 s for 500 rows; 225 - 180 MB
    slower = RUNS | {"runs": [run("local", 2, 500, 79.0), *RUNS["runs"][1:]]}
    assert [bound.reached for bound in sweep_table.bounds(slower)] == [False, True, True]
    assert sweep_table.bounds(RUNS | {"runs": RUNS["runs"][:1]}) == []


def test_what_was_measured():
    found = rows(sweep_table.of_runs(RUNS))
    assert [row[1:] for row in found] == [
        ["6.25", "0.320", "200", ""],
        ["5.00", "0.400", "200", "180"],
        ["5.00", "0.400", "200", "225"],
    ]
    # (100 - 80) s on two cores for 500 rows
    assert sweep_table.overhead(RUNS).startswith(
        "On a cluster a row and core takes +80 ms; a task that does nothing takes 4.00 ms"
    )


def test_what_is_computed_follows_from_the_difference_of_two_sweeps():
    """A row: 0.2 s of a machine, 2 ms of the client, 1 ms of the scheduler, 10 kB."""
    found = rows(sweep_table.computed(RUNS))
    assert [row[1] for row in found] == ["3.3 min", "20 s", "5.6 h", "33.3 min"]
    assert [row[3] for row in found] == [
        "nothing: the workers are the limit",
        "nothing: the workers are the limit",
        "nothing: the workers are the limit",
        "nothing: the workers are the limit",
    ]
    busier = RUNS | {"task": RUNS["task"] | {"client": 10.0}}
    assert [row[3] for row in rows(sweep_table.computed(busier))][1::2] == [
        "the client, which alone needs 1.7 min",
        "the client, which alone needs 2.8 h",
    ]
    assert rows(sweep_table.computed(RUNS))[3][2] == "10,225"


def test_the_readme_shows_the_results():
    shown = sweep_table.MARKED.search(README.read_text(encoding="utf-8"))[0]
    assert shown == sweep_table.readme(json.loads(RESULTS.read_text(encoding="utf-8"))), "run `python -m benchmarks.sweep`"
