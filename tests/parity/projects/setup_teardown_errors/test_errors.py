import pytest


@pytest.fixture
def broken_setup():
    print("setup output")
    raise RuntimeError("setup")


@pytest.fixture
def broken_teardown():
    yield 1
    print("teardown output")
    raise RuntimeError("teardown")


@pytest.fixture
def other_broken_teardown():
    yield 2
    raise OSError("other teardown")


@pytest.fixture
def needs_broken(broken_setup):
    return broken_setup


@pytest.fixture
def yields_twice():
    yield 1
    yield 2


@pytest.fixture
def yields_never():
    if False:
        yield


@pytest.fixture
def recursive(recursive_too):
    pass


@pytest.fixture
def recursive_too(recursive):
    pass


@pytest.fixture(scope="module")
def too_wide(broken_teardown):
    pass


@pytest.fixture(params=[1, 2])
def half_broken(request):
    if request.param == 2:
        raise ValueError(request.param)
    return request.param


def test_setup(broken_setup):
    pass


def test_teardown(broken_teardown):
    pass


def test_call_and_teardown(broken_teardown):
    print("call output")
    assert broken_teardown == 2


def test_two_teardowns(broken_teardown, other_broken_teardown):
    pass


def test_setup_through_other(needs_broken):
    pass


def test_setup_after_other_teardown(broken_teardown, broken_setup):
    pass


def test_yields_twice(yields_twice):
    pass


def test_yields_never(yields_never):
    pass


def test_recursive(recursive):
    pass


def test_scope_mismatch(too_wide):
    pass


def test_missing_fixture(no_such_fixture):
    pass


def test_params(half_broken):
    assert half_broken == 1


def test_finalizers(request):
    request.addfinalizer(lambda: 1 / 0)
    request.addfinalizer(lambda: [][0])


class TestXunitStyle:
    def setup_method(self, method):
        if method.__name__ == "test_setup":
            raise RuntimeError("setup_method")

    def teardown_method(self, method):
        if method.__name__ == "test_teardown":
            raise RuntimeError("teardown_method")

    def test_setup(self):
        pass

    def test_teardown(self):
        pass

    def test_neither(self):
        pass
