import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.sections.append((f"Made by conftest ({call.when})", f"about {item.name}"))
    report.extra_list = [call.when]
    if call.when == "call" and "turn" in item.name:
        report.outcome = "failed"
        report.longrepr = "turned by conftest"
    if call.when == "call" and call.excinfo is not None and item.get_closest_marker("forgive"):
        report.outcome = "passed"
        report.longrepr = None
    if call.excinfo is not None:
        item.user_properties.append(("exception", call.excinfo.typename))
    setattr(item, f"report_{call.when}", report)


@pytest.fixture
def outcome_in_teardown(request):
    yield
    print("the call has", request.node.report_call.outcome)
    assert request.node.report_call.passed


def pytest_exception_interact(node, report):
    report.sections.append(("Interaction", node.name))


def pytest_configure(config):
    config.addinivalue_line("markers", "forgive: failures count as passes")


class Extras:
    """Attributes that conftest puts on reports arrive where they are reported."""

    seen = {}

    def pytest_runtest_logreport(self, report):
        self.seen.setdefault(report.nodeid, []).extend(report.extra_list)

    def pytest_terminal_summary(self, terminalreporter):
        for nodeid, extras in sorted(self.seen.items()):
            terminalreporter.write_line(f"{nodeid}: {extras}")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session):
    session.config.pluginmanager.register(Extras())
