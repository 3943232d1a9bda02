"""Plugins work under the runner as under plain pytest, with the reports that they write."""

from __future__ import annotations

from pathlib import Path

import parity_process
import pytest
from parity_lab import Job, Lab
from parity_python import Interpreter, interpreters


def test_plugin_same_as_pytest(job: Job, lab: Lab) -> None:
    """As for the projects, with the reports of the plugin compared as well."""
    found = lab.start(job).result()
    if found:
        pytest.fail("\n\n".join(found), pytrace=False)


@pytest.mark.parametrize("interpreter", interpreters(), ids=lambda found: found.tag)
def test_benchmarks_say_once_that_there_are_workers(
    interpreter: Interpreter, tmp_path: Path
) -> None:
    """Not every worker that has inherited the collection."""
    if "pytest-benchmark" not in interpreter.distributions:
        pytest.skip("needs pytest-benchmark")
    (tmp_path / "test_it.py").write_text(
        "def test_it(benchmark): benchmark(len, [])\n" * 3, "utf-8"
    )
    options = ("-n", "2", "-p", "pytest_benchmark.plugin", "-p", "no:cacheprovider")
    env = {"PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    env["PYTEST_DEBUG_TEMPROOT"] = str(tmp_path)  # pytest clears up what others have left in /tmp
    command = [str(interpreter.script("fleetest")), *options]
    finished = parity_process.run(command, tmp_path, env, tmp_path)
    assert finished.exit == 0
    assert finished.stderr.count(b"Benchmarks are automatically disabled because xdist") == 1
