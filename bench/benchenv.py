"""The environment that the contenders run in: found, or made from a wheel in ``dist/``."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from suites import ROOT

VENV = ROOT / "build" / "bench-venv"
STAMP = "fleetest-bench.json"
# What the targets were set for.
PYTEST = "9.2"
XDIST = "3.8.0"
REQUIREMENTS = (
    f"pytest=={PYTEST}.*; python_version >= '3.10'",
    "pytest==8.4.*; python_version < '3.10'",
    f"pytest-xdist=={XDIST}",
    "pytest-asyncio==1.*",
)
PACKAGES = ("pytest", "pytest-xdist", "pytest-asyncio", "fleetest")

_ASK_VERSIONS = """
import importlib.metadata, json, platform, sys
versions = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(versions))
"""


class MissingError(Exception):
    """There is no environment to run in; the text says what is missing."""


def commands(venv: Path, fleetest: Path | None = None) -> dict[str, Path]:
    """The paths of the commands of an environment.

    :param fleetest: the command to use instead of the environment's own
    """
    found = {"pytest": venv / "bin" / "pytest", "fleetest": fleetest or venv / "bin" / "fleetest"}
    for path in found.values():
        if not path.exists():
            raise MissingError(f"{path} is not there")
    return found


def versions(venv: Path, packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """The versions of Python and of the packages that matter, as far as they are there."""
    # Not in a folder of ours, whose modules would come first.
    command = [str(venv / "bin" / "python"), "-I", "-c", _ASK_VERSIONS, *packages]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd="/")
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def check_versions(found: dict[str, str]) -> list[str]:
    """What is not as the targets suppose, a line each.

    :raises MissingError: a package is missing
    """
    missing = [name for name in ("pytest", "pytest-xdist") if name not in found]
    if missing:
        raise MissingError(f"the environment lacks {' and '.join(missing)}")
    notes = []
    if not found["pytest"].startswith(f"{PYTEST}."):
        notes.append(f"pytest is {found['pytest']}, the targets are for {PYTEST}")
    if found["pytest-xdist"] != XDIST:
        notes.append(f"pytest-xdist is {found['pytest-xdist']}, the targets are for {XDIST}")
    return notes


def _wheel() -> Path:
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    wheels = (ROOT / "dist").glob(f"fleetest-*-{tag}-*.whl")
    newest = max(wheels, key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise MissingError(f"dist/ has no wheel for {tag}: run `make wheel`")
    return newest


def _run(command: Sequence[str]) -> None:
    pipe = subprocess.PIPE
    done = subprocess.run(command, stdout=pipe, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise MissingError(f"{done.stdout}\nexit {done.returncode}: {' '.join(command)}")


def make(folder: Path, python: Path, packages: Sequence[str], wanted: Mapping[str, object]) -> Path:
    """Make an environment, unless it is there and was made of the same.

    :param packages: what is installed, the one that it is made for last
    :param wanted: what it is made of, as JSON keeps it
    :raises MissingError: it cannot be made
    """
    stamp = folder / STAMP
    if stamp.exists() and json.loads(stamp.read_text("utf-8")) == wanted:
        return folder
    print(f"making {folder.relative_to(ROOT)} with {Path(packages[-1]).name}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    _run([str(python), "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    _run([*pip, *packages])
    stamp.write_text(json.dumps(wanted), "utf-8")
    return folder


def _make_ours() -> Path:
    """Make VENV, unless it is there and up to date."""
    wheel = _wheel()
    contents = hashlib.sha256(wheel.read_bytes()).hexdigest()
    wanted = {"python": sys.version, "requirements": list(REQUIREMENTS), "wheel": contents}
    return make(VENV, Path(sys.executable), [*REQUIREMENTS, str(wheel)], wanted)


def find(venv: Path | None, fleetest: Path | None) -> Path:
    """The environment to use: the one named, else one of our own."""
    if venv:
        return venv.absolute()
    if fleetest:
        return fleetest.absolute().parent.parent
    return _make_ours()
