"""Facts: sourced figures that belong to no table of their own, and the sources of all rows."""

from functools import lru_cache

import pandas as pd

from shockcheck.data import tables
from shockcheck.errors import DataError
from shockcheck.project.context import note
from shockcheck.quantities import Quantity, parameter

__all__ = ["cited", "labelled", "load", "number", "or_given", "table", "with_sources"]

FILE, SOURCES = "data/facts.csv", "data/sources.csv"


def load() -> pd.DataFrame:
    """Return every fact, indexed by id.

    Columns quantity, value (text), unit, as_of, source, status, publisher, title, published and url.
    """
    note(FILE)
    note(SOURCES)
    return _load()


def ids() -> pd.Index:
    """Return the ids of all facts."""
    facts = tables.load("facts", watched=False)
    return facts.set_index("id").index


def _load() -> pd.DataFrame:
    return _joined(tables.checksum_now("facts"), tables.checksum_now("sources")).copy()


@lru_cache(maxsize=1)
def _joined(*checksums: str) -> pd.DataFrame:
    """Return the facts with their sources; the checksums are the key of the cache, since notebooks ask for facts often."""
    return with_sources(tables.load("facts", watched=False)).set_index("id")


def with_sources(table: pd.DataFrame) -> pd.DataFrame:
    """Return `table` with publisher, title, published and url of each row's source; raises DataError for unknown sources."""
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
    """Return the facts with these ids, in this order, with the columns of `load`; raises DataError for an unknown id."""
    facts = _load()
    for fact_id in ids:
        if fact_id not in facts.index:
            raise DataError(f"{FILE} has no fact {fact_id!r}; add it or correct the id")
        note(f"{FILE}#{fact_id}")
    rows = facts.loc[list(ids)]
    _note_sources(rows)
    return rows


def table(*ids: str) -> pd.DataFrame:
    """Return the facts with these ids, in this order, as a page shows them; raises DataError for an unknown id."""
    return cited(*ids)[["quantity", "value", "unit", "publisher", "status"]]


def number(fact_id: str) -> Quantity:
    """Return the value of a fact in its unit; raises DataError for an unknown id or a value that is not a number."""
    value = str(table(fact_id).at[fact_id, "value"])
    if not tables.is_number(value):
        raise DataError(
            f"{FILE}: the value of {fact_id!r} is {value!r}, not a number; "
            "write it with a point and nothing between thousands, as 1234.5"
        )
    known = tables.load("facts", watched=False)
    quantity: Quantity = tables.cells(known[known["id"] == fact_id], "value").iloc[0]
    return quantity


def or_given(fact_id: str, name: str, value: float) -> Quantity:
    """Return the fact if the parameter `name` has its value, else the parameter, which no source vouches for."""
    fact = number(fact_id)
    return fact if fact == value else parameter(name, value, fact.unit)


def labelled(prefix: str, unit: str) -> dict[str, Quantity]:
    """Return the values in `unit` of the facts whose id begins with `prefix`, by labels like 'Publisher, 7 Mar'."""
    note(f"{FILE}#{prefix}*")
    facts = _load()
    facts = facts[facts.index.str.startswith(prefix) & (facts["unit"] == unit)]
    labels = facts["publisher"].str.split(",").str[0] + ", " + facts["as_of"].dt.strftime("%-d %b")
    return {label: number(fact_id) for fact_id, label in zip(facts.index, labels, strict=True)}
