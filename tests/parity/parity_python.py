"""The interpreters under test: which versions they have, and which plugins are installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.specifiers import SpecifierSet

VARIABLE = "FLEETEST_TEST_PYTHONS"

_PROBE = """
import json, sys
from importlib.metadata import distributions
found = list(distributions())
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "distributions": {d.metadata["Name"].lower().replace("_", "-"): d.version for d in found},
    "plugins": sorted(e.name for d in found for e in d.entry_points if e.group == "pytest11"),
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """One Python environment, as its own interpreter describes it."""

    executable: Path
    version: str
    distributions: Mapping[str, str]
    plugins: Sequence[str]

    @property
    def tag(self) -> str:
        """A short name for test ids, such as ``py311-pytest9.2.0``."""
        major, minor, _ = self.version.split(".")
        return f"py{major}{minor}-pytest{self.distributions.get('pytest', '')}"

    def script(self, name: str) -> Path:
        """The command ``name`` that is installed beside the interpreter."""
        return self.executable.parent / name

    def why_not(self, *, python: str, pytest: str, requires: Sequence[str]) -> str | None:
        """The reason why this environment cannot run a case, if there is one."""
        if not SpecifierSet(python).contains(self.version):
            return f"needs Python {python}"
        if not SpecifierSet(pytest).contains(self.distributions["pytest"], prereleases=True):
            return f"needs pytest {pytest}"
        missing = [name for name in requires if name not in self.distributions]
        return f"needs {', '.join(missing)}" if missing else None


@cache
def probe(executable: str) -> Interpreter:
    """Ask ``executable`` what it is."""
    done = subprocess.run(
        [executable, "-I", "-c", _PROBE], check=True, capture_output=True, text=True, timeout=60
    )
    # abspath, not resolve: the python of a virtual environment is a link out of it.
    return Interpreter(executable=Path(os.path.abspath(executable)), **json.loads(done.stdout))


def interpreters() -> list[Interpreter]:
    """The environments named by FLEETEST_TEST_PYTHONS, or the running one."""
    named = os.environ.get(VARIABLE, "").split(os.pathsep)
    return [probe(executable) for executable in named if executable] or [probe(sys.executable)]
