import pytest


@pytest.mark.parametrize("n", range(10))
def test_many(n):
    assert n != 7


def test_skips():
    pytest.skip("reason")


@pytest.fixture
def broken():
    raise RuntimeError("setup")


def test_error(broken):
    pass
