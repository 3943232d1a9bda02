"""Which Pythons this machine has that fleetest can be built for and tested with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 9)
NEWEST = (3, 14)

_PROBE = """
import json, os, sys, sysconfig
have = lambda name: __import__("importlib.util").util.find_spec(name) is not None
print(json.dumps([
    sys.implementation.name, sys.version_info[:2], sys.version, sys.base_prefix,
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")),
    have("venv") and have("ensurepip"),
]))
"""


@dataclass(frozen=True)
class Python:
    """An interpreter; ``identity`` changes when another one takes its place."""

    path: str
    version: tuple[int, int]
    identity: str

    @property
    def tag(self) -> str:
        """A short name for folders, such as ``py311``."""
        return "py{}{}".format(*self.version)


def probe(path: str) -> Python | None:
    """The Python at ``path``, if fleetest supports it and it has what a build needs."""
    try:
        done = subprocess.run(
            [path, "-I", "-c", _PROBE], capture_output=True, check=True, timeout=60
        )
        name, version, text, prefix, free, headers, venv = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None  # Not there, a shim without a version behind it, or no working Python.
    supported = name == "cpython" and not free and OLDEST <= tuple(version) <= NEWEST
    if not (supported and headers and venv):
        return None
    return Python(path, (version[0], version[1]), f"{prefix} {text}")


def main_python() -> Python:
    """The Python of PYTHON=, or the running one."""
    named = shutil.which(os.environ.get("PYTHON") or "") or sys.executable
    found = probe(named)
    if found is None:
        sys.exit(f"{named} is no CPython 3.9 or later with its headers and venv")
    return found


def find() -> list[Python]:
    """One Python of each version, the main one first, then the others by version.

    Looks at PYTHONS= (names separated by blanks), else on PATH and in pyenv's folder.
    """
    versions = [f"{OLDEST[0]}.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = os.environ.get("PYTHONS", "").split() or [
        *(f"python{version}" for version in versions),
        *sorted(str(path) for path in pyenv.glob("3.*/bin/python")),
    ]
    main = main_python()
    found = {main.version: main}
    for candidate in candidates:
        path = shutil.which(candidate)
        python = probe(path) if path else None
        if python:
            found.setdefault(python.version, python)
    return [main, *sorted((p for p in found.values() if p != main), key=lambda p: p.version)]
