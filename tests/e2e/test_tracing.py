"""The preloaded library records which paths a process looks at, who does, and for what."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from daemon_runs import WARM
from lab import Project

LIBRARY = Path(sys.prefix) / "lib" / "fleetest" / "fleetest_trace.so"
PRELOAD = {"LD_PRELOAD": ":".join(filter(None, [os.environ.get("LD_PRELOAD"), str(LIBRARY)]))}

DRIVER = """
    import errno, json, os, sys
    import _pytest, pluggy, pytest
    import fleetest
    from fleetest import _core

    def folder(module):
        return os.path.dirname(module.__file__) + os.sep

    def start():
        tools = tuple(map(folder, (pytest, _pytest, pluggy)))
        return _core.trace_start(folder(os), tools, folder(fleetest))

    def stop(name="seen.json"):
        missed, seen = _core.trace_stop()
        names = {}
        for name_of, value in vars(_core).items():
            what, _, rest = name_of.partition("_")
            if what in ("TRACE", "ASPECT"):
                names[what, value] = rest
        entries = [
            [names["TRACE", kind], names["ASPECT", aspect], errno.errorcode.get(failed, ""),
             os.fsdecode(path), who]
            for kind, aspect, failed, path, who, _ in seen
        ]
        with open(name, "w") as file:
            json.dump([missed, entries], file)
"""


@dataclass
class Seen:
    """What was recorded."""

    project: Project
    missed: bool
    entries: list[list[str]]

    def of(self, kind: str, name: str) -> list[list[str]]:
        """Aspect, error and place of all entries of a path in the project."""
        return self.text(kind, f"{self.project.path}/{name}")

    def text(self, kind: str, text: str) -> list[list[str]]:
        """The same of any text."""
        return [
            [aspect, error, who]
            for found, aspect, error, path, who in self.entries
            if (found, path) == (kind, text)
        ]

    def place(self, line: int, name: str = "body.py") -> str:
        """How a line of a module is told."""
        return f"{self.project.path / name}:{line}"


def trace(project: Project, body: str, before: str = "") -> Seen:
    """Record what a module does.

    :param before: statements that are run first
    """
    project.file("driver.py", DRIVER)
    project.file("body.py", body)
    project.file(
        "main.py",
        f"from driver import *\n{before}\nassert start()\ntry:\n    import body\nfinally:\n    stop()\n",
    )
    project.python("main.py", env=PRELOAD).check(0)
    missed, entries = json.loads(project.read("seen.json"))
    return Seen(project, missed, entries)


# ---- imports ----


def test_imports(project: Project) -> None:
    """Files that are imported are read, folders are listed for modules, gaps are looked for."""
    project.files({"package/__init__.py": "", "package/inner.py": "", "space/part.py": "A = 1"})
    seen = trace(
        project,
        """
        import package.inner
        import space.part
        try:
            import package.missing
        except ImportError:
            pass
        """,
    )
    assert not seen.missed
    assert seen.of("LIST", "package") == [["MODULES", "", seen.place(1)]]
    assert seen.of("LIST", "space") == [["MODULES", "", seen.place(2)]]
    assert seen.of("READ", "package/inner.py") == [["NONE", "", seen.place(1)]]
    assert seen.of("READ", "space/part.py") == [["NONE", "", seen.place(2)]]
    assert seen.of("STATUS", "package/inner.py") == [["PRESENCE", "", seen.place(1)]]
    assert seen.of("STATUS", "package/__init__.so") == [["PRESENCE", "ENOENT", seen.place(1)]]
    (changed,) = seen.of("CHANGE", "package/__pycache__")
    assert changed[2] == seen.place(1)


def test_byte_code_is_read(project: Project) -> None:
    project.file("module.py")
    trace(project, "import module")
    seen = trace(project, "import module")
    cached = f"__pycache__/module.{sys.implementation.cache_tag}.pyc"
    assert seen.of("READ", cached) == [["NONE", "", seen.place(1)]]
    assert seen.of("STATUS", "module.py") == [["PRESENCE", "", seen.place(1)]]


def test_zip_import(project: Project) -> None:
    with zipfile.ZipFile(project.path / "some.zip", "w") as archive:
        archive.writestr("zipped.py", "A = 1")
    seen = trace(project, "import sys\nsys.path.insert(0, 'some.zip')\nimport zipped")
    (status,) = seen.of("STATUS", "some.zip")
    assert status == ["PRESENCE", "", seen.place(3)]
    assert seen.of("READ", "some.zip") == [["NONE", "", seen.place(3)]]


def test_libraries(project: Project) -> None:
    """What extension modules and ctypes load is read, by nobody knows whom."""
    seen = trace(project, "import _sqlite3, ctypes\nctypes.CDLL('libutil.so.1')")
    read = {os.path.basename(path): who for kind, _, _, path, who in seen.entries if kind == "READ"}
    assert read["libutil.so.1"] == ""
    assert any(name.startswith("_ctypes.") for name in read)


def test_libraries_that_are_not_found(project: Project) -> None:
    """The loader's list of all, and where else it looks; what is there and is none is read."""
    project.file("not.so", "no library")
    seen = trace(
        project,
        """
        import ctypes
        for name in ("libnowhere.so", "./not.so", "./missing.so"):
            try:
                ctypes.CDLL(name)
            except OSError:
                pass
        hasattr(ctypes.CDLL(None), "nothing_by_this_name")
        """,
    )
    paths = {(kind, os.path.normpath(path)) for kind, _, _, path, _ in seen.entries}
    assert {("READ", "/etc/ld.so.cache"), ("STATUS", "/usr/lib/libnowhere.so")} <= paths
    assert {("READ", str(project.path / name)) for name in ("not.so", "missing.so")} <= paths
    assert not any(path == os.path.realpath(sys.executable) for _, path in paths)


