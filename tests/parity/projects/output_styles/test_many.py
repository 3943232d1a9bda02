import pytest


@pytest.mark.parametrize("n", range(90))
def test_many(n):
    """Takes more than one line of dots."""


def test_skipped():
    pytest.skip("a reason that does not fit into the rest of the line, wherever that is")


def test_fails():
    value = {"a": [1, 2, 3]}
    assert value == {}
