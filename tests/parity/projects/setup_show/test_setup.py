import pytest


@pytest.fixture
def inner():
    return 1


@pytest.fixture
def outer(inner):
    yield inner + 1


@pytest.fixture(params=["a", "b"], ids=["first", "second"])
def choice(request):
    return request.param


def test_outer(outer):
    pass


def test_choice(choice, inner):
    pass


def test_nothing():
    pass
