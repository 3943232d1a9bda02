"""Runs a project through a daemon that has prepared for it, changes it, and compares with plain pytest."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest
from lab import FLEETEST, TIMEOUT, Project, Result
from parity_text import normalise_output
from tree import Tree

FLAGS = ("--ordered", "-n2")
"""With which fleetest promises the output of plain pytest."""

ARGS = ("-v", "-rA")
"""With which every outcome is shown."""

SETTLE_SECONDS = 20.0
"""How long a daemon may take to prepare what it wants to."""

_NUMBER = re.compile(r"\bpytest-\d+(?![\d.])")
_AGO = re.compile(r"(?<=cache from )\d+:\d\d:\d\d")
"""Of stepwise."""
_FRAME = re.compile(r"^INTERNALERROR> {3}.*\n", re.MULTILINE)
"""Where an internal error came through: plugins of the runner may be among it."""
_ENVIRON = re.compile(r"\benviron\(\{.*?\}\)")
"""As pytest explains a comparison: workers have variables more."""
_PID = re.compile(r"(?<=\bpid )\d+")


@dataclass(frozen=True)
class Settings:
    """What all projects of a session share."""

    compiled: Path
    """Where the byte code of what is installed is, and nothing else."""
    expect_warm: bool = False
    """Whether runs that say so have to come from a snapshot."""
    fleetest: str = FLEETEST
    python: str = sys.executable

    def compile_installed(self) -> None:
        """Make the byte code of Python and pytest, so that a plain run need not each time."""
        folder = self.compiled.with_name("compiled-project")
        folder.mkdir(exist_ok=True)
        subprocess.run(
            [*self.plain(write=True), "--junitxml=x.xml", "--co", "-q"],
            cwd=folder,
            env={"PATH": os.defpath, "HOME": str(folder)},
            capture_output=True,
            check=False,
        )

    def plain(self, *, write: bool = False) -> list[str]:
        """Plain pytest without any byte code of a project.

        By options, as tests can see variables.
        """
        script = str(Path(self.python).parent / "pytest")
        prefix = f"pycache_prefix={self.compiled}"
        return [self.python, *(() if write else ("-B",)), "-X", prefix, script]


@dataclass(frozen=True)
class How:
    """In which circumstances a command runs; ``None`` takes a variable away."""

    env: Mapping[str, str | None] | None = None
    cwd: str | None = None
    stdin: str | None = None
    umask: int = -1
    flags: Sequence[str] = FLAGS
    """What only fleetest is told."""


@dataclass
class Compared:
    """A run that was as under plain pytest."""

    result: Result
    """Right after the change."""
    again: Result | None
    """Once the daemon had prepared for it."""
    plain: Result

    @property
    def warm(self) -> bool:
        return is_warm(self.result)


class DifferenceError(AssertionError):
    """A run was not as under plain pytest."""


def header(result: Result) -> str:
    """How a run says that it was started; nothing if it says nothing."""
    return "".join(line for line in result.out.splitlines() if line.startswith("fleetest: "))


def is_warm(result: Result) -> bool:
    """Whether a run says that it went on from a snapshot."""
    return header(result).startswith(("fleetest: warm;", "fleetest: warm,"))


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.splitlines()
    return json.dumps(value, indent=1, sort_keys=True).replace("\\n", "\n").splitlines()


class Scene(Project):
    """A project that plain pytest and a daemon of its own run the tests of.

    ``path`` is the project, ``site`` a folder that may be put on PYTHONPATH, ``other`` one that is
    outside of the project.
    """

    def __init__(self, root: Path, settings: Settings) -> None:
        super().__init__(root)
        self.root = root
        self.settings = settings
        self.site = root / "site"
        self.other = root / "other"
        self.site.mkdir()
        self.other.mkdir()
        self.env["FLEETEST_DAEMON"] = "1"
        del self.env["FLEETEST_DAEMON_SNAPSHOTS"]
        self.ignored: set[str] = set()
        """Names of files that sessions leave in the tree, each in its own way."""
        self.normalise: Callable[[str], str] = str
        """What else may differ in what is printed."""
        self.warm_runs = 0
        self._number = 0

    # ---- processes ----

    def execute(self, command: Sequence[str], how: How) -> Result:
        """Run a command to its end; what it leaves in its session is killed."""
        self._number += 1
        paths = [self._runs / f"{self._number}.{name}" for name in ("out", "err", "in")]
        paths[2].write_text(how.stdin or "", "utf-8")
        variables = {**self.env, **(how.env or {})}
        with paths[0].open("wb") as out, paths[1].open("wb") as err, paths[2].open("rb") as stdin:
            process = subprocess.Popen(
                command,
                cwd=self.path / (how.cwd or "."),
                env={name: value for name, value in variables.items() if value is not None},
                stdin=stdin if how.stdin is not None else subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                umask=how.umask,
                start_new_session=True,
            )
        hung = False
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            hung = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        texts = [path.read_text("utf-8", "backslashreplace") for path in paths[:2]]
        result = Result(command, process.returncode, *texts)
        assert not hung, f"hung for {TIMEOUT:g} s\n{result}"
        return result

    def run_fleetest(self, *args: str, how: How | None = None) -> Result:
        """Run the tests with the command under test."""
        how = how or How()
        result = self.execute([self.settings.fleetest, *how.flags, *args], how)
        self.warm_runs += is_warm(result)
        return result

    def run_plain(self, *args: str, how: How | None = None) -> Result:
        """Run them with plain pytest."""
        return self.execute([*self.settings.plain(), *args], how or How())

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself; nothing if there is none."""
        result = self.execute([self.settings.fleetest, "daemon", "status", "--json"], How())
        found: dict[str, Any] = json.loads(result.out) if result.code == 0 else {}
        return found

    def settle(self) -> None:
        """Wait until the daemon has nothing more to prepare."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.status().get("preparing", 0):
            if time.monotonic() > deadline:
                pytest.fail(f"it prepares for more than {SETTLE_SECONDS:g} s: {self.status()}")
            time.sleep(0.02)

    # ---- steps of a scenario ----

    def warm_up(self, *args: str, resumed: bool = False, how: How | None = None) -> Result:
        """Have the daemon prepare for a command line, and run it again.

        :param resumed: that run has to go on from a snapshot; the daemon knows, if there is no header
        """
        self.run_fleetest(*args, how=how)
        self.settle()
        result = self.run_fleetest(*args, how=how)
        self.settle()
        self._expect(resumed, result)
        return result

    def _expect(self, warm: bool, result: Result) -> None:
        if warm and self.settings.expect_warm:
            how = header(result) or self.status().get("last_run")
            assert is_warm(result) or how == "warm", f"not from a snapshot: {how!r}\n{result}"

    def saved(self) -> Tree:
        """All that a run can change and another one can read."""
        return Tree(self.path, self.home, self.site, self.other, self.temproot)

    def compare(
        self,
        *args: str,
        how: How | None = None,
        still: bool = False,
        again: bool = True,
        settle: bool = True,
    ) -> Compared:
        """Run now, and assert that plain pytest does the same from the same state.

        :param still: the run has to go on from a snapshot
        :param again: run it once more from the same state, when the daemon has prepared for it
        """
        before = self.saved()
        result = self.run_fleetest(*args, how=how)
        after = self.saved()
        if settle:
            self.settle()
        before.put_back()
        plain = self.run_plain(*args, how=how)
        wanted = self.saved()
        self._assert_same(result, after, plain, wanted)
        self._expect(still, result)
        second = None
        if again:
            before.put_back()
            self.settle()
            second = self.run_fleetest(*args, how=how)
            self._assert_same(second, self.saved(), plain, wanted)
        else:
            after.put_back()
        return Compared(result, second, plain)

    def _assert_same(self, result: Result, after: Tree, plain: Result, wanted: Tree) -> None:
        pairs = {
            "exit code": (plain.code, result.code),
            "outcomes": (plain.outcomes(), result.outcomes()),
            "stdout": (self._printed(plain.out), self._printed(result.out)),
            "stderr": (self._printed(plain.err), self._printed(result.err)),
            "files": tuple(self._left(tree) for tree in (wanted, after)),
        }
        texts = []
        for aspect, (left, right) in pairs.items():
            if left != right:
                diff = difflib.unified_diff(
                    _lines(left), _lines(right), "pytest", "fleetest", lineterm=""
                )
                texts.append("\n".join([f"{aspect}:", *diff]))
        if texts:
            raise DifferenceError(
                "\n".join([" ".join(result.args), header(result) or "no header", *texts])
            )

    def _left(self, tree: Tree) -> dict[str, Any]:
        """Without the temporary folders, which each runner numbers for itself."""
        folders = (self.path, self.home, self.site, self.other)
        return tree.shown(self.root, folders, str(self.root), frozenset(self.ignored))

    def _printed(self, text: str) -> str:
        text = _AGO.sub("<time>", text)
        text = _ENVIRON.sub("environ({...})", text)
        text = _FRAME.sub("", normalise_output(text, str(self.root)))
        return self.normalise(_NUMBER.sub("pytest-<n>", _PID.sub("<pid>", text)))

    def play(
        self,
        files: Mapping[str, str],
        change: Change,
        args: Iterable[str] = ARGS,
        *,
        resumed: bool = True,
        still: bool = False,
        how: How | None = None,
        then: How | None = None,
    ) -> Compared:
        """A whole scenario: write, prepare, change, compare.

        :param then: circumstances of the runs after the change, if they are other ones
        """
        args = tuple(args)
        self.files(files)
        self.warm_up(*args, resumed=resumed, how=how)
        change(self)
        return self.compare(*args, how=then or how, still=still, again=change is not nothing)


Change = Callable[[Scene], Any]
"""What happens between two runs."""


# ---- changes ----


def write(name: str, text: str = "") -> Change:
    """A file is written: another inode stays the same, as with most editors' simplest way."""
    return lambda scene: scene.file(name, text)


