import pytest


@pytest.mark.parametrize("n", range(8))
def test_some(n, stop):
    if n == 4:
        stop()
