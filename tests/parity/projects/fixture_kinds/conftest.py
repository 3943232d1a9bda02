import pytest


@pytest.fixture(autouse=True)
def always(request):
    request.node.user_properties.append(("always", True))


@pytest.fixture
def base():
    return ["conftest"]


@pytest.fixture(name="renamed")
def original_name():
    return "renamed"


@pytest.fixture(params=[pytest.param(1, marks=pytest.mark.xfail), 2], ids=["x", "y"])
def marked(request):
    return request.param
