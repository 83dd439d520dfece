"""Facts: sourced figures that belong to no table of their own, and the sources of all rows."""

import pandas as pd

from shockcheck import tables
from shockcheck.derivations import Quantity, parameter
from shockcheck.errors import DataError


def load() -> pd.DataFrame:
    """Every fact, indexed by id: quantity, value (text), unit, as_of, source, status, publisher, title, published, url."""
    facts = with_sources(tables.load("facts"))
    return facts.set_index("id")


def with_sources(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with publisher, title, published and url of each row's source; raises DataError for an unknown source."""
    sources = tables.load("sources").rename(columns={"id": "source"}).drop(columns="terms")
    joined = table.merge(sources, on="source", how="left", validate="many_to_one", indicator=True)
    unknown = joined.loc[joined["_merge"] == "left_only", "source"]
    if not unknown.empty:
        raise DataError(f"data/sources.csv has no source {unknown.iloc[0]!r}; add it or correct the row that names it")
    answer = joined.drop(columns="_merge")
    answer.attrs = table.attrs
    return answer


def table(*ids: str) -> pd.DataFrame:
    """The facts with these ids, in this order, as a page shows them; raises DataError for an unknown id."""
    facts = load()
    for wanted in ids:
        if wanted not in facts.index:
            raise DataError(f"data/facts.csv has no fact {wanted!r}; add it or correct the id")
    return facts.loc[list(ids), ["quantity", "value", "unit", "publisher", "status"]]


def number(wanted: str) -> Quantity:
    """The value of one fact in its unit; raises DataError where there is none of that id or it is not a number."""
    value = table(wanted).at[wanted, "value"]
    try:
        float(value)
    except ValueError:
        raise DataError(f"data/facts.csv: the value of {wanted!r} is {value!r}, not a number") from None
    known = tables.load("facts")
    return tables.cells(known[known["id"] == wanted], "value").iloc[0]


def or_given(wanted: str, name: str, value: float) -> Quantity:
    """The fact where the parameter `name` has its value, else the parameter's own, which no source vouches for."""
    fact = number(wanted)
    return fact if fact == value else parameter(name, value, fact.unit)


def labelled(prefix: str, unit: str) -> dict[str, Quantity]:
    """The values of the facts whose id begins with `prefix` and which are in `unit`, by publisher and day."""
    found = load()
    found = found[found.index.str.startswith(prefix) & (found["unit"] == unit)]
    labels = found["publisher"].str.split(",").str[0] + ", " + found["as_of"].dt.strftime("%-d %b")
    return {label: number(wanted) for wanted, label in labels.items()}
