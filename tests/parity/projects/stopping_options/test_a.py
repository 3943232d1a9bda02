import pytest


@pytest.fixture
def broken():
    raise RuntimeError("setup")


@pytest.fixture
def broken_late():
    yield
    raise RuntimeError("teardown")


def test_passes():
    pass


@pytest.mark.xfail
def test_expected():
    assert False


def test_fails():
    assert False


def test_passes_too():
    pass


def test_error(broken):
    pass
