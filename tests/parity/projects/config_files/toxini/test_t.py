import pytest


@pytest.fixture
def used():
    print("used by ini")


def test_t():
    assert False
