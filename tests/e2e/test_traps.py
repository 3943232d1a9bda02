"""Traps of forking: tests in workers cannot tell them from a session of their own.

Most tests let plain pytest and workers write down what they see, and compare.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from lab import FLEETEST, Project, Result, numbered

METHODS = pytest.mark.parametrize("method", ["fork", "spawn"])

NOTE = """
    import json

    def note(value, name="notes"):
        with open(name, "a") as file:
            file.write(json.dumps(value) + "\\n")
"""


def notes(project: Project, name: str = "notes") -> list[object]:
    """What the tests of the last run wrote down, sorted."""
    found = [json.loads(line) for line in project.logged(name)]
    (project.path / name).unlink(missing_ok=True)
    return sorted(found, key=repr)


def observed(project: Project, text: str, *args: str) -> tuple[list[object], list[object]]:
    """What the tests of a module see under plain pytest, and in workers."""
    project.file("note.py", NOTE)
    project.file("conftest.py", "")
    project.file("test_seen.py", text)
    plain_args = [arg for arg in args if not arg.startswith("--start-method")]
    project.pytest(*plain_args).check(0)
    plain = notes(project)
    project.fleetest("-n", "2", *args).check(0)
    return plain, notes(project)


def captured(project: Project) -> dict[str, str]:
    """Test -> what JUnit's file has as its standard output."""
    root = ET.parse(project.path / "junit.xml").getroot()
    return {case.get("name"): case.findtext("system-out") or "" for case in root.iter("testcase")}


# ---- capture ----

WRITERS = """
    import logging
    import os
    import subprocess
    import sys

    import pytest

    KEPT = sys.stdout
    LOGGER = logging.getLogger("kept")
    LOGGER.addHandler(logging.StreamHandler(sys.stdout))
    LOGGER.propagate = False

    @pytest.mark.parametrize("number", range(12))
    def test_write(number):
        print(f"<print {number}>")
        print(f"<kept {number}>", file=KEPT)
        LOGGER.warning(f"<logged {number}>")
        sys.stdout.flush()
        os.write(1, f"<written {number}>\\n".encode())
        subprocess.run(["echo", f"<echoed {number}>"], check=True)
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_each_worker_has_capture_files_of_its_own(project: Project, method: str) -> None:
    """What a test writes is in its own report, by whatever way it went out, and in order."""
    project.file("test_a.py", WRITERS)
    args = ["-n", "2", "--junitxml=junit.xml", "-o", "junit_logging=system-out"]
    project.fleetest(*args, "--start-method", method).check(0).counts(passed=12)
    texts = captured(project)
    assert len(texts) == 12
    ways = ["print", "kept", "logged", "written", "echoed"]
    for name, text in texts.items():
        number = name.partition("[")[2].rstrip("]")
        assert re.findall("<.*?>", text) == [f"<{way} {number}>" for way in ways]


@pytest.mark.parametrize("capture", ["sys", "tee-sys"])
def test_other_ways_to_capture(project: Project, capture: str) -> None:
    """What is not captured by Python objects alone is the terminal's."""
    project.file("test_a.py", WRITERS)
    args = [f"--capture={capture}", "--junitxml=junit.xml", "-o", "junit_logging=system-out"]
    project.pytest(*args).check(0)
    expected = captured(project)
    result = project.fleetest("-n", "2", *args).check(0).counts(passed=12)
    assert captured(project) == expected
    for number in range(12):
        assert result.out.count(f"<written {number}>") == 1


def test_capture_keeps_numbers_and_objects(project: Project) -> None:
    """Only what is behind the numbers is another file in each worker."""
    text = """
        import os
        import sys

        from note import note

        KEPT = [sys.stdin, sys.stdout, sys.stderr]
        NUMBERS = [sys.stdout.fileno(), sys.stderr.fileno()]

        def look():
            now = [sys.stdin, sys.stdout, sys.stderr]
            assert [a is b for a, b in zip(KEPT, now)] == [True] * 3
            assert [sys.stdout.fileno(), sys.stderr.fileno()] == NUMBERS
            note(NUMBERS)
            for number in [1, 2]:
                assert os.fstat(number).st_ino == os.fstat(NUMBERS[number - 1]).st_ino
            note([os.getpid(), [os.fstat(number).st_ino for number in NUMBERS]], "files")
            assert os.fstat(1).st_nlink == 0

        def test_1(): look()
        def test_2(): look()
        def test_3(): look()
        def test_4(): look()
    """
    plain, workers = observed(project, text)
    assert workers == plain
    behind = notes(project, "files")
    processes = {entry[0]: tuple(entry[1]) for entry in behind}
    files = [inode for inodes in processes.values() for inode in inodes]
    assert len(set(files)) == len(files)


