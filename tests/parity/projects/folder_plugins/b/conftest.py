import pytest


@pytest.fixture
def value():
    return "b"


def pytest_runtest_logreport(report):
    import conftest

    if report.when == "call":
        conftest.count("b", report.nodeid)


def pytest_report_teststatus(report):
    if report.when == "call" and report.passed:
        return "passed", "b", "PASSED-B"
    return None
