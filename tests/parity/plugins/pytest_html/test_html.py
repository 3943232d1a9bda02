import pytest


def test_passes():
    print("output in the report")


def test_fails():
    assert 1 == 2


def test_skips():
    pytest.skip("reason")


@pytest.mark.xfail
def test_xfails():
    assert False


@pytest.mark.xfail
def test_xpasses():
    pass


@pytest.fixture
def broken():
    raise RuntimeError("setup")


@pytest.fixture
def broken_late():
    yield
    raise RuntimeError("teardown")


def test_error(broken):
    pass


def test_late_error(broken_late):
    pass


def test_extras(extras):
    import pytest_html

    extras.append(pytest_html.extras.text("an extra"))
    extras.append(pytest_html.extras.json({"a": 1}))


@pytest.mark.parametrize("n", range(4))
def test_params(n):
    assert n < 3