def test_capturing_fixtures(project: Project) -> None:
    """capsys, capfd and the like inside the workers' capture."""
    project.file(
        "test_a.py",
        """
        import os
        import subprocess
        import sys

        def test_capsys(capsys):
            print("a")
            print("b", file=sys.stderr)
            assert capsys.readouterr() == ("a\\n", "b\\n")

        def test_capfd(capfd):
            subprocess.run("echo a; echo b >&2", shell=True, check=True)
            assert capfd.readouterr() == ("a\\n", "b\\n")

        def test_capfdbinary(capfdbinary):
            os.write(1, b"\\xff")
            assert capfdbinary.readouterr().out == b"\\xff"

        def test_disabled(capsys):
            with capsys.disabled():
                print("seen from outside")
            print("not seen")
            assert capsys.readouterr().out == "not seen\\n"

        def test_caplog(caplog):
            import logging
            logging.getLogger("x").warning("hello")
            assert caplog.messages == ["hello"]
        """,
    )
    result = project.fleetest("-n", "2").check(0).counts(passed=5)
    assert result.out.count("seen from outside") == 1
    assert "not seen" not in result.out


# ---- the end of a process ----


def test_inherited_exit_handlers_run_once_in_the_controller(project: Project) -> None:
    """atexit, weakref.finalize, temporary folders: none of them acts in a worker."""
    project.file(
        "test_a.py",
        """
        import atexit
        import os
        import tempfile
        import weakref

        def log(text):
            with open("log", "a") as file:
                file.write(f"{text} {os.getpid() == OWNER}\\n")

        class Thing:
            pass

        OWNER = os.getpid()
        THING = Thing()
        FOLDER = tempfile.TemporaryDirectory()
        atexit.register(log, "atexit")
        weakref.finalize(THING, log, "finalize")

        def test_1(): assert os.path.isdir(FOLDER.name)
        def test_2(): assert os.path.isdir(FOLDER.name)
        def test_3(): assert os.path.isdir(FOLDER.name)
        """,
    )
    project.fleetest("-n", "2", "--start-method=fork").check(0).counts(passed=3)
    assert sorted(project.logged()) == ["atexit True", "finalize True"]


@METHODS
def test_own_exit_handlers_of_a_worker_run(project: Project, method: str) -> None:
    """Whatever it registered or started itself ends as in any process."""
    project.file(
        "test_a.py",
        """
        import atexit
        import os
        import tempfile
        import threading
        import weakref

        KEPT = []

        def log(text):
            with open("log", "a") as file:
                file.write(f"{text}\\n")

        class Thing:
            pass

        def test_atexit():
            atexit.register(log, "atexit")

        def test_finalize():
            KEPT.append(Thing())
            weakref.finalize(KEPT[-1], log, "finalize")

        def test_folder():
            KEPT.append(tempfile.TemporaryDirectory())

        def test_thread():
            end = threading.Event()
            atexit.register(end.set)  # too late for the thread, were it not for its time limit
            threading.Thread(target=lambda: (end.wait(0.2), log("thread"))).start()
        """,
    )
    project.fleetest("-n", "2", "--start-method", method).check(0).counts(passed=4)
    assert sorted(project.logged()) == ["atexit", "finalize", "thread"]


def test_multiprocessing(project: Project) -> None:
    """It works in a worker and ends with it: processes are ended, its folder is gone."""
    project.file(
        "test_a.py",
        """
        import multiprocessing
        import multiprocessing.util
        import os
        import time

        context = multiprocessing.get_context("fork")
        KEPT = []

        def test_daemon():
            process = context.Process(target=time.sleep, args=(1000,), daemon=True)
            process.start()
            KEPT.append(process)

        def test_folder():
            assert os.path.isdir(multiprocessing.util.get_temp_dir())

        def test_pool():
            with context.Pool(2) as pool:
                assert pool.map(abs, [-1, -2, -3]) == [1, 2, 3]

        def test_manager():
            with context.Manager() as manager:
                shared = manager.dict(a=1)
                assert shared["a"] == 1
        """,
    )
    project.fleetest("-n", "2").check(0).counts(passed=4)