def remove(name: str) -> Change:
    """A file is removed."""
    return lambda scene: (scene.path / name).unlink()


def rename(old: str, new: str) -> Change:
    """A file or folder gets another name."""
    return lambda scene: (scene.path / old).rename(scene.path / new)


def folder(name: str) -> Change:
    """An empty folder is made."""
    return lambda scene: (scene.path / name).mkdir(parents=True)


def link(name: str, target: str) -> Change:
    """A symbolic link leads to another place."""

    def change(scene: Scene) -> None:
        path = scene.path / name
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return change


def keeping_times(change: Change, name: str) -> Change:
    """A change after which the file has the modification time that it had."""

    def keep(scene: Scene) -> None:
        path = scene.path / name
        before = path.stat().st_mtime_ns
        change(scene)
        os.utime(path, ns=(before, before))

    return keep


def env(**variables: str) -> Change:
    """Variables of the environment are set from now on."""
    return lambda scene: scene.env.update(variables)


def unset(*names: str) -> Change:
    """Variables of the environment are gone from now on."""
    return lambda scene: [scene.env.pop(name, None) for name in names]


def both(*changes: Change) -> Change:
    """Several changes, one after the other."""
    return lambda scene: [change(scene) for change in changes]


def nothing(scene: Scene) -> None:
    """No change at all."""
    del scene