# ---- what Python code does ----


def test_how_much_can_be_used(project: Project) -> None:
    """Whether a file is there is another question than what it is like."""
    project.file("file")
    seen = trace(
        project,
        """
        import os, pathlib, shutil
        os.path.exists("one"), os.path.isfile("one"), os.path.isdir("one")
        os.path.getmtime("file")
        os.path.lexists("two")
        pathlib.Path("three").exists(), pathlib.Path("three").is_file()
        pathlib.Path("file").stat().st_size
        pathlib.Path("four").is_symlink()
        pathlib.Path("five").resolve()
        shutil.which("six", path=".")
        os.lstat("file")
        os.access("file", os.F_OK), os.access("file", os.R_OK)
        """,
    )
    assert not seen.missed
    assert seen.of("STATUS", "one") == [["PRESENCE", "ENOENT", seen.place(2)]]
    assert seen.of("LINK", "two") == [["PRESENCE", "ENOENT", seen.place(4)]]
    assert seen.of("STATUS", "three") == [["PRESENCE", "ENOENT", seen.place(5)]]
    assert seen.of("LINK", "four") == [["PRESENCE", "ENOENT", seen.place(7)]]
    assert seen.of("LINK", "five") == [["PRESENCE", "ENOENT", seen.place(8)]]
    assert seen.of("STATUS", "./six") == [["PRESENCE", "ENOENT", seen.place(9)]]
    assert seen.of("LINK", "file") == [["FULL", "", seen.place(10)]]
    assert seen.of("STATUS", "file") == [
        ["FULL", "", seen.place(3)],
        ["PRESENCE", "", seen.place(11)],
    ]


