"""Where a printed number comes from, and which choice would flip a verdict.

`origins` tries every combination of candidate inputs and marks those that print as stated. That a combination prints as
stated shows that it is possible, not that it was used. `robustness` gives the verdict of every reading that could have
been chosen.
"""

import re
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from shockcheck import verdicts

NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")  # not the e of 1e9


def origins(allowed: pd.Interval, formula: str, candidates: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Every combination of the candidates: a column an input with the label of its source, `result`, and `prints`.

    `allowed` is the printed value's interval; `formula` is arithmetic over the inputs' names ("loss / rate");
    `candidates` gives each input its values by the label of their source. A row `prints` where its result is allowed.
    Raises ValueError for an input without candidates, one that the formula lacks, or one that only the formula has.
    """
    wanted = set(NAME.findall(formula))
    for name, values in candidates.items():
        if not len(values):
            raise ValueError(f"input {name!r} has no candidate values; give at least one")
        if name not in wanted:
            raise ValueError(f"input {name!r} is not in the formula {formula!r}; remove it or correct the name")
    for name in sorted(wanted - set(candidates)):
        raise ValueError(f"the formula {formula!r} needs the input {name!r}, which has no candidates; add them")
    shape = [len(values) for values in candidates.values()]
    codes = [code.ravel() for code in np.indices(shape, dtype=np.int32)]
    columns, inputs = {}, {}
    for (name, values), code in zip(candidates.items(), codes, strict=True):
        columns[name] = pd.Categorical.from_codes(code, list(values))
        inputs[name] = np.array(list(values.values()), dtype=float)[code]
    result = pd.eval(formula, engine="python", local_dict=inputs, global_dict={})
    return pd.DataFrame(columns).assign(result=result, prints=prints(allowed, result))


def prints(allowed: pd.Interval, values: np.ndarray) -> np.ndarray:
    """Which of the values the interval allows, all at once, open and closed edges as they are."""
    above = values >= allowed.left if allowed.closed_left else values > allowed.left
    below = values <= allowed.right if allowed.closed_right else values < allowed.right
    return above & below


def matrix(combinations: pd.DataFrame, column: str = "result") -> pd.DataFrame:
    """Combinations of two inputs as a matrix of one of their columns: the first input down, the second across."""
    down, across = combinations.columns[:2]
    return combinations.pivot(index=down, columns=across, values=column)


def shared(first: pd.DataFrame, second: pd.DataFrame, on: str) -> list[str]:
    """The candidates of the input `on` that print as stated in some combination of both tables, in the first's order."""
    one, other = (set(table.loc[table["prints"], on]) for table in (first, second))
    return [label for label in first[on].cat.categories if label in one & other]


def robustness(allowed: pd.Interval, chosen: str, choices: Mapping[str, float | tuple[float, float, float]]) -> pd.DataFrame:
    """The verdict of every reading: columns value, low, high, verdict, flips; indexed by reading, the chosen one first.

    `choices` gives each reading its value, or its value with the day's low and high, in the claim's unit. `flips` is
    true where the verdict is another than that of the reading `chosen`.
    Raises ValueError where `chosen` is none of the choices.
    """
    if chosen not in choices:
        raise ValueError(f"the chosen reading {chosen!r} is none of {', '.join(map(repr, choices))}")
    order = [chosen, *(reading for reading in choices if reading != chosen)]
    rows = []
    for reading in order:
        value, low, high = choices[reading] if isinstance(choices[reading], tuple) else (choices[reading], None, None)
        rows.append((float(value), low, high, verdicts.verdict(value, allowed, low, high)))
    table = pd.DataFrame(rows, index=pd.Index(order, name="reading"), columns=["value", "low", "high", "verdict"])
    return table.assign(flips=table["verdict"] != table["verdict"].iloc[0]).astype({"low": float, "high": float})


def nearest_flip(readings: pd.DataFrame) -> str | None:
    """The reading that flips the verdict with the value nearest to the chosen one's, or None where none flips it."""
    flipping = readings.loc[readings["flips"], "value"]
    if flipping.empty:
        return None
    return (flipping - readings["value"].iloc[0]).abs().idxmin()


def summary(readings: pd.DataFrame, say: Callable[..., str] = str.format, show: Callable[[float], str] = str) -> str:
    """How many of the readings give the chosen one's verdict, and the nearest that flips it, as a sentence.

    `say` fills values into a sentence, in whatever language, and `show` writes a value of the claim.
    """
    verdict, same, number = readings["verdict"].iloc[0], int((~readings["flips"]).sum()), len(readings)
    nearest = nearest_flip(readings)
    if nearest is None:
        return say("All {number} readings give the verdict “{verdict}”.", number=number, verdict=say(verdict))
    other = readings.loc[nearest]
    return say(
        "{same} of {number} readings give the verdict “{verdict}”; "
        "the nearest that flips it is {nearest} ({value}: {other}).",
        same=same,
        number=number,
        verdict=say(verdict),
        nearest=nearest,
        value=show(other["value"]),
        other=say(other["verdict"]),
    )
