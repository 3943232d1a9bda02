import pytest


def test_passes():
    pass


@pytest.fixture
def broken():
    raise RuntimeError


def test_error(broken):
    pass


class TestClass:
    def test_method(self):
        assert False