def test_files(project: Project) -> None:
    project.file("file", "text")
    seen = trace(
        project,
        """
        import os
        from pathlib import Path
        open("file").close()
        Path("file").read_text()
        open("written", "w").close()
        open("file", "a").close()
        os.rename("written", "renamed")
        Path("made").mkdir()
        try:
            open("missing")
        except OSError:
            pass
        """,
    )
    assert seen.of("READ", "file") == [["NONE", "", seen.place(3)]]
    assert seen.of("CHANGE", "file") == [["NONE", "", seen.place(6)]]
    assert seen.of("CHANGE", "written") == [["NONE", "", seen.place(5)]]
    assert seen.of("CHANGE", "renamed") == [["NONE", "", seen.place(7)]]
    assert seen.of("CHANGE", "made") == [["NONE", "", seen.place(8)]]
    assert seen.of("READ", "missing") == [["NONE", "ENOENT", seen.place(10)]]


def test_listings(project: Project) -> None:
    """Who lists a folder for itself can use all names."""
    project.files({"a/x": "", "b/x": "", "c/x": "", "d/x": ""})
    seen = trace(
        project,
        """
        import glob, os
        from pathlib import Path
        os.listdir("a")
        list(os.scandir("b"))
        glob.glob("c/*")
        list(Path("d").glob("*"))
        """,
    )
    for line, name in enumerate("abcd", 3):
        found = seen.of("LIST", name)
        assert found == [["ALL", "", seen.place(line)]], name


def test_collection(project: Project) -> None:
    """pytest lists folders for what it would collect, unless somebody else wants it to."""
    project.files({"tests/test_it.py": "def test_it(): pass", "mine/x": ""})
    seen = trace(
        project,
        """
        import pytest
        from _pytest.pathlib import scandir
        scandir("mine")
        assert pytest.main(["-q", "-p", "no:cacheprovider", "tests"]) == 0
        """,
    )
    assert ["COLLECT", "", seen.place(4)] in seen.of("LIST", "tests")
    assert seen.of("LIST", "mine") == [["ALL", "", seen.place(3)]]
    (read,) = seen.of("READ", "tests/test_it.py")
    assert read == ["NONE", "", seen.place(4)]


def test_programs(project: Project) -> None:
    """A program is told by its path, also when it is started in a child that shares our memory."""
    seen = trace(
        project,
        """
        import os, subprocess
        subprocess.run(["/bin/true"])
        os.system("exit 0")
        os.waitpid(os.posix_spawn("/bin/false", ["false"], {}), 0)
        pid = os.fork() or os._exit(0)
        os.waitpid(pid, 0)
        """,
        "import subprocess",
    )
    assert not seen.missed
    # Before 3.10 subprocess forks, and what the child starts is not known.
    program = "/bin/true" if sys.version_info >= (3, 10) else "fork"
    assert seen.text("PROGRAM", program)[0] == ["NONE", "", seen.place(2)]
    assert seen.text("PROGRAM", "/bin/sh -c exit 0") == [["NONE", "", seen.place(3)]]
    assert seen.text("PROGRAM", "/bin/false") == [["NONE", "", seen.place(4)]]
    assert seen.text("PROGRAM", "fork")


# ---- what C code does ----


def test_extension_modules(project: Project) -> None:
    """C code is seen too, on behalf of the Python code that calls it."""
    pytest.importorskip("sqlite3")
    seen = trace(
        project,
        """
        import ctypes, sqlite3
        sqlite3.connect("data.db").execute("create table a (b)")
        libc = ctypes.CDLL(None)
        libc.access(b"looked", 4)
        libc.getenv(b"SOME_VARIABLE")
        """,
    )
    assert not seen.missed
    assert ["NONE", "", seen.place(2)] in seen.of("CHANGE", "data.db")
    assert seen.of("STATUS", "looked") == [["FULL", "ENOENT", seen.place(4)]]
    assert seen.text("VARIABLE", "SOME_VARIABLE") == [["NONE", "", seen.place(5)]]


def test_sockets(project: Project) -> None:
    seen = trace(
        project,
        """
        import socket
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind("here")
        """,
    )
    assert seen.text("SOCKET", "unix here") == [["NONE", "", seen.place(3)]]


# ---- files that are taken for terminals ----

