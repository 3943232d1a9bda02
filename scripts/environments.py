#!/usr/bin/env python3
"""Make virtual environments, with fleetest in them, and print their interpreters.

environments.py NAME ...

  build     builds wheels (meson, meson-python)
  lint      ruff and mypy
  main      .venv: fleetest, the newest pytest and what examples/shop needs
  plugins   .venv-plugins: fleetest and every plugin it is tested with
  plain     fleetest and the newest pytest, nothing else: for the e2e and parity tests
  matrix    as plain, each other pytest on each Python of this machine
  edges     as matrix, but Pythons between the oldest and the newest have the newest pytest only
  harness   pytest alone, to run the parity tests from
  sanitize  as plain, without fleetest
  xdist     two: fleetest, pytest 8.4 or 9, and what pytest-xdist's own tests need
  suite-X   two: what the tests of plugin X need, with fleetest or with pytest-xdist
  wheel     makes no environment: prints the path of the main Python's wheel

The main Python is PYTHON=, else the one that runs this; PYTHONS= limits the others. What is there
and up to date stays as it is.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pythons
from pythons import Python

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
VENVS = BUILD / "venvs"
STAMP = "fleetest-environment.json"
# What a wheel is made of.
SOURCES = ("meson.build", "meson.options", "pyproject.toml", "README.md", "LICENSE")
SOURCE_FOLDERS = ("src", "python", "completions", "docs")
PYTEST_LINES = ("7.4", "8.4", "9")
XDIST = "pytest-xdist==3.8.0"
# The parity harness reads TOML.
HARNESS_NEEDS = (3, 11)


@dataclass(frozen=True)
class Environment:
    """What a virtual environment consists of."""

    path: Path
    python: Python
    requirements: Sequence[str]
    fleetest: bool = True

    @property
    def interpreter(self) -> Path:
        """The environment's own python."""
        return self.path / "bin" / "python"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keep others who make the same thing waiting: make -j starts several of us."""
    folder = BUILD / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(*command: str | Path, first: Path | None = None) -> None:
    """Run a command that is silent if all is well, with the folder ``first`` first on PATH."""
    env = {name: value for name, value in os.environ.items() if name != "PIP_REQUIRE_VIRTUALENV"}
    if first:
        env["PATH"] = os.pathsep.join([str(first), env.get("PATH", os.defpath)])
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        env=env | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        words = " ".join(str(word) for word in command)
        sys.exit(f"{done.stdout}\nexit {done.returncode}: {words}")


def requirements(name: str) -> list[str]:
    """The lines of ``requirements/NAME.txt``."""
    text = (ROOT / "scripts" / "requirements" / f"{name}.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def build_environment(python: Python) -> Environment:
    """The environment that builds wheels for ``python``; it alone has a pip."""
    return Environment(VENVS / f"{python.tag}-build", python, requirements("build"), False)


def source_hash() -> str:
    """Changes with anything that can change a wheel."""
    files = [ROOT / name for name in SOURCES]
    for folder in SOURCE_FOLDERS:
        files += sorted((ROOT / folder).rglob("*"))
    files += sorted((ROOT / "tests").rglob("meson.build"))
    digest = hashlib.sha256()
    for path in files:
        if path.is_file() and path.suffix not in {".pyc", ".so"}:
            digest.update(f"\0{path.relative_to(ROOT)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def wheel(python: Python) -> Path:
    """The wheel of the present sources for ``python``, built if need be."""
    wanted = BUILD / "wheels" / python.tag / source_hash()
    builder = make(build_environment(python))
    with locked(f"{python.tag}-wheel"):
        if not wanted.is_dir():
            shutil.rmtree(wanted.parent, ignore_errors=True)
            print("building the wheel for Python {}.{}".format(*python.version))
            fresh = wanted.with_suffix(".new")
            _build(builder, BUILD / python.tag, fresh)
            fresh.rename(wanted)
    return next(wanted.glob("*.whl"))


def _build(builder: Path, objects: Path, target: Path) -> None:
    """Build a wheel into ``target``; the folder of objects is kept for the next build."""
    options = ["--no-deps", "--no-build-isolation", f"--config-settings=build-dir={objects}"]
    command: list[str | Path] = [
        builder,
        "-m",
        "pip",
        "wheel",
        *options,
        "--wheel-dir",
        target,
        ROOT,
    ]
    old = objects.exists()
    try:
        run(*command, first=builder.parent)  # Meson calls ninja by its name.
    except SystemExit:
        if not old:
            raise
        # Meson cannot reconfigure after every change: new options, another ninja.
        shutil.rmtree(objects)
        run(*command, first=builder.parent)


def _create(env: Environment, wanted: Mapping[str, object]) -> None:
    print(f"making {env.path.relative_to(ROOT)}")
    shutil.rmtree(env.path, ignore_errors=True)
    if env.path.name.endswith("-build"):
        run(env.python.path, "-m", "venv", env.path)
        run(env.interpreter, "-m", "pip", "install", "--upgrade", *env.requirements)
    else:
        run(env.python.path, "-m", "venv", "--without-pip", env.path)
        _pip(env, *env.requirements)
    (env.path / STAMP).write_text(json.dumps(wanted), "utf-8")


def _pip(env: Environment, *arguments: str | Path) -> None:
    """Install into an environment that has no pip of its own."""
    pip = make(build_environment(env.python))
    run(pip, "-m", "pip", "--python", env.interpreter, "install", *arguments)


def make(env: Environment) -> Path:
    """Make an environment or bring it up to date; returns its interpreter."""
    built = wheel(env.python) if env.fleetest else None
    with locked(env.path.name):
        wanted = {"python": env.python.identity, "requirements": list(env.requirements)}
        stamp = env.path / STAMP
        found = json.loads(stamp.read_text("utf-8")) if stamp.exists() else {}
        installed = found.pop("wheel", None)
        if found != wanted:
            _create(env, wanted)
            installed = None
        if built and installed != str(built):
            # Its requirements are met, but for pytest's, which are in the environment's own list.
            _pip(env, "--force-reinstall", "--no-deps", built)
            stamp.write_text(json.dumps({**wanted, "wheel": str(built)}), "utf-8")
    return env.interpreter


def newest_pytest(python: Python) -> str:
    """The newest of PYTEST_LINES that there is for ``python``."""
    return PYTEST_LINES[-1] if python.version >= (3, 10) else PYTEST_LINES[-2]


def plain(python: Python, line: str) -> Environment:
    """Fleetest, one pytest, and the terminal emulator of the e2e tests."""
    return Environment(VENVS / f"{python.tag}-pytest{line}", python, [f"pytest=={line}.*", "pyte"])


def matrix() -> list[Environment]:
    """All pairs of a Python and a pytest, but for the main one's newest."""
    found = []
    for python in pythons.find():
        lines = PYTEST_LINES[: PYTEST_LINES.index(newest_pytest(python)) + 1]
        found += [plain(python, line) for line in lines]
    main = pythons.main_python()
    return [env for env in found if env != plain(main, newest_pytest(main))]


