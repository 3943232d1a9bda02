import time

import pytest


def test_quick():
    pass


@pytest.mark.timeout(0.2)
def test_marked():
    time.sleep(10)


@pytest.fixture
def slow():
    time.sleep(10)


@pytest.mark.timeout(0.2)
def test_slow_fixture(slow):
    pass


@pytest.mark.timeout(0.2, func_only=True)
def test_func_only():
    time.sleep(10)


def test_quick_after():
    pass
