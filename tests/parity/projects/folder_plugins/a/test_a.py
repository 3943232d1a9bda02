import pytest


@pytest.mark.parametrize("n", range(3))
def test_a(value, n):
    assert value == "a"
