"""A fresh copy of a project at the same place for each run, and what is found there afterwards."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import parity_artifacts
import parity_process
from parity_cases import DESCRIPTION, HERE, Case, Project
from parity_junit import read_junit
from parity_python import Interpreter
from parity_text import normalise, normalise_all, normalise_output, summary

# A file whose name would disturb tools that read this tree is kept as NAME.in.
_SUFFIX = ".in"
# Modification times of the copies: known, and apart from each other.
_EPOCH = 1_700_000_000
_DROPPED = re.compile(
    r"(PYTEST|PYTHON|FLEETEST|PARITY|COV|TOX|GITHUB|VIRTUAL_ENV|DJANGO|HYPOTHESIS)"
    r"|(CI|BUILD_NUMBER|NO_COLOR|FORCE_COLOR|PY_COLORS|COLUMNS|LINES|LC_.*|LANGUAGE)$"
)
# Plugins that may load themselves; where others are installed, only those named with -p act.
_OWN_PLUGINS = {"fleetest"}
_GENERATED = {"__pycache__", ".pytest_cache"}
_LAST_NUMBER = re.compile(r"\d+$")


def _copy_project(project: Project, target: Path) -> None:
    """Copy the project's files, with equal modification times in every copy."""
    ignore = shutil.ignore_patterns(DESCRIPTION, "__pycache__", ".*_cache", ".coverage*")
    shutil.copytree(project.files, target, ignore=ignore)
    for path in sorted(target.rglob(f"*{_SUFFIX}")):
        path.rename(path.with_name(path.name.removesuffix(_SUFFIX)))
    for number, path in enumerate(sorted(target.rglob("*"))):
        os.utime(path, (_EPOCH + number, _EPOCH + number))


