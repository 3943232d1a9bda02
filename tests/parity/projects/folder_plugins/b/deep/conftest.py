import pytest


@pytest.fixture
def value(value):
    return value * 2


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    report.sections.append(("deep", item.name))
    return report
