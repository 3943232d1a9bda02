import pytest

LIVING = {}


def hold(kind, value):
    assert kind not in LIVING, f"{kind} {LIVING.get(kind)} still lives"
    LIVING[kind] = value
    yield value
    assert LIVING.pop(kind) == value


@pytest.fixture(scope="session", params=["red", "green"])
def colour(request):
    yield from hold("colour", request.param)


@pytest.fixture(scope="module", params=[1, 2, 3])
def size(request):
    yield from hold("size", request.param)


@pytest.fixture(scope="class", params=["x", "y"], autouse=False)
def letter(request):
    yield from hold("letter", request.param)
