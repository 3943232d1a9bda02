def pytest_report_teststatus(report, config):
    if report.when == "call" and report.passed and "slow" in report.nodeid:
        return "slow", "S", ("SLOW", {"yellow": True})
    if report.when == "call" and report.failed and "flaky" in report.nodeid:
        return "flaky", "~", "FLAKY"
    if report.when == "teardown" and "noisy" in report.nodeid:
        return "noise", "n", "NOISY"
    if report.when == "setup" and "silent" in report.nodeid:
        return "", "", ""
    return None


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    terminalreporter.section("summary of conftest")
    for category in sorted(terminalreporter.stats):
        reports = terminalreporter.stats[category]
        ids = sorted(report.nodeid for report in reports)
        terminalreporter.line(f"{category or 'silent'}: {len(reports)} {' '.join(ids)}")
    terminalreporter.line(f"exit status {int(exitstatus)}")
