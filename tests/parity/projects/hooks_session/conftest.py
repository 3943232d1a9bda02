import pytest


def pytest_addoption(parser):
    parser.addoption("--flavour", default="plain", help="an option of conftest")
    parser.addini("taste", "a key of conftest", default="none")


def pytest_report_header(config):
    return ["header of conftest", f"flavour {config.getoption('flavour')}"]


def pytest_report_collectionfinish(items):
    return [f"conftest saw {len(items)} items"]


def pytest_sessionstart(session):
    session.started = True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    assert session.started
    if exitstatus == 1:
        session.exitstatus = 77


def pytest_unconfigure(config):
    assert config.getini("taste") == "none"


@pytest.fixture
def flavour(pytestconfig):
    return pytestconfig.getoption("--flavour")
