"""Facts: sourced figures that belong to no table of their own, and the sources of all rows."""

from functools import lru_cache

import pandas as pd

from shockcheck import tables
from shockcheck.derivations import Quantity, parameter
from shockcheck.errors import DataError
from shockcheck.paths import note

FILE, SOURCES = "data/facts.csv", "data/sources.csv"


def load() -> pd.DataFrame:
    """Every fact, indexed by id: quantity, value (text), unit, as_of, source, status, publisher, title, published, url."""
    note(FILE)
    note(SOURCES)
    return _load()


def ids() -> pd.Index:
    """The ids of all facts."""
    return pd.Index(tables.load("facts", watched=False)["id"])


def _load() -> pd.DataFrame:
    return _joined(tables.as_it_stands("facts"), tables.as_it_stands("sources")).copy()


@lru_cache(maxsize=1)
def _joined(*checksums: str) -> pd.DataFrame:
    """The facts with their sources, read once for each content of the two files: a notebook asks for facts often."""
    return with_sources(tables.load("facts", watched=False)).set_index("id")


def with_sources(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with publisher, title, published and url of each row's source; raises DataError for an unknown source."""
    sources = tables.load("sources", watched=False).rename(columns={"id": "source"}).drop(columns="terms")
    joined = table.merge(sources, on="source", how="left", validate="many_to_one", indicator=True)
    unknown = joined.loc[joined["_merge"] == "left_only", "source"]
    if not unknown.empty:
        raise DataError(f"{SOURCES} has no source {unknown.iloc[0]!r}; add it or correct the row that names it")
    answer = joined.drop(columns="_merge")
    answer.attrs = table.attrs
    if table.attrs.get("table") != "facts":
        _note_sources(answer)
    return answer


def _note_sources(rows: pd.DataFrame) -> None:
    for source in rows["source"].unique():
        note(f"{SOURCES}#{source}")


def cited(*ids: str) -> pd.DataFrame:
    """The facts with these ids, in this order, with all that `load` gives; raises DataError for an unknown id."""
    facts = _load()
    for wanted in ids:
        if wanted not in facts.index:
            raise DataError(f"{FILE} has no fact {wanted!r}; add it or correct the id")
        note(f"{FILE}#{wanted}")
    rows = facts.loc[list(ids)]
    _note_sources(rows)
    return rows


def table(*ids: str) -> pd.DataFrame:
    """The facts with these ids, in this order, as a page shows them; raises DataError for an unknown id."""
    return cited(*ids)[["quantity", "value", "unit", "publisher", "status"]]


def number(wanted: str) -> Quantity:
    """The value of one fact in its unit; raises DataError where there is none of that id or it is not a number."""
    value = table(wanted).at[wanted, "value"]
    if not tables.is_number(value):
        raise DataError(
            f"{FILE}: the value of {wanted!r} is {value!r}, not a number; "
            "write it with a point and nothing between thousands, as 1234.5"
        )
    known = tables.load("facts", watched=False)
    return tables.cells(known[known["id"] == wanted], "value").iloc[0]


def or_given(wanted: str, name: str, value: float) -> Quantity:
    """The fact where the parameter `name` has its value, else the parameter's own, which no source vouches for."""
    fact = number(wanted)
    return fact if fact == value else parameter(name, value, fact.unit)


def labelled(prefix: str, unit: str) -> dict[str, Quantity]:
    """The values of the facts whose id begins with `prefix` and which are in `unit`, by publisher and day."""
    note(f"{FILE}#{prefix}*")
    found = _load()
    found = found[found.index.str.startswith(prefix) & (found["unit"] == unit)]
    labels = found["publisher"].str.split(",").str[0] + ", " + found["as_of"].dt.strftime("%-d %b")
    return {label: number(wanted) for wanted, label in labels.items()}
