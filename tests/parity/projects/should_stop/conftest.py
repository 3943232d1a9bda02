import os

import pytest

BY = os.environ["STOP_BY"]


class Watcher:
    """Counts reports where they are reported."""

    def __init__(self, session):
        self.session = session
        self.passed = 0

    def pytest_runtest_logreport(self, report):
        self.passed += report.when == "call"
        if self.passed == 3 and BY == "shouldstop in logreport":
            self.session.shouldstop = "three are enough"
        if self.passed == 3 and BY == "shouldfail in logreport":
            self.session.shouldfail = "three are too many"


def pytest_sessionstart(session):
    session.config.pluginmanager.register(Watcher(session))
    if BY == "shouldstop in sessionstart":
        session.shouldstop = "before the start"


def pytest_collection_modifyitems(session):
    if BY == "shouldstop in collection":
        session.shouldstop = "after the collection"


@pytest.fixture
def stop(request):
    def stop():
        if BY == "shouldstop in test":
            request.session.shouldstop = "a test said stop"
        if BY == "shouldfail in test":
            request.session.shouldfail = "a test said fail"

    return stop
