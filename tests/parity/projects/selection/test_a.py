import pytest


def test_one():
    pass


def test_one_slow():
    pass


@pytest.mark.parametrize("n", [1, 2, 3])
def test_param(n):
    assert n != 3


class TestGroup:
    def test_one(self):
        pass

    def test_two(self):
        assert False
