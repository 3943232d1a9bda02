import time

import pytest


@pytest.fixture
def slow_setup():
    time.sleep(0.3)
    yield
    time.sleep(0.1)


def test_slowest():
    time.sleep(0.45)


def test_slow_fixture(slow_setup):
    time.sleep(0.2)


def test_quick():
    pass