def _json_or_text(path: Path) -> Any:
    """A JSON file, or what is there instead: pytest itself can fail to write one."""
    text = path.read_text("utf-8", "backslashreplace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _saved_cache(project: Path) -> dict[str, Any]:
    """What pytest's own cache plugins have remembered for the next run."""
    values = project / ".pytest_cache" / "v" / "cache"
    if not values.is_dir():
        return {}
    saved = {path.name: _json_or_text(path) for path in sorted(values.iterdir())}
    if isinstance(saved.get("stepwise"), dict):
        saved["stepwise"].pop("last_cache_date_str", None)
    return saved


def _files(project: Path) -> list[str]:
    """Which files are in the tree, caches left out."""
    found = (path.relative_to(project) for path in project.rglob("*"))
    return sorted(str(path) for path in found if not _GENERATED.intersection(path.parts))


def _temporary(temp: Path) -> list[str]:
    """The temporary folders of the run's tests, whichever worker made them."""
    found = [*temp.glob("pytest-of-*/pytest-*/*"), *temp.glob("pytest-of-*/pytest-*/popen-gw*/*")]
    names = (path.name for path in found if not path.name.startswith("popen-gw"))
    return sorted({_LAST_NUMBER.sub("<n>", name) for name in names})


class Sandbox:
    """One temporary folder; each run makes its project anew, so that all paths are equal."""

    def __init__(self, work: Path, interpreter: Interpreter) -> None:
        self.work = work
        self.interpreter = interpreter
        self.project = work / "project"
        self.temp = work / "temp"
        self.record = work / "record.json"
        self.junit = work / "junit.xml"
        self._site = work / "site-packages"
        self._runtime = work / "runtime"
        self._daemon = False

    def _environment(self, case: Case) -> dict[str, str]:
        bin_folder = str(self.interpreter.executable.parent)
        env = {name: value for name, value in os.environ.items() if not _DROPPED.match(name)}
        env |= {
            "PATH": os.pathsep.join([bin_folder, os.environ.get("PATH", os.defpath)]),
            "HOME": str(self.work / "home"),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "COLUMNS": "80",
            "PYTEST_DEBUG_TEMPROOT": str(self.temp),
            "PARITY_RECORD": str(self.record),
            "XDG_RUNTIME_DIR": str(self._runtime),
            "FLEETEST_DAEMON": "1" if self._daemon else "0",
        }
        if set(self.interpreter.plugins) - _OWN_PLUGINS:
            env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        # The recorder has to be found whatever a case adds to the path.
        paths = [case.env.get("PYTHONPATH", ""), str(self._site)]
        return env | dict(case.env) | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def _prepare(self, project: Project) -> None:
        for path in self.work.iterdir():
            if path not in (self._site, self._runtime):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for folder in (self.temp, self.work / "home", self.work / "scratch"):
            folder.mkdir()
        if not self._site.exists():  # else it stays, and so does what has imported it
            self._runtime.mkdir(mode=0o700)
            self._site.mkdir()
            shutil.copy(HERE / "recorder.py", self._site / "parity_recorder.py")
        _copy_project(project, self.project)

    def _command(
        self, runner: Sequence[str], project: Project, case: Case, recorded: bool
    ) -> list[str]:
        options = ["-p", "parity_recorder"] if recorded else ["-rA"]
        for plugin in project.plugins:
            options += ["-p", plugin]
        if case.junit and recorded:
            options.append(f"--junitxml={self.junit}")
        return [str(self.interpreter.script(runner[0])), *runner[1:], *options]

    def _observe(self, command: list[str], case: Case, recorded: bool) -> dict[str, Any]:
        """Run one command line and gather what can be compared."""
        work = str(self.work)
        self.record.unlink(missing_ok=True)
        self.junit.unlink(missing_ok=True)
        finished = parity_process.run(
            command, self.project / case.cwd, self._environment(case), self.work / "scratch"
        )
        record = json.loads(self.record.read_text("utf-8")) if self.record.exists() else None
        printed = normalise_output(finished.stdout.decode("utf-8", "backslashreplace"), work)
        return {
            "exit": "timeout" if finished.exit is None else finished.exit,
            "stdout": printed,
            "summary": None if recorded else summary(printed),
            "stderr": normalise(finished.stderr.decode("utf-8", "backslashreplace"), work),
            "record": normalise_all(record, work),
            "junit": normalise_all(read_junit(self.junit), work),
            "cache": _saved_cache(self.project),
            "files": _files(self.project),
            "temporary": _temporary(self.temp),
            "left_running": normalise_all(finished.left_running, work),
            "artifacts": normalise_all(
                parity_artifacts.read(case.artifacts, self.project / case.cwd), work
            ),
        }

    def run(
        self, runner: Sequence[str], project: Project, case: Case, recorded: bool = True
    ) -> list[dict[str, Any]]:
        """Run all command lines of a case in a fresh copy; one observation for each.

        :param recorded: with the recorder and a JUnit file; else what is printed has to do
        """
        self._prepare(project)
        command = self._command(runner, project, case, recorded)
        return [self._observe([*command, *args], case, recorded) for args in case.command_lines]

    def run_warm(
        self, runner: Sequence[str], project: Project, case: Case, recorded: bool = True
    ) -> list[dict[str, Any]]:
        """The same by way of a daemon which knows the command lines."""
        self._daemon = True
        try:
            self._prepare(project)
            command = self._command(runner, project, case, recorded)
            for args in case.command_lines:
                self._run_unseen([*command, *args], case)
                self._settle(command[0], case)
            return self.run(runner, project, case, recorded)
        finally:
            self._run_unseen([command[0], "daemon", "stop"], case)
            self._daemon = False

    def _settle(self, runner: str, case: Case) -> None:
        """Wait until the daemon has nothing more to prepare."""
        deadline = time.monotonic() + parity_process.TIMEOUT
        while time.monotonic() < deadline:
            said = self._run_unseen([runner, "daemon", "status", "--json"], case)
            if not said or json.loads(said)["preparing"] == 0:
                return
            time.sleep(0.02)

    def _run_unseen(self, command: list[str], case: Case) -> bytes:
        finished = subprocess.run(
            command,
            cwd=self.project / case.cwd,
            env=self._environment(case),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=parity_process.TIMEOUT,
            check=False,
        )
        return finished.stdout


@contextmanager
def sandbox(interpreter: Interpreter) -> Iterator[Sandbox]:
    """A sandbox whose path has always the same length; gone afterwards."""
    work = Path(tempfile.mkdtemp(prefix="fleetest-parity-"))
    try:
        yield Sandbox(work, interpreter)
    finally:
        shutil.rmtree(work, ignore_errors=True)
