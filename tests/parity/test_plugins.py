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
    finished = _fleetest(interpreter, tmp_path, "-p", "pytest_benchmark.plugin")
    assert finished.exit == 0
    assert finished.stderr.count(b"Benchmarks are automatically disabled because xdist") == 1


def _fleetest(interpreter: Interpreter, project: Path, *options: str) -> parity_process.Finished:
    """Run two workers with no plugins but those that are named."""
    env = {"PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    env["FLEETEST_DAEMON"] = "0"  # it would stay
    env["PYTEST_DEBUG_TEMPROOT"] = str(project)  # pytest clears up what others have left in /tmp
    command = [str(interpreter.script("fleetest")), "-n", "2", "-p", "no:cacheprovider", *options]
    return parity_process.run(command, project, env, project)


@pytest.mark.parametrize("interpreter", interpreters(), ids=lambda found: found.tag)
def test_a_replacement_leaves_what_others_measure(interpreter: Interpreter, tmp_path: Path) -> None:
    """Where its session begins anew, pytest-cov would remove the coverage that others have open."""
    if "pytest-cov" not in interpreter.distributions:
        pytest.skip("needs pytest-cov")
    (tmp_path / "measured.py").write_text("def first():\n    return 1\n", "utf-8")
    (tmp_path / "conftest.py").write_text(
        "import os, pathlib\n"
        "if os.environ.get('PYTEST_XDIST_WORKER') == 'gw2':\n"
        "    pathlib.Path(__file__).with_name('gw2').touch()\n",
        "utf-8",
    )
    (tmp_path / "test_it.py").write_text(
        "import os, pathlib, pytest, time, measured\n"
        "def wait_for(name):\n"
        "    end = time.monotonic() + 30\n"
        "    while not pathlib.Path(name).exists():\n"
        "        assert time.monotonic() < end\n"
        "@pytest.mark.parametrize('number', range(12))\n"
        "def test_it(number, worker_id):\n"
        "    if worker_id == 'gw0':\n"
        "        measured.first()\n"
        "        pathlib.Path('measuring').touch()\n"
        "        wait_for('gw2')\n"
        "    elif worker_id == 'gw1':\n"
        "        wait_for('measuring')\n"
        "        os._exit(3)\n",
        "utf-8",
    )
    options = ("-p", "pytest_cov", "--cov=measured", "--cov-context=test", "--cov-report=term")
    finished = _fleetest(interpreter, tmp_path, *options)
    assert finished.exit == 1, finished.stdout + finished.stderr
    assert b"1 failed, 11 passed" in finished.stdout
    assert b"measured.py       2      0   100%" in finished.stdout
