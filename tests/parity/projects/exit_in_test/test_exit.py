import pytest


@pytest.fixture
def exits():
    pytest.exit("from a fixture", returncode=17)


@pytest.fixture
def exits_late():
    yield
    pytest.exit("from a teardown")


def test_before():
    pass


def test_before_failing():
    assert False


def test_code():
    print("some output")
    pytest.exit("with a code", returncode=42)


def test_plain():
    pytest.exit("no code given")


def test_zero():
    pytest.exit("code zero", returncode=0)


def test_in_setup(exits):
    pass


def test_in_teardown(exits_late):
    pass


def test_last():
    pass
