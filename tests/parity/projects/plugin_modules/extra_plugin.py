import pytest


def pytest_report_header():
    return "extra plugin is there"


@pytest.fixture
def extra():
    return 1