def edges() -> list[Environment]:
    """Those of the matrix with the oldest or the newest Python, or with a Python's newest pytest."""
    found = matrix()
    versions = sorted({env.python.version for env in found})
    return [
        env
        for env in found
        if env.python.version in (versions[0], versions[-1])
        or env == plain(env.python, newest_pytest(env.python))
    ]


def harness() -> Environment:
    """Pytest on a Python that the parity harness runs on."""
    main = pythons.main_python()
    able = [python for python in pythons.find() if python.version >= HARNESS_NEEDS]
    python = main if main in able or not able else able[-1]
    return Environment(VENVS / "harness", python, ["pytest"], fleetest=False)


def xdist() -> list[Environment]:
    """For pytest-xdist's own tests, on the main Python."""
    main = pythons.main_python()
    lines = PYTEST_LINES[PYTEST_LINES.index("8.4") : PYTEST_LINES.index(newest_pytest(main)) + 1]
    return [
        Environment(
            VENVS / f"{main.tag}-xdist{line}", main, [f"pytest=={line}.*", *requirements("xdist")]
        )
        for line in lines
    ]


def suite(plugin: str) -> list[Environment]:
    """For a plugin's own tests, with fleetest and with pytest-xdist, on the main Python."""
    main = pythons.main_python()
    needed = [f"pytest=={newest_pytest(main)}.*", *requirements(f"suites/{plugin}")]
    path = str(VENVS / f"{main.tag}-{plugin}")
    xdist = Environment(Path(f"{path}-xdist"), main, [*needed, XDIST], False)
    return [Environment(Path(path), main, needed), xdist]


def environments(name: str) -> list[Environment]:
    """What NAME on the command line stands for."""
    main = pythons.main_python()
    several = {"matrix": matrix, "edges": edges, "xdist": xdist}
    if name in several:
        return several[name]()
    if name.startswith("suite-"):
        return suite(name.removeprefix("suite-"))
    single: dict[str, Callable[[], Environment]] = {
        "build": lambda: build_environment(main),
        "lint": lambda: Environment(ROOT / ".venv-lint", main, requirements("lint"), False),
        "main": lambda: Environment(ROOT / ".venv", main, requirements("main")),
        "plugins": lambda: Environment(ROOT / ".venv-plugins", main, requirements("plugins")),
        "plain": lambda: plain(main, newest_pytest(main)),
        "harness": harness,
        "sanitize": lambda: Environment(VENVS / "sanitize", main, ["pytest"], False),
    }
    if name not in single:
        sys.exit(f"{__doc__}\nno environment is called {name!r}")
    return [single[name]()]


def main() -> int:
    """Make what the command line names; progress goes to stderr, results to stdout."""
    results, sys.stdout = sys.stdout, sys.stderr
    for name in sys.argv[1:] or ["main"]:
        if name == "wheel":
            print(wheel(pythons.main_python()), file=results)
            continue
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            for interpreter in pool.map(make, environments(name)):
                print(interpreter, file=results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