def test_file_that_a_worker_never_closed(project: Project) -> None:
    """What is in its buffer is written at the end of the process, as under plain pytest."""
    project.file(
        "test_a.py",
        """
        import os

        FILES = {}

        def write(text):
            file = FILES.setdefault(os.getpid(), open(f"out{os.getpid()}", "a"))
            file.write(text + "\\n")

        def test_1(): write("one")
        def test_2(): write("two")
        """,
    )
    project.fleetest("-n", "2").check(0).counts(passed=2)
    texts = [path.read_text() for path in project.path.glob("out*")]
    assert sorted("".join(texts).split()) == ["one", "two"]


# ---- buffered output ----


def test_buffered_output_is_not_doubled(project: Project) -> None:
    """What was in a buffer at the time of the fork comes out once."""
    project.file(
        "test_a.py",
        """
        import atexit
        import sys

        FILE = open("log", "a")
        FILE.write("buffered\\n")
        sys.__stdout__.write("[dunder]")
        sys.stdout.write("[plain]")
        sys.stderr.write("[error]")

        def test_1(): print("[one]")
        def test_2(): print("[two]")
        """,
    )
    result = project.fleetest("-n", "2", "-s", "--start-method=fork").check(0).counts(passed=2)
    for word in ("[dunder]", "[plain]", "[one]", "[two]"):
        assert result.out.count(word) == 1, result
    assert result.err == "[error]"
    assert project.logged() == ["buffered"]


def test_buffered_output_of_c_is_not_doubled(project: Project) -> None:
    """The C library has a buffer of its own, which its users flush when they like."""
    project.file(
        "test_a.py",
        """
        import ctypes

        C = ctypes.CDLL(None)
        C.printf(b"[import]")

        def flush(text):
            C.printf(text)
            C.fflush(None)

        def test_1(): flush(b"[one]")
        def test_2(): flush(b"[two]")
        def test_3(): flush(b"[three]")
        """,
    )
    result = project.fleetest("-n", "2", "-s").check(0).counts(passed=3)
    for word in ("[import]", "[one]", "[two]", "[three]"):
        assert result.out.count(word) == 1, result


# ---- state of the interpreter ----


def test_random_numbers_differ(project: Project) -> None:
    """Between workers, and for generators made after the fork."""
    project.file(
        "test_a.py",
        """
        import random
        import tempfile
        import uuid

        from note import note

        random.random()

        def draw():
            note([random.random(), random.Random().random(), uuid.uuid1().hex, uuid.uuid4().hex,
                  tempfile.mktemp()])
        """
        + numbered(4, "draw()").replace("\n", "\n        "),
    )
    project.file("note.py", NOTE)
    project.file("conftest.py")
    project.fleetest("-n", "4").check(0).counts(passed=4)
    drawn = notes(project)
    for column in zip(*drawn):
        assert len(set(column)) == 4


@pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="numpy is not installed")
def test_random_numbers_of_numpy_differ(project: Project) -> None:
    """Its global generator knows nothing of forks."""
    project.file(
        "test_a.py",
        "import numpy\nfrom note import note\n"
        "numpy.random.random()\n" + numbered(4, "note(numpy.random.random())"),
    )
    project.file("note.py", NOTE)
    project.file("conftest.py")
    project.fleetest("-n", "4").check(0).counts(passed=4)
    assert len(set(notes(project))) == 4


def test_logging_works_in_workers(project: Project) -> None:
    """Handlers made at import, locks, and a project's fork handler that logs."""
    project.file(
        "conftest.py",
        """
        import logging
        import os

        HANDLER = logging.FileHandler("log")
        logging.getLogger().addHandler(HANDLER)
        os.register_at_fork(
            before=lambda: logging.warning("before"),
            after_in_parent=lambda: logging.warning("parent"),
            after_in_child=lambda: logging.warning("child"),
        )
        HANDLER.acquire()  # by the thread that forks
        logging.warning("import")
        """,
    )
    project.file("test_a.py", "import logging\n" + numbered(6, "logging.warning('test')"))
    project.fleetest("-n", "2", "--start-method=fork", timeout=30).check(0).counts(passed=6)
    lines = project.logged()
    assert lines.count("test") == 6
    assert lines.count("import") == 1
    assert lines.count("child") >= 2


