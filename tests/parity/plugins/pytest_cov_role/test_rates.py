import pytest
from rates import rate


@pytest.mark.parametrize("country, expected", [("de", 1.19), ("ch", 1.08), ("uk", 1.2)])
def test_known(table, country, expected):
    assert rate(table, country) == expected


def test_unknown(table):
    assert rate(table, "xx") == 1


@pytest.mark.parametrize("country", ["de", "xx"])
def test_empty(country):
    assert rate({}, country) == 1
