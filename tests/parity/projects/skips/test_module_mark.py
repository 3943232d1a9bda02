import pytest

pytestmark = pytest.mark.skip(reason="module mark")


def test_one():
    raise AssertionError


def test_two():
    raise AssertionError
