import os

import pytest

BREAK = os.environ["BREAK"]


def break_at(place):
    if place == BREAK:
        raise RuntimeError(f"broken {place}")


def pytest_configure():
    if BREAK == "usage":
        raise pytest.UsageError("conftest does not like this")


def pytest_runtest_setup():
    break_at("setup")


def pytest_runtest_makereport():
    break_at("makereport")


def pytest_runtest_logreport():
    break_at("logreport")


def pytest_collection_modifyitems():
    break_at("modifyitems")


def pytest_sessionfinish():
    break_at("sessionfinish")
