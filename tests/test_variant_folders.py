"""The folder of a variant: one name, whatever its parameters are, and never that of another variant."""

import re

import pytest

from shockcheck.variants import variant


@pytest.mark.parametrize("value", ["../../x", "a/b", "", "x" * 300, "ü", "a b", "-"])
def test_a_variants_folder_name_stays_one_name(value):
    name = variant.folder_name("01-a", {"ticker": value})
    assert re.fullmatch(r"01-a-ticker=[A-Za-z0-9_.=+^-]*", name)
    assert len(name) < 200


def test_unlike_parameters_never_share_a_folder():
    names = {variant.folder_name("01-a", {"t": value}) for value in ("a/b", "a_b", "a b", "x" * 300, "x" * 301)}
    assert len(names) == 5
