import enum

import pytest


class Colour(enum.Enum):
    RED = 1


class Nothing:
    pass


@pytest.mark.parametrize(
    "value",
    [None, True, 1, -1.5, 1e100, float("nan"), 1j, b"\xff\x00a", Colour.RED, Nothing, len, {}, []],
)
def test_kinds(value):
    pass
