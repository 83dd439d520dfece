"""Facts and their sources: by id, by prefix and unit, and what is said of those that there are not."""

import pandas as pd
import pytest

from shockcheck.data import facts, tables
from shockcheck.errors import DataError

pytestmark = pytest.mark.usefixtures("sample")


def test_facts_by_prefix_and_unit():
    assert facts.labelled("bank-rate", "USD per EUR") == {
        "Der Musterbote, 6 Mar": 0.9315,
        "Der Musterbote, 7 Mar": 0.9308,
    }
    assert facts.labelled("bank-rate", "JPY per EUR") == {}


def test_an_unknown_fact_and_a_fact_that_is_no_number():
    with pytest.raises(DataError, match="has no fact 'x'"):
        facts.table("x")
    with pytest.raises(DataError, match="not a number"):
        facts.number("scope")


def test_an_unknown_source_is_noticed_at_the_join():
    with pytest.raises(DataError, match="has no source 'nobody'"):
        facts.with_sources(pd.DataFrame({"source": ["nobody"]}))


def test_an_unknown_table():
    with pytest.raises(DataError, match="describes no table 'x'"):
        tables.load("x")
