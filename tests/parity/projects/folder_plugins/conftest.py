import pytest

COUNTS = {}


def count(folder, nodeid):
    COUNTS.setdefault(folder, []).append(nodeid)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    for folder, nodeids in sorted(COUNTS.items()):
        terminalreporter.write_line(f"{folder} saw {', '.join(sorted(nodeids))}")


def pytest_runtest_logreport(report):
    if report.when == "call":
        count("root", report.nodeid)
