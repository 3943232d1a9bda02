import pytest


@pytest.fixture
def broken_late():
    yield
    raise RuntimeError("teardown")


def test_teardown_error(broken_late):
    assert False


@pytest.mark.parametrize("n", range(5))
def test_many(n):
    assert n != 3


def test_last():
    pass
