import pytest


@pytest.mark.parametrize("missing", [1, 2])
def test_without_argument():
    pass


@pytest.mark.parametrize("a, b", [(1, 2), (3,)])
def test_uneven(a, b):
    pass
