import sys

import pytest


@pytest.fixture
def keyboard_setup():
    raise KeyboardInterrupt


@pytest.fixture
def keyboard_teardown():
    yield
    raise KeyboardInterrupt("in teardown")


@pytest.fixture
def leaves_setup():
    sys.exit("leaving setup")


@pytest.fixture
def leaves_teardown():
    yield
    sys.exit(0)


def test_before():
    pass


def test_before_failing():
    assert False


def test_system_exit():
    sys.exit(5)


def test_system_exit_zero():
    print("output before leaving")
    sys.exit(0)


def test_system_exit_none():
    raise SystemExit


def test_exit_builtin():
    raise SystemExit("a text")


def test_leaves_setup(leaves_setup):
    pass


def test_leaves_teardown(leaves_teardown):
    pass


def test_expected_exit():
    with pytest.raises(SystemExit):
        sys.exit(1)


def test_generator_exit():
    raise GeneratorExit


def test_keyboard_in_call():
    print("output before the interrupt")
    raise KeyboardInterrupt("in a test")


def test_keyboard_in_setup(keyboard_setup):
    pass


def test_keyboard_in_teardown(keyboard_teardown):
    pass


def test_after():
    pass