@pytest.mark.parametrize("number", ["0", "2"])
def test_garbage_collection_is_as_under_pytest(project: Project, number: str) -> None:
    """Thresholds, and the objects that it sees."""
    project.file(
        "test_a.py",
        """
        import gc

        class Thing:
            pass

        THING = Thing()

        def test_state():
            with open("log", "a") as file:
                file.write(f"{gc.isenabled()} {gc.get_threshold()} {gc.get_debug()}\\n")

        def test_objects():
            assert any(found is THING for found in gc.get_objects())
            assert THING.__dict__ is not None
            assert gc.get_referrers(THING)
        """,
    )
    project.pytest().check(0)
    project.fleetest("-n", number).check(0).counts(passed=2)
    plain, ours = project.logged()
    assert ours == plain


STATE = """
    import locale
    import os
    import resource
    import signal
    import socket
    import sys
    import threading
    import warnings

    from note import note

    def test_signals():
        note({number: repr(signal.getsignal(number)) for number in sorted(signal.valid_signals())})
        note(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
        note(signal.set_wakeup_fd(-1))
        note(signal.getitimer(signal.ITIMER_REAL))

    def test_process():
        mask = os.umask(0)
        os.umask(mask)
        note([os.getcwd(), mask, os.nice(0), os.getuid(), os.getgroups()])
        note([resource.getrlimit(kind) for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)])
        note(sorted(os.sched_getaffinity(0)))

    def test_environment():
        drop = ("PYTEST_", "FLEETEST_", "_")
        note({k: v for k, v in os.environ.items() if not k.startswith(drop)})

    def test_interpreter():
        note([sys.flags, sys.getrecursionlimit(), sys.getswitchinterval()])
        note([repr(sys.excepthook), repr(sys.displayhook), repr(sys.gettrace())])
        note([sys.path, locale.setlocale(locale.LC_ALL), socket.getdefaulttimeout()])
        note([sys.warnoptions, len(warnings.filters)])

    def test_threads():
        assert threading.current_thread() is threading.main_thread()
        note([thread.name for thread in threading.enumerate()])
        note(len(os.listdir("/proc/self/task")))

    def test_children():
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            note("no children")
"""


@METHODS
def test_state_of_the_process_is_as_under_pytest(project: Project, method: str) -> None:
    """Signals, masks, timers, limits, environment, path, threads, children."""
    # The pytest command, since `python -m pytest` has the current folder on sys.path.
    project.file("note.py", NOTE)
    project.file("conftest.py", "")
    project.file("test_seen.py", STATE)
    project.run(Path(sys.executable).with_name("pytest")).check(0)
    plain = notes(project)
    project.fleetest("-n", "2", f"--start-method={method}").check(0)
    assert notes(project) == plain


@pytest.mark.parametrize("number", ["0", "2"])
def test_state_of_the_controller_is_as_under_pytest(project: Project, number: str) -> None:
    """What a conftest sees at the beginning and at the end."""
    project.file("note.py", NOTE)
    project.file(
        "conftest.py",
        """
        import signal
        import threading

        from note import note

        def look(config):
            if not hasattr(config, "workerinput"):
                handlers = [signal.getsignal(number) for number in signal.valid_signals()]
                note([repr(handlers), sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
                      threading.active_count(), signal.set_wakeup_fd(-1)])

        def pytest_configure(config): look(config)
        def pytest_sessionfinish(session): look(session.config)
        def pytest_unconfigure(config): look(config)
        """,
    )
    project.file("test_a.py", numbered(4))
    project.pytest().check(0)
    plain = notes(project)
    project.fleetest("-n", number).check(0)
    assert notes(project) == plain


