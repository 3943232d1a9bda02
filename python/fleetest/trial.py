"""A session on its way to its tests that is watched, and runs none of them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from fleetest import _core, randomness
from fleetest.hookpoint import before_next_call
from fleetest.options import RESUMABLE
from fleetest.plumbing import captured_fds, raise_fd
from fleetest.process import files_open_for_writing
from fleetest.recorded_variables import RecordedVariables
from fleetest.safety import unsafe_to_fork
from fleetest.stages import Stage
from fleetest.startup_hooks import unknown_startup_hooks
from fleetest.watching import LIBRARY, ROLE_VARIABLES, Finding, Watcher, root, tools


@dataclass(frozen=True)
class Look:
    """A path, program or the like that somebody looked at first: see ``src/trace/trace.h``."""

    kind: int
    aspect: int
    failed: int
    """The errno; 0: it succeeded."""
    path: str
    who: str
    """``conftest.py:3``; empty: pytest or the library, for themselves."""
    seen: bytes = b""
    """What was there then, for :func:`_core.take_inputs`."""


def look_of(entry: tuple[int, int, int, bytes, str, bytes]) -> Look:
    """Make one of what :mod:`fleetest._core` has recorded."""
    kind, aspect, failed, what, who, seen = entry
    path = os.fsdecode(what)
    if kind == _core.TRACE_MOMENT:
        path, _, who = path.partition(" ")
    return Look(kind, aspect, failed, path, who, seen)


@dataclass
class Findings:
    """What a session has done on its way."""

    looks: list[Look] = field(default_factory=list)
    """In the order of first sight."""
    missed: bool = False
    """There was more than could be recorded, or nothing could be."""
    variables: dict[str, str] = field(default_factory=dict)
    """Name -> who asked first; ``*``: all of them."""
    resumable: list[str] = field(default_factory=list)
    """Packages, and files, of which the user says that others can go on from there."""
    plugins: list[str] = field(default_factory=list)
    """Why others cannot go on from where these have come to."""
    found: list[Finding] = field(default_factory=list)
    """What keeps others from sharing it."""
    found_for_runs: list[str] = field(default_factory=list)
    """Likewise only other runs, and not workers."""
    drawn: list[str] = field(default_factory=list)
    """What two runs cannot share, and one can have: random numbers."""
    root: str = ""
    tests: int = -1
    """How many were collected; negative: it did not come so far."""
    verbose: bool = False
    """The user wants to see everything."""
    errors: int = 0
    """How often collecting failed."""


class _Variables(RecordedVariables):
    """Also remembers who asked first, and tells who asks for a worker's variables."""

    def __init__(self, data: dict[bytes, bytes]) -> None:
        super().__init__(data)
        self.askers: dict[bytes, str] = {}
        self.watcher: Watcher | None = None

    def _note(self, key: Any) -> None:
        super()._note(key)
        if key not in self.askers:
            self.askers[key] = self.watcher.who() if self.watcher else ""

    def __getitem__(self, key: Any) -> Any:
        if self.watcher is not None and key in ROLE_VARIABLES:
            self.watcher.asked(os.fsdecode(key))
        return super().__getitem__(key)


class Trial:
    """One such session.  It has no terminal: what it prints goes nowhere that matters."""

    def __init__(self) -> None:
        self.findings = Findings()
        self.output = b""
        """What it has printed."""
        self.watcher = Watcher(thorough=True)
        self.changes: dict[bytes, bytes | None] = {}
        """What the session has set in the environment, or deleted (None)."""
        self.variables: _Variables | None = None
        self._config: pytest.Config | None = None
        self._has_arrived = False
        self._taken = 0
        """How many looks were taken from what is recorded."""

    def run(self, plugin: object) -> int:
        """Have the session, until right before ``pytest_collection_modifyitems`` is called; its exit code.

        :param plugin: brings fleetest into it
        """
        printed = raise_fd(os.memfd_create("fleetest output", os.MFD_CLOEXEC))
        kept = [raise_fd(os.dup(number)) for number in range(3)]
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, fd in enumerate((nothing, printed, printed)):
            os.dup2(fd, number)
        os.close(nothing)
        self.record()
        try:
            return int(pytest.main(plugins=[plugin]))
        finally:
            self.stop()
            sys.stdout.flush()
            sys.stderr.flush()
            self.output = os.pread(printed, os.fstat(printed).st_size, 0)
            os.close(printed)
            for number, fd in enumerate(kept):
                os.dup2(fd, number)
                os.close(fd)

    def record(self) -> None:
        """From now on."""
        self.variables = _Variables.start()
        self.findings.missed = not _core.trace_start(LIBRARY, tools(), root("fleetest"))

    def begin(self, config: pytest.Config) -> None:
        """Watch the session of this configuration, whose conftests are yet to be imported."""
        assert self.variables is not None
        self._config = config
        manager: Any = config.pluginmanager
        self.variables.watcher = self.watcher
        self.watcher.start(config, self.variables)
        config.add_cleanup(self.stop)

        def before_conftests() -> None:
            self.watcher.stage = Stage.CONFTESTS
            before_next_call(manager, "pytest_cmdline_main", before_configuration)

        def before_configuration() -> None:
            self.watcher.stage = Stage.CONFIGURATION
            before_next_call(manager, "pytest_sessionstart", before_session)

        def before_session() -> None:
            self.configured(config)
            before_next_call(manager, "pytest_collection_modifyitems", self._arrive)

        before_next_call(manager, "pytest_load_initial_conftests", before_conftests)

    def configured(self, config: pytest.Config) -> None:
        """The session is about to start."""

    def _arrive(self) -> None:
        """The session has come as far as it is prepared: look at what is there, and stop."""
        if self._has_arrived:  # in a run that went on from before the end of the collection
            return
        self._has_arrived = True
        config = self._config
        assert config is not None
        session: Any = config.pluginmanager.get_plugin("session")
        findings, watcher = self.findings, self.watcher
        findings.root = str(config.rootpath)
        findings.verbose = config.option.verbose > 0
        findings.tests = len(session.items)
        findings.errors = session.testsfailed
        findings.resumable = config.getini(RESUMABLE)
        findings.plugins = [*unknown_startup_hooks(config)]
        watcher.look(files_open_for_writing() - captured_fds(config), ())
        if randomness.was_drawn():
            watcher.saw_draw("random numbers were drawn")
        self.stop()
        watcher.bar(unsafe_to_fork(config))  # by a fork of its own
        self.arrived(config, session)

    def arrived(self, config: pytest.Config, session: pytest.Session) -> None:
        """Everything is collected: that was it."""
        pytest.exit("it was only looked at", 0)

    def look_so_far(self) -> None:
        """Take what was recorded by now; recording is held."""
        self._take(_core.trace_looks(self._taken))

    def _take(self, looks: list[tuple[int, int, int, bytes, str, bytes]]) -> None:
        self._taken += len(looks)
        self.saw([*map(look_of, looks)])

    def saw(self, looks: list[Look]) -> None:
        """These were made since the last ones."""
        self.findings.looks += looks

    def stop(self) -> None:
        """Watch no more."""
        variables, self.variables = self.variables, None
        if variables is None:
            return
        findings = self.findings
        missed, looks = _core.trace_stop(self._taken)
        findings.missed = findings.missed or missed
        self._take(looks)
        variables.stop()
        self.changes = variables.changes()
        findings.variables = {os.fsdecode(name): who for name, who in variables.askers.items()}
        self.watcher.stop()
        findings.found = self.watcher.found
        findings.found_for_runs = self.watcher.found_for_runs
        findings.drawn = self.watcher.drawn
