import pytest


@pytest.fixture
def value():
    return "a"


def pytest_runtest_logreport(report):
    import conftest

    if report.when == "call":
        conftest.count("a", report.nodeid)


def pytest_runtest_logstart(nodeid):
    assert nodeid.startswith("a/")


def pytest_runtest_logfinish(nodeid):
    assert nodeid.startswith("a/")