SCREEN = """
    import os, shutil, sys, termios
    from fleetest import _core

    os.environ.pop("COLUMNS", None), os.environ.pop("LINES", None)
    screen = os.memfd_create("screen")
    os.dup2(screen, 1)
    assert _core.trace_pretend(screen, 1 << 32 | 30 << 16 | 100)

    def is_file(fd):
        try:
            os.get_terminal_size(fd)
        except OSError:
            return not os.isatty(fd)
"""


def test_file_as_terminal(project: Project) -> None:
    """Python takes a file in memory, and each descriptor of it, for a terminal of this size."""
    project.file("screen.py", SCREEN)
    seen = trace(
        project,
        """
        from screen import *
        copy = os.dup(screen)
        for fd in screen, copy, 1:
            assert os.isatty(fd)
        assert sys.stdout.isatty() and sys.__stdout__.isatty()
        assert open(copy, "w", closefd=False).line_buffering
        assert os.get_terminal_size() == os.get_terminal_size(copy) == (100, 30)
        assert shutil.get_terminal_size() == (100, 30)
        """,
    )
    assert not seen.missed
    assert seen.text("TERMINAL", "size") == [["NONE", "", seen.place(7)]]
    assert [entry for entry in seen.entries if entry[0] == "TERMINAL"][1:] == []


def test_what_a_file_cannot_answer(project: Project) -> None:
    project.file("screen.py", SCREEN)
    seen = trace(
        project,
        """
        from screen import *
        def fails(function, *args):
            try:
                function(*args)
            except (OSError, termios.error) as error:
                return error.args[0] == 25
        assert fails(termios.tcgetattr, sys.stdout)
        assert fails(os.ttyname, 1)
        assert fails(os.tcgetpgrp, 1)
        assert fails(termios.tcflush, 1, termios.TCIOFLUSH)
        os.set_inheritable(1, False)
        os.set_blocking(1, True)
        """,
    )
    found = [(text, error) for kind, _, error, text, _ in seen.entries if kind == "TERMINAL"]
    assert found == [
        ("tcgetattr", "ENOTTY"),
        ("ttyname_r", "ENOTTY"),
        ("tcgetpgrp", "ENOTTY"),
        ("tcflush", "ENOTTY"),
    ]


def test_other_files_are_no_terminals(project: Project) -> None:
    """Neither another file in memory, nor what later has the number, nor anything once it is over."""
    project.file("screen.py", SCREEN)
    project.file("file")
    seen = trace(
        project,
        """
        import errno
        from fleetest import _core
        from screen import *
        other, fourth = os.memfd_create("other"), os.memfd_create("fourth")
        assert is_file(other)
        os.close(screen)
        assert os.open("file", os.O_RDWR) == screen
        assert is_file(screen)
        os.dup2(other, 0)
        assert is_file(0) and not sys.stdin.isatty()
        for fd, error in (-1, "EBADF"), (other, ""), (screen, ""), (0, ""), (fourth, "ENOSPC"):
            try:
                assert _core.trace_pretend(fd, 1 << 32)
                failed = ""
            except OSError as raised:
                failed = errno.errorcode[raised.errno]
            assert failed == error, (fd, failed)
        assert os.isatty(other) and os.isatty(0) and os.isatty(screen)
        assert _core.trace_pretend(screen, 0)
        assert is_file(screen) and os.isatty(1)
        pid = os.fork()
        if pid == 0:
            _core.trace_pretend_nothing()
            os._exit(0 if is_file(1) else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert os.isatty(1)
        _core.trace_pretend_nothing()
        assert is_file(1) and is_file(other)
        """,
    )
    assert seen.text("TERMINAL", "size") == []


# ---- nobody notices ----


