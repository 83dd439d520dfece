"""Where a printed number may come from, and which choice would change a verdict.

`origins` tries every combination of candidate inputs and marks those that give the printed number. A match shows that a
combination is possible, not that it was used. `robustness` gives the verdict of every reading that could have been chosen.
"""

import re
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from shockcheck import verdicts

__all__ = ["matrix", "nearest_flip", "origins", "prints", "robustness", "shared", "summary"]

NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")  # not the e of 1e9
Numbers = npt.NDArray[np.float64]


def origins(allowed: pd.Interval, formula: str, candidates: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Return every combination of the candidates: a column per input with the source's label, `result`, and `prints`.

    `allowed` is the printed value's interval; `formula` is arithmetic with the inputs' names ("loss / rate");
    `candidates` gives each input its values by the label of their source. `prints` is true where the result is allowed.
    Raises ValueError for an input without candidates, and where formula and candidates do not name the same inputs.
    """
    names = set(NAME.findall(formula))
    for name, values in candidates.items():
        if not len(values):
            raise ValueError(f"input {name!r} has no candidate values; give at least one")
        if name not in names:
            raise ValueError(f"input {name!r} is not in the formula {formula!r}; remove it or correct the name")
    for name in sorted(names - set(candidates)):
        raise ValueError(f"the formula {formula!r} needs the input {name!r}, which has no candidates; add them")
    shape = [len(values) for values in candidates.values()]
    codes = [code.ravel() for code in np.indices(shape, dtype=np.int32)]
    labels: dict[str, pd.Categorical[str]] = {}
    inputs: dict[str, Numbers] = {}
    for (name, values), code in zip(candidates.items(), codes, strict=True):
        labels[name] = pd.Categorical.from_codes(code, pd.Index(list(values)))
        inputs[name] = np.array(list(values.values()), dtype=float)[code]
    result = np.asarray(pd.eval(formula, engine="python", local_dict=inputs, global_dict={}))
    return pd.DataFrame(labels).assign(result=result, prints=prints(allowed, result))


def prints(allowed: "pd.Interval[float]", values: Numbers) -> npt.NDArray[np.bool_]:
    """Return for each of the values whether the interval allows it."""
    above = values >= allowed.left if allowed.closed_left else values > allowed.left
    below = values <= allowed.right if allowed.closed_right else values < allowed.right
    return np.logical_and(above, below)


def matrix(combinations: pd.DataFrame, column: str = "result") -> pd.DataFrame:
    """Return combinations of two inputs as a matrix of one of their columns: the first input down, the second across."""
    down, across = combinations.columns[:2]
    return combinations.pivot(index=down, columns=across, values=column)


def shared(first: pd.DataFrame, second: pd.DataFrame, on: str) -> list[str]:
    """Return the candidates of the input `on` that give the printed number in both tables, in the order of the first."""
    in_first, in_second = (set(table.loc[table["prints"], on]) for table in (first, second))
    return [label for label in first[on].cat.categories if label in in_first & in_second]


def robustness(allowed: pd.Interval, chosen: str, choices: Mapping[str, float | tuple[float, float, float]]) -> pd.DataFrame:
    """Return the verdict of every reading, indexed by reading, the chosen one first: value, low, high, verdict, flips.

    `choices` gives each reading its value, or its value with the day's low and high, in the claim's unit. `flips` is true
    where the verdict differs from the verdict of the reading `chosen`. Raises ValueError where `chosen` is not a choice.
    """
    if chosen not in choices:
        raise ValueError(f"the chosen reading {chosen!r} is none of {', '.join(map(repr, choices))}")
    order = [chosen, *(reading for reading in choices if reading != chosen)]
    rows = []
    for reading in order:
        choice = choices[reading]
        value, low, high = choice if isinstance(choice, tuple) else (choice, None, None)
        rows.append((float(value), low, high, verdicts.verdict(value, allowed, low, high)))
    table = pd.DataFrame(rows, index=pd.Index(order, name="reading"), columns=["value", "low", "high", "verdict"])
    return table.assign(flips=table["verdict"] != table["verdict"].iloc[0]).astype({"low": float, "high": float})


def nearest_flip(readings: pd.DataFrame) -> str | None:
    """Return the reading that flips the verdict with the value closest to the chosen reading's, or None."""
    flipping = readings.loc[readings["flips"], "value"]
    if flipping.empty:
        return None
    return str((flipping - readings["value"].iloc[0]).abs().idxmin())


def summary(readings: pd.DataFrame, say: Callable[..., str] = str.format, show: Callable[[float], str] = str) -> str:
    """Return a sentence: how many readings agree with the chosen one, and which of the others comes closest.

    `say` fills values into a sentence, in whatever language, and `show` writes a value of the claim.
    """
    verdict, same, number = readings["verdict"].iloc[0], int((~readings["flips"]).sum()), len(readings)
    nearest = nearest_flip(readings)
    if nearest is None:
        return say("All {number} readings give “{verdict}”.", number=number, verdict=say(verdict))
    flipped = readings.loc[[nearest]]
    agreeing = "Only 1 of {number} readings gives" if same == 1 else "{same} of {number} readings give"
    return say(
        agreeing + " “{verdict}”; the closest other one is {nearest} ({value}: {other}).",
        same=same,
        number=number,
        verdict=say(verdict),
        nearest=nearest,
        value=show(flipped["value"].iloc[0]),
        other=say(flipped["verdict"].iloc[0]),
    )
