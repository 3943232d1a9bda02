"""Compares a runner with plain pytest, case by case, ahead of need and with remembered results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity_cases import HERE, Case, Project
from parity_diff import differences
from parity_python import Interpreter
from parity_sandbox import Sandbox, sandbox

DEFAULT_RUNNER = "fleetest -n 2"
PLAIN = ("pytest",)


@dataclass(frozen=True)
class Mode:
    """How the runner is called, and whether it then promises plain pytest's order and output."""

    words: Sequence[str]
    in_order: bool
    # Without the plugin that records, and without JUnit: nobody listens to a test that passes.
    recorded: bool = True
    # By way of the daemon, after the same has been run once.
    warm: bool = False


MODES = {
    "free": Mode((), in_order=False),
    "ordered": Mode(("--ordered",), in_order=True),
    "unheard": Mode((), in_order=False, recorded=False),
    "serial": Mode(("-n", "0"), in_order=True),
    "warm": Mode((), in_order=False, warm=True),
    "warm-ordered": Mode(("--ordered",), in_order=True, warm=True),
    # Without the recorder, which keeps what is a run's own: from snapshots, where there can be some.
    "snapshot": Mode((), in_order=False, recorded=False, warm=True),
    "snapshot-ordered": Mode(("--ordered",), in_order=True, recorded=False, warm=True),
    "configure": Mode(("--start-method=configure",), in_order=False),
    "conftests": Mode(("--start-method=conftests",), in_order=False),
    "spawn": Mode(("--start-method=spawn",), in_order=False),
    # For a runner that keeps the order by itself: "pytest" shows which cases are not repeatable.
    "identical": Mode((), in_order=True),
}
DEFAULT_MODES = "free,ordered,unheard"


@dataclass(frozen=True, eq=False)
class Job:
    """One case of one project under one interpreter."""

    interpreter: Interpreter
    project: Project
    index: int

    @property
    def case(self) -> Case:
        """The case that is meant."""
        return self.project.cases[self.index]


def jobs(projects: Sequence[Project], environments: Sequence[Interpreter]) -> list[Job]:
    """All cases of all projects under all interpreters."""
    return [
        Job(interpreter, project, index)
        for interpreter in environments
        for project in projects
        for index in range(len(project.cases))
    ]


def _fingerprint(job: Job) -> str:
    """Changes with anything that can change what plain pytest does or how it is recorded."""
    digest = hashlib.sha256(repr((job.interpreter, job.index, job.project.plugins)).encode())
    for path in sorted([*HERE.glob("*.py"), *job.project.files.rglob("*")]):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"\0{path}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


class Lab:
    """Runs jobs; ``memory`` is a folder for plain pytest's observations, if wanted."""

    def __init__(
        self,
        runner: Sequence[str],
        modes: Sequence[str],
        *,
        memory: Path | None = None,
        threads: int = 1,
    ) -> None:
        self.runner = tuple(runner)
        self.modes = [MODES[mode] for mode in modes]
        self.memory = memory
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._started: dict[Job, Future[list[str]]] = {}

    def _plain(self, job: Job, box: Sandbox, recorded: bool) -> list[dict[str, Any]]:
        """What plain pytest does, from memory where nothing has changed."""
        if self.memory is None:
            return box.run(PLAIN, job.project, job.case, recorded)
        name = f"{_fingerprint(job)}{'' if recorded else '-unheard'}"
        remembered = self.memory / f"{name}.json"
        if not remembered.exists():
            fresh = remembered.with_suffix(".new")
            found = box.run(PLAIN, job.project, job.case, recorded)
            fresh.write_text(json.dumps(found), "utf-8")
            fresh.replace(remembered)
        observations: list[dict[str, Any]] = json.loads(remembered.read_text("utf-8"))
        return observations

    def compare(self, job: Job) -> list[str]:
        """Run a job now; a readable text for each difference."""
        command = job.interpreter.script(self.runner[0])
        if not command.exists():
            return [f"no command {command}"]
        found = []
        plains: dict[bool, list[dict[str, Any]]] = {}
        with sandbox(job.interpreter) as box:
            for mode in self.modes:
                if mode.in_order and not job.case.ordered:
                    continue
                if mode.recorded not in plains:
                    plains[mode.recorded] = self._plain(job, box, mode.recorded)
                plain = plains[mode.recorded]
                runner = [*self.runner, *mode.words]
                run = box.run_warm if mode.warm else box.run
                other = run(runner, job.project, job.case, mode.recorded)
                for number, (left, right) in enumerate(zip(plain, other, strict=True)):
                    words = [*self.runner, *mode.words, *job.case.command_lines[number]]
                    found += [
                        f"{' '.join(words)}\n{difference}"
                        for difference in differences(left, right, job.case, mode.in_order)
                    ]
        return found

    def start(self, job: Job) -> Future[list[str]]:
        """Have a job done in the background; the same job is done once."""
        if job not in self._started:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.threads)
            self._started[job] = self._pool.submit(self.compare, job)
        return self._started[job]

    def close(self) -> None:
        """Forget what was started and not waited for."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
