import pytest


@pytest.mark.parametrize("n", range(3))
def test_b(value, n):
    assert value == "b"
