"""pytest plugin: `-p corpus_record`, with CORPUS_OUT=FILE.json in the environment.

Records nodeid -> outcome on the side that *reports* (the controller of a distributed run), so it
works for plain pytest, pytest-xdist, and any runner that fires pytest_runtest_logreport.
Outcomes: passed failed skipped xfailed xpassed error; a subtest has its own key "NODEID <subtest N>",
a collection error or a module-level skip "NODEID <collect>".
A test reported more than once keeps every outcome, joined by "+" ("passed+passed").
"""

import json
import os

import pytest


def outcome_of(reports):
    """One outcome from the setup/call/teardown reports of one run of one test."""
    if any(r == ("setup", "failed") or r == ("teardown", "failed") for r in reports):
        return "error"
    for when, outcome in reports:
        if outcome != "passed" or when == "call":
            return outcome
    return "incomplete"  # no call report came: a crashed worker, or a lost report


class Recorder:
    def __init__(self, path):
        self.path, self.open, self.done, self.subtests = path, {}, {}, {}

    def add(self, key, outcome):
        self.done[key] = f"{self.done[key]}+{outcome}" if key in self.done else outcome

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        xfail, outcome = hasattr(report, "wasxfail"), report.outcome
        if xfail:
            outcome = {"skipped": "xfailed", "passed": "xpassed"}.get(outcome, outcome)
        context = getattr(report, "context", None)
        if context is not None and hasattr(context, "kwargs"):  # a subtest's report
            n = self.subtests[report.nodeid] = self.subtests.get(report.nodeid, 0) + 1
            self.add(
                f"{report.nodeid} <subtest {n}>", outcome
            )  # xdist reprs kwargs again: count instead
            return
        if report.when not in ("setup", "call", "teardown"):  # xdist's report of a crashed worker
            self.add(report.nodeid, "crashed")
            return
        self.open.setdefault(report.nodeid, []).append((report.when, outcome))
        if report.when == "teardown":
            self.add(report.nodeid, outcome_of(self.open.pop(report.nodeid)))

    def pytest_collectreport(self, report):
        if report.outcome != "passed":
            self.done[f"{report.nodeid} <collect>"] = "error" if report.failed else "skipped"

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        if hasattr(
            session.config, "workerinput"
        ):  # a worker must not write; asked late, on purpose
            return
        for nodeid, reports in self.open.items():
            self.add(nodeid, outcome_of(reports))
        self.open = {}
        dists = session.config.pluginmanager.list_plugin_distinfo()
        names = sorted({dist.project_name for _, dist in dists})
        with open(self.path + ".tmp", "w") as f:
            json.dump({"exit": int(exitstatus), "plugins": names, "outcomes": self.done}, f)
        os.replace(self.path + ".tmp", self.path)


def pytest_configure(config):
    if os.environ.get("CORPUS_OUT"):
        config.pluginmanager.register(Recorder(os.environ["CORPUS_OUT"]), "corpus-recorder")