def test_variable_is_as_it_was(project: Project) -> None:
    """The library takes itself out of LD_PRELOAD, and leaves there what the user had."""
    theirs = os.environ.get("LD_PRELOAD")
    script = project.file(
        "show.py",
        """
        import os, subprocess, sys
        print(os.environ.get("LD_PRELOAD"), flush=True)
        subprocess.run([sys.executable, "-c", "import os; print(os.environ.get('LD_PRELOAD'))"])
        subprocess.run("echo ${LD_PRELOAD-None}", shell=True)
        """,
    )
    shown = project.python(script, env=PRELOAD).check(0).out
    assert shown == f"{theirs}\n" * 3
    for value in ("", "libutil.so.1"):
        shown = project.python(script, env={"LD_PRELOAD": f"{value}:{LIBRARY}"}).check(0).out
        assert shown == f"{value}\n" * 3


def test_runs_do_not_see_it(project: Project) -> None:
    """A run through the daemon has the variable as its command has it; the library is there."""
    theirs = os.environ.get("LD_PRELOAD")
    project.file(
        "test_it.py",
        """
        import os, subprocess, sys
        from fleetest import _core

        def test_it():
            with open("log", "a") as log:
                print(os.environ.get("LD_PRELOAD"), file=log, flush=True)
                code = "import os; print(os.environ.get('LD_PRELOAD'))"
                subprocess.run([sys.executable, "-c", code], stdout=log)
                print(_core.trace_start("", (), ""), file=log)
                _core.trace_stop()
        """,
    )
    project.env.update(WARM)
    for workers in ("0", "2"):
        project.fleetest("-n", workers, leaves=True).check(0).counts(passed=1)
    other = ":".join(filter(None, [theirs, "libutil.so.1"]))
    project.fleetest("-n", "0", leaves=True, env={"LD_PRELOAD": other}).check(0)
    expected = [str(theirs), str(theirs), "True"]
    assert project.logged() == [*expected, *expected, other, other, "True"]


def test_forked_child_records_nothing(project: Project) -> None:
    seen = trace(
        project,
        """
        import os
        from driver import stop
        pid = os.fork()
        if pid == 0:
            os.path.exists("child")
            stop("child.json")
            os._exit(0)
        os.waitpid(pid, 0)
        os.path.exists("parent")
        """,
    )
    assert json.loads(project.read("child.json")) == [False, []]
    assert seen.of("STATUS", "child") == []
    assert seen.of("STATUS", "parent") == [["PRESENCE", "ENOENT", seen.place(9)]]


def test_exceptions_stay(project: Project) -> None:
    """Errors of the calls are what they are, and so is the one that is being handled."""
    seen = trace(
        project,
        """
        import os, sys
        try:
            raise ValueError("mine")
        except ValueError as error:
            os.path.exists("one")
            assert sys.exc_info()[1] is error
            try:
                os.stat("two")
            except FileNotFoundError as missing:
                assert missing.__context__ is error
                assert missing.filename == "two"
            assert sys.exc_info()[1] is error
        """,
    )
    assert seen.of("STATUS", "one") == [["PRESENCE", "ENOENT", seen.place(5)]]
    assert seen.of("STATUS", "two") == [["FULL", "ENOENT", seen.place(8)]]


def test_threads(project: Project) -> None:
    """Several threads may look at once; where another one may have the lock, all may be of use."""
    seen = trace(
        project,
        """
        import os, threading

        def look(name):
            for i in range(500):
                assert not os.path.exists(f"{name}-{i}")

        threads = [threading.Thread(target=look, args=[name]) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os.path.exists("afterwards")
        """,
    )
    assert not seen.missed
    for name in "ab":
        for i in range(500):
            assert {error for _, error, _ in seen.of("STATUS", f"{name}-{i}")} == {"ENOENT"}
    assert seen.of("STATUS", "afterwards") == [["PRESENCE", "ENOENT", seen.place(12)]]


def test_without_the_library(project: Project) -> None:
    """Where it is not preloaded nothing is recorded, and that is said."""
    project.file("driver.py", DRIVER)
    project.file(
        "main.py",
        """
        from driver import _core, start
        assert not start()
        assert _core.trace_stop() == (False, [])
        assert not _core.trace_pretend(0, 1 << 32)
        _core.trace_pretend_nothing()
        """,
    )
    project.python("main.py").check(0)
