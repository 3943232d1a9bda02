import pytest


@pytest.fixture
def base(base):
    return [*base, "module"]


@pytest.fixture
def make():
    made = []

    def make(name):
        made.append(name)
        return name

    yield make
    assert made == ["a", "b"]


@pytest.fixture
def indirect(request):
    return request.param * 2


class TestOverride:
    @pytest.fixture
    def base(self, base):
        return [*base, "class"]

    def test_class(self, base):
        assert base == ["conftest", "module", "class"]


def test_module(base):
    assert base == ["conftest", "module"]


def test_factory(make):
    assert make("a") + make("b") == "ab"


@pytest.mark.parametrize("indirect", [1, 2], indirect=True)
@pytest.mark.parametrize("factor", [1, 10])
def test_indirect(indirect, factor):
    assert indirect * factor in (2, 4, 20)


def test_renamed(renamed):
    assert renamed == "renamed"


def test_marked(marked):
    assert marked == 2


@pytest.mark.usefixtures("make")
def test_unused_factory():
    pass


def test_dynamic(request):
    assert request.getfixturevalue("base")


def test_finalizer_order(request):
    order = []
    request.addfinalizer(lambda: order.append(1))
    request.addfinalizer(lambda: order.append(2))


class TestState:
    """Attributes set on the class stay where the class runs."""

    def test_instance_is_new(self):
        assert not hasattr(self, "value")
        self.value = 1

    def test_instance_is_new_again(self):
        assert not hasattr(self, "value")
