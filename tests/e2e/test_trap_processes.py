"""Traps of the fork: the end of a process, its children, threads and descriptors."""

from __future__ import annotations

import fcntl
import os

import pytest
from lab import Project, numbered
from observing import METHODS, notes, observed

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


def test_thread_of_the_project(project: Project) -> None:
    """It would not survive a fork, so workers are made from before it; the run says so."""
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
    result.lines("fleetest: *workers forked before the conftests (threads are running: pump)*")


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
            assert threading.main_thread().native_id == threading.get_native_id()
        """,
    )
    result = project.fleetest("-n", "2").check(0).counts(passed=3)
    result.lines("fleetest: *forked*")


@METHODS
def test_pools_that_nobody_shuts_down(project: Project, method: str) -> None:
    """Their threads wait for work until they are told that the interpreter ends, before it waits for them."""
    project.file(
        "test_a.py",
        """
        import atexit
        import threading
        from concurrent.futures import ThreadPoolExecutor

        POOL = ThreadPoolExecutor(1)

        def log(text):
            with open("log", "a") as file:
                file.write(f"{text}\\n")

        def test_of_the_module():
            assert POOL.submit(int).result() == 0

        def test_of_the_test():
            global pool
            pool = ThreadPoolExecutor(1)
            pool.submit(log, "submitted").result()
            atexit.register(log, "handler")
        """,
    )
    project.fleetest("-n", "2", "--start-method", method).check(0).counts(passed=2)
    assert project.logged() == ["submitted", "handler"]


def test_pool_that_cannot_be_told(project: Project) -> None:
    """What is raised then is shown, and handlers run all the same, as at the interpreter's end."""
    project.file(
        "test_a.py",
        """
        import atexit
        import threading

        def fail():
            raise ValueError("not now")

        def test_a():
            threading._register_atexit(fail)
            atexit.register(print, "handler", file=open("log", "w"))

        def test_b(): pass
        """,
    )
    result = project.fleetest("-n", "2", "--cold").check(0).counts(passed=2)
    assert "Exception ignored in: <module 'threading'" in result.err
    assert "ValueError: not now" in result.err
    assert project.logged() == ["handler"]


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
    env.update(XDG_RUNTIME_DIR=env["TMPDIR"], FLEETEST_DAEMON="0")
    args = ["-n", "2", "--start-method", method]
    project.fleetest(*args, cwd=f"project/{deep}", env=env).check(0).counts(passed=4)
    assert os.listdir(env["TMPDIR"]) == []
