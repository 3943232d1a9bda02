import pytest


@pytest.mark.parametrize("n", [1])
def test_one(n):
    pass
