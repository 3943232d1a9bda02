#!/usr/bin/env python3
"""Change a small project at random, and compare each run with plain pytest.

random_walk.py [--steps N] [--seed N] [--fleetest PATH] [--same-size]

Stops at the first difference, with a diff, and keeps the project then. With the same seed and versions
the same happens again, as far as it does not depend on when the daemon does what. Edits never have
the size and time of what was there, which would deceive the byte code check of Python, unless
--same-size asks for it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

if __name__ == "__main__":
    _TESTS = Path(__file__).resolve().parent.parent
    sys.path += [str(_TESTS / "e2e"), str(_TESTS / "parity")]

from exact import DifferenceError, How, Scene, Settings

_EPOCH = 1_600_000_000
_TESTS_IN = {"": "", "sub": "s", "sub/deep": "d", "more": "m"}
"""Folders of tests, and what makes the names of their modules different from others."""
_VARIABLES = ("MY_A", "MY_B", "MY_C")
_OPTIONS = (
    "",
    "",
    "",
    "-v",
    "-v -rA",
    "-q",
    "-x",
    "--maxfail=2",
    "--lf",
    "--ff",
    "--nf",
    "--co -q",
    "-k test_1",
    "-k not\ttest_0",
    "-m slow",
    "--tb=short",
    "--import-mode=importlib",
    "-p plug",
    "-p no:cacheprovider",
    "-W error::UserWarning",
    "--deselect test_0.py",
    "--ignore sub",
    "-o python_functions=check*",
)


class Walk:
    """A project that is changed step by step."""

    def __init__(self, scene: Scene, seed: int, *, same_size: bool = False) -> None:
        self.scene = scene
        self.random = random.Random(seed)
        self.same_size = same_size
        self.args: list[str] = []
        self.how = How()
        self.done = ""
        """What was done last."""
        self._count = 0
        self._sizes: dict[Path, set[int]] = {}
        self._broken = False
        scene.env["PYTHONPATH"] = str(scene.site)
        self._begin()

    # ---- files ----

    def _time(self) -> int:
        """A modification time that no file had before."""
        self._count += 1
        return (_EPOCH + self._count) * 10**9

    def _write(self, name: str, text: str, *, keep_time: bool = False) -> None:
        path = self.scene.site / "plug.py" if name == "plug.py" else self.scene.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            return
        before = path.stat().st_mtime_ns if path.exists() else None
        if before is not None and keep_time and not self.same_size:
            # A size of its own is enough for the byte code not to be taken for that of the file.
            sizes = self._sizes.setdefault(path.resolve(), {path.stat().st_size})
            while len(text) in sizes:
                text += "#" if path.suffix in {".py", ".ini"} else " "
            sizes.add(len(text))
        if before is not None and keep_time and self.same_size:
            text += "#" * (path.stat().st_size - len(text))
        if self.random.random() < 0.3:
            new = path.with_name(f"{path.name}.new")
            new.write_text(text, "utf-8")
            new.replace(path)
        else:
            path.write_text(text, "utf-8")
        time = before if keep_time and before is not None else self._time()
        os.utime(path, ns=(time, time))

    def _files(self, pattern: str) -> list[str]:
        found = (path for path in self.scene.path.rglob(pattern) if path.is_file())
        names = (str(path.relative_to(self.scene.path)) for path in found)
        return sorted(name for name in names if "__pycache__" not in name and "/." not in name)

    def _modules(self) -> list[str]:
        names = [n for n in self._files("*.py") if not n.rpartition("/")[2].startswith("test_")]
        plain = [n for n in names if "/" not in n and n not in {"conftest.py", "plug.py"}]
        packed = [n for n in names if n.startswith("pack/") and "__init__" not in n]
        return [name.removesuffix(".py").replace("/", ".") for name in plain + packed]

    # ---- what stands in them ----

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _some(self) -> int:
        return self.random.randrange(4)

    def _imports(self) -> Iterator[str]:
        modules = self._modules()
        for module in self.random.sample(modules, min(len(modules), self.random.randrange(3))):
            yield f"import {module}"
            yield f"FOUND.append({module}.VALUE)"
        if self._chance(0.2):
            name = self.random.choice(["lib0", "lib3", "pack.extra", "absent"])
            yield f"try: import {name}\nexcept ImportError: FOUND.append('no {name}')"

    def _reads(self) -> Iterator[str]:
        choices = [
            f"FOUND.append(os.environ.get({self.random.choice(_VARIABLES)!r}))",
            f"FOUND.append({self.random.choice(_VARIABLES)!r} in os.environ)",
            f"FOUND.append((HERE / 'data{self._some()}.json').exists())",
            "FOUND += json.loads((HERE / 'data0.json').read_text())",
            "FOUND += sorted(os.listdir(HERE / 'cases'))",
            "FOUND += sorted(p.stem for p in HERE.glob('cases/*.txt'))",
            "FOUND.append(os.stat(HERE / 'data0.json').st_size)",
            "FOUND.append(len(list(HERE.rglob('c*.txt'))))",
            "FOUND.append('plug' in sys.modules)",
            "warnings.warn('careful')",
            "print('at import')",
        ]
        return iter(self.random.sample(choices, self.random.randrange(3)))

    def _head(self) -> str:
        root = str(self.scene.path)
        lines = [
            "import json, os, pytest, sys, warnings",
            "from pathlib import Path",
            f"HERE = Path({root!r})",
            "FOUND = []",
            *self._imports(),
            *self._reads(),
        ]
        return "\n".join(lines) + "\n"

    def _module_text(self) -> str:
        imported = "import os\n" if self._chance(0.5) else ""
        value = self.random.randrange(1000)
        read = f"VALUE = os.environ.get('MY_A', {value})\n"
        return imported + (read if imported and self._chance(0.3) else f"VALUE = {value}\n")

    def _test_text(self) -> str:
        text = self._head()
        for number in range(self.random.randrange(1, 4)):
            name = self.random.choice(["test", "test", "test", "check"])
            body = self.random.choice(
                [
                    "pass",
                    f"assert len(FOUND) > {self._some()}",
                    "assert FOUND == []",
                    f"assert os.environ.get('MY_B') == '{self._some()}'",
                    "pytest.skip('no')",
                    "print('shown', FOUND); assert 0",
                ]
            )
            text += self.random.choice(["", "", "", "@pytest.mark.slow\n", "@pytest.mark.xfail\n"])
            if self._chance(0.2):
                text += "@pytest.mark.parametrize('case', [str(f) for f in FOUND])\n"
                text += f"def {name}_{number}(case): {body}\n"
            elif self._chance(0.15):
                text += f"def {name}_{number}(value): assert value == {self._some()}\n"
            else:
                text += f"def {name}_{number}(): {body}\n"
        return text

    def _conftest_text(self) -> str:
        text = self._head()
        text += f"@pytest.fixture\ndef value(): return {self._some()}\n"
        hooks = [
            f"def pytest_report_header(): return 'header {self._some()} %s' % FOUND\n",
            "def pytest_collection_modifyitems(items): items.sort(key=lambda i: i.name)\n",
            "def pytest_collection_modifyitems(items): items.reverse()\n",
            "collect_ignore_glob = ['*_1.py']\n",
            "def pytest_configure(config): config.addinivalue_line('markers', 'mine')\n",
            f"def pytest_terminal_summary(terminalreporter): terminalreporter.line('{self._some()}')\n",
            "@pytest.fixture(autouse=True)\ndef around(): yield\n",
        ]
        return text + "".join(self.random.sample(hooks, self.random.randrange(3)))

    def _ini_text(self) -> str:
        lines = ["markers = slow", "addopts = -rA", "python_files = test_*.py", "testpaths = sub ."]
        lines += ["norecursedirs = deep", "console_output_style = count", "xfail_strict = true"]
        lines += ["filterwarnings = ignore", "addopts = -p no:doctest"]
        chosen = {line.split()[0]: line for line in self.random.sample(lines, 3)}
        return "\n".join(["[pytest]", *chosen.values()]) + "\n"

    def _text_for(self, name: str) -> str:
        base = name.rpartition("/")[2]
        if base.startswith("test_"):
            return self._test_text()
        if base == "conftest.py":
            return self._conftest_text()
        if base.endswith(".ini"):
            return self._ini_text()
        if base.endswith(".json"):
            return json.dumps([self._some() for _ in range(self._some())])
        if base == "plug.py":
            return f"def pytest_report_header(): return 'plug {self.random.random()}'\n"
        return self._module_text() if base.endswith(".py") else f"{self.random.random()}"

    def _new_name(self) -> str:
        folder, letter = self.random.choice(list(_TESTS_IN.items()))
        choices = [
            f"{folder}/test_{letter}{self._some()}.py",
            f"{folder}/test_{letter}{self._some()}.py",
            f"{folder}/conftest.py",
            f"lib{self._some()}.py",
            f"pack/mod{self._some()}.py",
            "pack/__init__.py",
            "pack/extra.py",
            f"data{self._some()}.json",
            f"cases/c{self.random.randrange(8)}.txt",
            self.random.choice(["pytest.ini", "tox.ini"]),
            "plug.py",
            "sub/__init__.py",
        ]
        return self.random.choice(choices).lstrip("/")

    # ---- what is done ----

    def _begin(self) -> None:
        for name in ("lib0.py", "lib1.py", "pack/__init__.py", "pack/mod0.py", "plug.py"):
            self._write(name, self._text_for(name))
        for name in ("data0.json", "cases/c0.txt", "pytest.ini", "conftest.py"):
            self._write(name, self._text_for(name))
        for name in ("test_0.py", "test_1.py", "sub/test_s0.py", "sub/deep/test_d0.py"):
            self._write(name, self._text_for(name))

    def _any_file(self) -> str:
        return self.random.choice(self._files("*.*"))

    def edit(self) -> str:
        name = self._any_file()
        keep = self._chance(0.25)
        self._write(name, self._text_for(name), keep_time=keep)
        return f"{name} edited{', its time kept' if keep else ''}"

    def add(self) -> str:
        name = self._new_name()
        self._write(name, self._text_for(name))
        return f"{name} written"

    def several(self) -> str:
        return ", ".join(self.edit() for _ in range(self.random.randrange(2, 5)))

    def remove(self) -> str:
        name = self._any_file()
        (self.scene.path / name).unlink()
        return f"{name} removed"

    def rename(self) -> str:
        old, new = self._any_file(), self._new_name()
        if new == "plug.py" or Path(old).suffix != Path(new).suffix:
            return self.edit()
        target = self.scene.path / new
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.scene.path / old).replace(target)
        return f"{old} renamed to {new}"

    def rename_folder(self) -> str:
        for old, new in (("sub/deep", "sub/deeper"), ("more", "most"), ("most", "more")):
            here, there = self.scene.path / old, self.scene.path / new
            if here.is_dir() and not there.exists():
                here.rename(there)
                return f"{old} renamed to {new}"
        return self.add()

    def remove_folder(self) -> str:
        name = self.random.choice(["sub/deep", "more", "most", "cases", "sub/deeper"])
        shutil.rmtree(self.scene.path / name, ignore_errors=True)
        return f"{name} removed"

    def touch(self) -> str:
        name = self._any_file()
        time = self._time() - (self.random.randrange(10) << 35)
        os.utime(self.scene.path / name, ns=(time, time))
        return f"{name} touched"

    def same_again(self) -> str:
        name = self._any_file()
        self._write(name, self.scene.read(name))
        return f"{name} written again"

    def permissions(self) -> str:
        name, mode = self._any_file(), self.random.choice([0o600, 0o644, 0o755])
        (self.scene.path / name).chmod(mode)
        return f"{name} has mode {mode:o}"

    def link(self) -> str:
        name = self._new_name()
        path = self.scene.path / name
        other = self.scene.other / f"{self._count}{path.suffix}"
        if path.is_dir() or name == "plug.py":
            return self.edit()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write(str(other), self._text_for(name))
        path.unlink(missing_ok=True)
        if self._chance(0.5):
            path.symlink_to(other)
            return f"{name} made a symbolic link"
        os.link(other, path)
        return f"{name} made a hard link"

    def edit_elsewhere(self) -> str:
        """Through another name than that in the project."""
        links = sorted(self.scene.other.iterdir())
        if not links:
            return self.link()
        path = self.random.choice(links)
        time = self._time()
        path.write_text(self._text_for(path.name if path.suffix != ".py" else "test_x.py"))
        os.utime(path, ns=(time, time))
        return f"{path} edited"

    def environment(self) -> str:
        name = self.random.choice(_VARIABLES)
        if self._chance(0.3):
            self.scene.env.pop(name, None)
            return f"{name} unset"
        self.scene.env[name] = str(self._some())
        return f"{name}={self.scene.env[name]}"

    def litter(self) -> str:
        name = self.random.choice([".test_0.py.swp", "lib0.py~", "4913", "sub/x.log"])
        path = self.scene.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{self.random.random()}", "utf-8")
        return f"{name} written"

    def caches(self) -> str:
        name = self.random.choice(["__pycache__", ".pytest_cache", "sub/__pycache__"])
        shutil.rmtree(self.scene.path / name, ignore_errors=True)
        return f"{name} removed"

    def nothing(self) -> str:
        return "nothing done"

    def mend(self) -> str:
        """Have most of it collected again."""
        for name in ("data0.json", "cases/c0.txt"):
            if (self.scene.path / name).parent.is_file():
                (self.scene.path / name).parent.unlink()
            self._write(name, self._text_for(name))
        for name in self._files("*.py"):
            if "conftest" in name or "test_" in name:
                self._write(name, self._text_for(name))
        self._write("pytest.ini", "[pytest]\nmarkers = slow\n")
        return "all tests written anew"

    def change(self) -> str:
        """Do something, or some things."""
        if self._broken and self._chance(0.7):
            return self.mend()
        if len(self._files("test_*.py")) < 2:
            self._begin()
        weighted: dict[Callable[[], str], int] = {
            self.edit: 10,
            self.add: 5,
            self.several: 3,
            self.remove: 2,
            self.rename: 2,
            self.rename_folder: 1,
            self.remove_folder: 1,
            self.touch: 2,
            self.same_again: 2,
            self.permissions: 1,
            self.link: 2,
            self.edit_elsewhere: 1,
            self.environment: 5,
            self.litter: 1,
            self.caches: 1,
            self.nothing: 4,
        }
        (choice,) = self.random.choices(list(weighted), list(weighted.values()))
        return choice()

    def command_line(self) -> None:
        """Often that of before: for another one nothing is prepared."""
        if self._chance(0.6):
            return
        self.args = [w.replace("\t", " ") for w in self.random.choice(_OPTIONS).split(" ") if w]
        if self._chance(0.4):
            tests = self._files("test_*.py")
            names = self.random.sample(tests, min(len(tests), self.random.randrange(1, 3)))
            if self._chance(0.3):
                names = [f"{name}::test_{self._some()}" for name in names]
            elif names and self._chance(0.3):
                names[0] += f"::test_{self._some()}"
            self.args += names
        workers = self.random.choice(["-n2", "-n2", "-n1", "-n0"])
        self.how = How(flags=("--ordered", workers))

    def step(self) -> None:
        """Change something and compare."""
        self.done = self.change()
        self.command_line()
        compared = self.scene.compare(
            *self.args,
            how=self.how,
            again=self._chance(0.3),
            settle=self._chance(0.7),
        )
        self._broken = compared.plain.code not in {0, 1}


def walk(scene: Scene, *, seed: int, steps: int, same_size: bool = False) -> int:
    """Go so many steps; how many differences there were, at most one."""
    walker = Walk(scene, seed, same_size=same_size)
    for number in range(steps):
        try:
            walker.step()
        except DifferenceError as error:
            print(f"seed {seed}, step {number}: {walker.done}\n{error}")
            print(f"{number + 1} steps, 1 difference, {scene.warm_runs} runs warm")
            return 1
    print(f"{steps} steps, 0 differences, {scene.warm_runs} runs warm")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=200, help="how many changes")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--same-size", action="store_true", help="also deceive the byte code check")
    parser.add_argument(
        "--fleetest",
        type=Path,
        default=Path(sys.executable).with_name("fleetest"),
        help="the command, beside a Python with pytest",
    )
    return parser.parse_args()


def main() -> int:
    """Walk in a temporary folder, which is kept if there was a difference."""
    arguments = _arguments()
    command = arguments.fleetest.absolute()
    root = Path(tempfile.mkdtemp(prefix="fleetest-walk-"))
    (root / "walk").mkdir()
    settings = Settings(
        root / "compiled", fleetest=str(command), python=str(command.with_name("python"))
    )
    settings.compile_installed()
    scene = Scene(root / "walk", settings)
    found = 1
    try:
        found = walk(
            scene, seed=arguments.seed, steps=arguments.steps, same_size=arguments.same_size
        )
    finally:
        scene.clean_up()
        if found:
            print(f"the project is in {root}", file=sys.stderr)
        else:
            shutil.rmtree(root)
    return found


if __name__ == "__main__":
    sys.exit(main())