def test_terminal_reporter_is_there_in_workers(project: Project) -> None:
    """Plugins find it as they know it, and its own output is not doubled."""
    project.file(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(autouse=True)
        def reporter(pytestconfig):
            reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")
            assert reporter is pytestconfig.pluginmanager.get_plugin("terminalreporter")
            assert reporter.config is pytestconfig
            assert pytestconfig.get_terminal_writer() is reporter._tw
            assert reporter._tw.fullwidth == 80
            assert not reporter.isatty
            yield reporter

        def pytest_runtest_logreport(report):
            pass
        """,
    )
    project.file("test_a.py", numbered(6))
    result = project.fleetest("-n", "2").check(0).counts(passed=6)
    assert len(re.findall(r"^\.{6} +\[100%\]$", result.out, re.MULTILINE)) == 1


# ---- descriptors ----

DESCRIPTORS = """
    import fcntl
    import os
    import subprocess
    import sys

    from note import note

    def look():
        found = {}
        for name in os.listdir("/proc/self/fd"):
            try:
                flags = fcntl.fcntl(int(name), fcntl.F_GETFD)
            except OSError:
                continue  # the listing's own
            found[int(name)] = bool(flags & fcntl.FD_CLOEXEC)
        return found

    def test_low():
        note({number: closes for number, closes in look().items() if number < 10})

    def test_lowest_free():
        number = os.open("/dev/null", os.O_RDONLY)
        os.close(number)
        note(number if number < 10 else "10 or more")

    def test_high():
        assert all(closes for number, closes in look().items() if number >= 10)
        note("high ones close on exec")

    def test_program():
        code = "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])"
        args = [sys.executable, "-c", code]
        note(subprocess.run(args, stdout=subprocess.PIPE, close_fds=False).stdout.decode())

    def test_flags():
        note([fcntl.fcntl(number, fcntl.F_GETFL) & os.O_NONBLOCK for number in (0, 1, 2)])
"""


@pytest.mark.parametrize("args", [[], ["-s"], ["--capture=sys"]])
@METHODS
def test_descriptors_are_as_under_pytest(project: Project, args: list[str], method: str) -> None:
    """None of ours is below 10, and none is passed on to programs."""
    plain, workers = observed(project, DESCRIPTORS, *args, f"--start-method={method}")
    assert workers == plain


def test_descriptors_in_the_session_are_as_under_pytest(project: Project) -> None:
    """With -n 0 as well."""
    plain, _ = observed(project, DESCRIPTORS)
    project.fleetest("-n", "0").check(0)
    assert notes(project) == plain


def test_replacement_has_the_same_descriptors(project: Project) -> None:
    """A worker that comes from the spare is like the others."""
    crash = "\n    def test_0(): os._exit(1)\n    def test_1(): os._exit(1)\n"
    plain, _ = observed(project, DESCRIPTORS)
    project.file("test_seen.py", crash + DESCRIPTORS)
    text = project.read("test_seen.py")
    head, _, rest = text.partition("import fcntl")
    project.file("test_seen.py", "import os\n" + head + "import fcntl" + rest)
    project.fleetest("-n", "1").check(1).lines("replacing crashed worker gw1*")
    assert notes(project) == plain


def test_standard_streams_of_the_caller_stay_blocking(project: Project) -> None:
    """Others share them."""
    project.file("test_a.py", numbered(6, "print('x' * 1000)"))
    pairs = [os.pipe() for _ in range(3)]
    try:
        (stdin, keep), (out, stdout), (err, stderr) = pairs
        running = project.start_fleetest("-n", "2", stdin=stdin, stdout=stdout, stderr=stderr)
        running.wait().check(0)
        for number in (stdin, keep, out, stdout, err, stderr):
            assert not fcntl.fcntl(number, fcntl.F_GETFL) & os.O_NONBLOCK
    finally:
        for number in [number for pair in pairs for number in pair]:
            os.close(number)


@METHODS
def test_long_paths(project: Project, method: str) -> None:
    """A socket's path may have 107 bytes; folders are longer than that."""
    deep = "/".join(["a-folder-with-a-long-name"] * 8)
    for name in ("temp", "home", "project"):
        (project.path / name / deep).mkdir(parents=True)
    project.file(f"project/{deep}/test_a.py", numbered(4))
    env = {"TMPDIR": str(project.path / "temp" / deep), "HOME": str(project.path / "home" / deep)}
    env["XDG_RUNTIME_DIR"] = env["TMPDIR"]
    args = ["-n", "2", "--start-method", method]
    project.fleetest(*args, cwd=f"project/{deep}", env=env).check(0).counts(passed=4)
    assert os.listdir(env["TMPDIR"]) == []


# ---- runners inside tests ----


def inner(project: Project, body: str) -> Result:
    """Run tests that use pytester, in two workers."""
    project.file("conftest.py", 'pytest_plugins = "pytester"\n')
    text = body.strip("\n")
    project.file("test_outer.py", text)
    return project.fleetest("-n", "2").check(0)


def test_pytester_in_a_worker(project: Project) -> None:
    """In process and in a subprocess, plain runs are plain."""
    inner(
        project,
        """
        import os

        import pytest

        TEXT = '''
            import os

            def test_role(pytestconfig):
                assert not hasattr(pytestconfig, "workerinput")
            def test_fails(): assert 0
        '''

        def environment():
            # An inner run in process takes this one away, under plain pytest too.
            return {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}

        @pytest.mark.parametrize("way", ["inprocess", "subprocess"])
        def test_run(pytester, way):
            before = environment()
            pytester.makepyfile(TEXT)
            for _ in range(2):
                result = getattr(pytester, f"runpytest_{way}")()
                result.assert_outcomes(passed=1, failed=1)
                result.stdout.no_fnmatch_line("fleetest: *")
                assert result.ret == 1
            assert environment() == before

        def test_inline(pytester):
            pytester.makepyfile(TEXT)
            record = pytester.inline_run()
            record.assertoutcome(passed=1, failed=1)
        """,
    ).counts(passed=3)


def test_fleetest_in_a_worker(project: Project) -> None:
    """An inner run in process starts as a controller, twice, and leaves nothing."""
    inner(
        project,
        """
        import os
        import signal
        import sys

        import pytest

        TEXT = '''
            import os

            import pytest

            @pytest.mark.parametrize("number", range(4))
            def test_role(pytestconfig, number, worker_id):
                assert pytestconfig.workerinput["workercount"] == 2
                assert os.environ["PYTEST_XDIST_WORKER"] == worker_id
                assert os.getppid() == PARENT
            def test_fails(): assert 0
        '''

        def state():
            return (
                sorted(os.listdir("/proc/self/fd")),
                [signal.getsignal(number) for number in signal.valid_signals()],
                signal.set_wakeup_fd(-1),
                dict(os.environ),
                sys.argv,
                sys.path,
                os.getcwd(),
                list(sys.meta_path),
                sys.modules.get("xdist"),
            )

        def run(pytester, *args):
            pytester.makepyfile(TEXT.replace("PARENT", str(os.getpid())))
            before = state()
            for _ in range(2):
                result = pytester.runpytest_inprocess("-p", "fleetest", *args)
                result.assert_outcomes(passed=4, failed=1)
                result.stdout.fnmatch_lines(["created: 2/2 workers", "2 workers [[]5 items]"])
                assert result.ret == 1
            assert state() == before
            with pytest.raises(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)

        def test_inner(pytester):
            run(pytester, "-n", "2")

        def test_inner_ordered(pytester):
            run(pytester, "-n", "2", "--ordered")

        def test_outer_worker_is_what_it_was(pytestconfig, worker_id):
            assert pytestconfig.workerinput["workerid"] == worker_id
            assert os.environ["PYTEST_XDIST_WORKER"] == worker_id
        """,
    ).counts(passed=3)


def test_fleetest_in_a_subprocess_of_a_worker(project: Project) -> None:
    """Nothing of the outer run leaks into it."""
    inner(
        project,
        f"""
        import pytest

        COMMANDS = [
            [{FLEETEST!r}, "-n", "2"],
            [{sys.executable!r}, "-m", "fleetest", "-n", "2"],
            [{sys.executable!r}, "-m", "pytest", "-p", "fleetest", "-n", "2"],
        ]

        @pytest.mark.parametrize("command", COMMANDS)
        def test_inner(pytester, command):
            pytester.makepyfile('''
                import os

                def test_role(pytestconfig):
                    assert pytestconfig.workerinput["workercount"] == 2
                def test_two(): pass
                def test_fails(): assert 0
            ''')
            result = pytester.run(*command)
            result.assert_outcomes(passed=2, failed=1)
            result.stdout.fnmatch_lines(["created: 2/2 workers"])
            assert result.ret == 1
            result = pytester.run(*command[:-2], "-n", "0")
            result.assert_outcomes(passed=1, failed=2)
        """,
    ).counts(passed=3)


def test_plain_inner_run_knows_no_outer_worker(project: Project) -> None:
    """With fleetest's plugin in the inner session, but no workers."""
    inner(
        project,
        """
        TEXT = '''
            from xdist import is_xdist_worker

            def test_role(request, worker_id):
                assert worker_id == "master"
                assert not is_xdist_worker(request)
        '''

        def test_inner(pytester):
            pytester.makepyfile(TEXT)
            pytester.runpytest_inprocess("-p", "fleetest", "-n", "0").assert_outcomes(passed=1)
            pytester.runpytest_inprocess("-p", "fleetest").assert_outcomes(passed=1)

        def test_other(): pass
        """,
    ).counts(passed=2)


# ---- children, signals, threads ----


def test_children_of_the_project_are_its_own(project: Project) -> None:
    """Nobody reaps a process that a conftest or a test has started."""
    project.file(
        "conftest.py",
        """
        import subprocess

        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_configure(config):
            config.child = subprocess.Popen(["sh", "-c", "exit 5"])

        def pytest_sessionfinish(session):
            if not hasattr(session.config, "workerinput"):
                with open("log", "a") as file:
                    file.write(f"{session.config.child.wait()}\\n")
        """,
    )
    project.file(
        "test_a.py",
        """
        import os
        import subprocess

        def test_subprocess():
            assert subprocess.run(["sh", "-c", "exit 6"]).returncode == 6

        def test_fork():
            pid = os.fork()
            if pid == 0:
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7

        def test_any():
            process = subprocess.Popen(["true"])
            assert os.waitpid(-1, 0)[0] == process.pid
            process.returncode = 0
        """,
    )
    project.fleetest("-n", "2", "--start-method=fork").check(0).counts(passed=3)
    assert project.logged() == ["5"]


def test_handler_of_sigchld_stays(project: Project) -> None:
    """A project's own is called for the project's own children."""
    project.file(
        "conftest.py",
        """
        import signal

        calls = []

        def handler(number, frame):
            calls.append(number)

        signal.signal(signal.SIGCHLD, handler)
        """,
    )
    project.file(
        "test_a.py",
        "import signal, subprocess\nimport conftest\n"
        + numbered(
            4,
            "assert signal.getsignal(signal.SIGCHLD) is conftest.handler; "
            "conftest.calls.clear(); subprocess.run(['true']); assert conftest.calls",
        ),
    )
    project.fleetest("-n", "2").check(0).counts(passed=4)


def test_ignored_sigchld(project: Project) -> None:
    """A project may also have the kernel reap its children."""
    project.file("conftest.py", "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n")
    project.file("test_a.py", numbered(4))
    project.fleetest("-n", "2", timeout=30).check(0).counts(passed=4)


def test_thread_of_the_project_makes_workers_spawn(project: Project) -> None:
    """A thread would not survive a fork; the run says so."""
    project.file(
        "conftest.py",
        """
        import threading

        END = threading.Event()
        THREAD = threading.Thread(target=END.wait, name="pump", daemon=True)
        THREAD.start()
        """,
    )
    project.file("test_a.py", numbered(3, "import conftest; assert conftest.THREAD.is_alive()"))
    result = project.fleetest("-n", "2").check(0).counts(passed=3)
    result.lines("fleetest: *spawned*threads are running: pump*")


def test_thread_that_has_ended_does_not_matter(project: Project) -> None:
    """Nor does one that tests start."""
    project.file(
        "conftest.py",
        """
        import threading

        THREAD = threading.Thread(target=print)
        THREAD.start()
        THREAD.join()
        """,
    )
    project.file(
        "test_a.py",
        """
        import queue
        import threading
        from concurrent.futures import ThreadPoolExecutor

        def test_pool():
            with ThreadPoolExecutor(3) as pool:
                assert list(pool.map(abs, [-1, -2])) == [1, 2]

        def test_thread():
            answers = queue.Queue()
            threading.Thread(target=answers.put, args=(1,)).start()
            assert answers.get(timeout=10) == 1

        def test_alone():
            assert threading.current_thread() is threading.main_thread()
        """,
    )
    result = project.fleetest("-n", "2").check(0).counts(passed=3)
    result.lines("fleetest: *forked*")


@METHODS
def test_exceptions_of_threads_and_finalizers(project: Project, method: str) -> None:
    """Pytest's warnings about them come from workers too, each once."""
    project.file(
        "test_a.py",
        """
        import threading

        class Bad:
            def __del__(self):
                raise ValueError("finalizer")

        def test_thread():
            thread = threading.Thread(target=lambda: 1 / 0)
            thread.start()
            thread.join()

        def test_finalizer():
            Bad()

        def test_quiet():
            pass
        """,
    )
    plain = project.pytest().check(0)
    result = project.fleetest("-n", "2", "--start-method", method).check(0)
    assert result.summary() == plain.summary() == {"passed": 3, "warning": 2}
    for name in ("PytestUnhandledThreadExceptionWarning", "PytestUnraisableExceptionWarning"):
        assert result.out.count(f"{name}: ") == plain.out.count(f"{name}: ")


def test_asyncio_in_workers(project: Project) -> None:
    """A loop of the test's own, with subprocesses."""
    project.file(
        "test_a.py",
        """
        import asyncio

        async def run():
            process = await asyncio.create_subprocess_exec("sh", "-c", "exit 3")
            return await process.wait()

        def test_1(): assert asyncio.run(run()) == 3
        def test_2(): assert asyncio.run(run()) == 3
        def test_3(): assert asyncio.run(run()) == 3
        """,
    )
    project.fleetest("-n", "2").check(0).counts(passed=3)


# ---- state of the session that is made anew ----


@METHODS
def test_temporary_folders(project: Project, method: str) -> None:
    """Below the controller's, one for each worker."""
    project.file(
        "test_a.py",
        """
        def check(tmp_path, tmp_path_factory, worker_id):
            base = tmp_path_factory.getbasetemp()
            assert base.name == f"popen-{worker_id}"
            assert tmp_path.parent == base
            assert tmp_path_factory.mktemp("x", numbered=False).parent == base
            assert base.parent.name.startswith("pytest-")

        def test_1(tmp_path, tmp_path_factory, worker_id):
            check(tmp_path, tmp_path_factory, worker_id)

        def test_2(tmp_path, pytestconfig, tmp_path_factory):
            assert pytestconfig.option.basetemp == str(tmp_path_factory.getbasetemp())
            assert list(tmp_path.iterdir()) == []
        """,
    )
    project.fleetest("-n", "2", "--start-method", method).check(0).counts(passed=2)


def test_temporary_folders_are_kept_as_pytest_keeps_them(project: Project) -> None:
    """Those of the last three runs; with ``tmp_path_retention_policy`` those of failures."""
    project.file("test_a.py", "def test_bad(tmp_path): assert 0\ndef test_good(tmp_path): pass\n")

    def kept(run: str) -> set[str]:
        folder = next(project.temproot.glob("pytest-of-*")) / run
        return {path.name for path in folder.glob("popen-gw*/*[0-9]")}

    for _ in range(3):
        project.fleetest("-n", "2").check(1)
    project.fleetest("-n", "2", "-o", "tmp_path_retention_policy=failed").check(1)
    folders = [path.name for path in project.temproot.glob("pytest-of-*/pytest-[0-9]*")]
    assert sorted(folders) == ["pytest-1", "pytest-2", "pytest-3"]
    assert kept("pytest-2") == {"test_bad0", "test_good0"}
    assert kept("pytest-3") == {"test_bad0"}


def test_assertions_of_modules_imported_late_are_rewritten(project: Project) -> None:
    """The import hook of the session works in workers."""
    project.file("conftest.py", "import pytest\npytest.register_assert_rewrite('helper')\n")
    project.file("helper.py", "def check(value):\n    assert value == 1\n")
    project.file("test_a.py", numbered(2, "import helper; helper.check(5)"))
    result = project.fleetest("-n", "2").check(1).counts(failed=2)
    assert result.out.count("assert 5 == 1") >= 2


def test_stdin_of_tests(project: Project) -> None:
    """As under pytest: nothing to read, with a word why."""
    project.file("test_a.py", numbered(2, "input()"))
    plain = project.pytest(input="typed\n").check(1)
    result = project.fleetest("-n", "2", "--ordered", input="typed\n").check(1)
    message = "pytest: reading from stdin while output is captured!"
    assert result.out.count(message) == plain.out.count(message) > 0


def test_faulthandler_is_on_in_workers(project: Project) -> None:
    """And its timer is each worker's own."""
    project.file(
        "test_a.py",
        "import faulthandler, time\n"
        + numbered(2, "assert faulthandler.is_enabled(); time.sleep(0.15)"),
    )
    result = project.fleetest("-n", "2", "-o", "faulthandler_timeout=0.05").check(0)
    assert (result.out + result.err).count("Timeout (0:00:00.050000)!") == 2


@METHODS
def test_warnings_of_the_configuration_appear_once(project: Project, method: str) -> None:
    """However many workers there are; and those of tests and of collection too."""
    project.file("pytest.ini", "[pytest]\nno_such_key = 1\n")
    project.file(
        "conftest.py",
        """
        import warnings

        def pytest_configure(config):
            if not hasattr(config, "workerinput"):
                config.issue_config_time_warning(UserWarning("configured"), 2)
        """,
    )
    project.file(
        "test_a.py",
        "import warnings\nwarnings.warn('collected')\n" + numbered(3, "warnings.warn('tested')"),
    )
    plain = project.pytest().check(0)
    result = project.fleetest("-n", "2", "--ordered", "--start-method", method).check(0)
    assert result.summary() == plain.summary() == {"passed": 3, "warning": 6}
