import pytest


def test_colour(colour):
    assert colour


def test_colour_and_size(colour, size):
    assert colour and size


@pytest.mark.parametrize("size", [7, 8], indirect=True, scope="module")
def test_indirect(size):
    assert size in (7, 8)


@pytest.mark.parametrize("colour", ["blue"], scope="session")
def test_overridden(colour):
    assert colour == "blue"
