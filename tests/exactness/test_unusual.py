"""What a reviewer would try: where things are, how they are asked for, and when they change."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from exact import ARGS, Change, How, Scene, both, link, nothing, remove, write

ALONE = How(flags=("--ordered", "-n0"))
SHOWN = "import conftest\ndef test_a(): raise ValueError(conftest.VALUE)\n"
FAILS = "def test_a(): assert 0\n"
PASSES = "def test_a(): pass\n"


def conftest(text: str, test: str = SHOWN) -> dict[str, str]:
    """A conftest, and a test that shows what it has as VALUE."""
    return {"conftest.py": text, "test_a.py": test}


def executable(name: str) -> Change:
    """A file may be executed from now on."""
    return lambda scene: (scene.path / name).chmod(0o755)


# ---- files of all kinds ----

Files = Mapping[str, str]
EDITED: dict[str, tuple[Files, Change]] = {
    "cache folder's name begins that of the tests": (
        {"pytest.ini": "[pytest]\ncache_dir = build\n", "build_tests/test_a.py": PASSES},
        write("build_tests/test_a.py", FAILS),
    ),
    "cache folder is the project": (
        {"pytest.ini": "[pytest]\ncache_dir = .\n", "test_a.py": PASSES},
        write("test_a.py", FAILS),
    ),
    "folder named like the cache": (
        {"x/.pytest_cache_tests/test_a.py": PASSES, "pytest.ini": "[pytest]\nnorecursedirs = no\n"},
        write("x/.pytest_cache_tests/test_a.py", FAILS),
    ),
    "folder named like that of byte code": (
        {"__pycache__tests/test_a.py": PASSES},
        write("__pycache__tests/test_a.py", FAILS),
    ),
    "new hidden folder": (
        {"pytest.ini": "[pytest]\nnorecursedirs = build\n", "test_a.py": PASSES},
        write(".hidden/test_b.py", FAILS),
    ),
    "permission to execute": (
        {
            "test_a.py": "import pytest, shutil\n"
            "@pytest.mark.skipif(not shutil.which('tool', path='bin'), reason='no tool')\n" + FAILS,
            "bin/tool": "",
        },
        executable("bin/tool"),
    ),
    "data among byte code": (
        conftest("VALUE = open('__pycache__/data').read()\n") | {"__pycache__/data": "1"},
        write("__pycache__/data", "2"),
    ),
    "removed in vain": (
        conftest(
            "import os\ntry: os.unlink('out')\nexcept OSError: pass\n",
            "import os\ndef test_a(): assert not os.path.exists('out')\n",
        ),
        write("out"),
    ),
    "renamed in vain": (
        conftest(
            "import os\ntry: os.rename('a.log', 'b.log')\nexcept OSError: pass\n",
            "import os\ndef test_a(): assert not os.path.exists('a.log')\n",
        ),
        write("a.log"),
    ),
    "made in vain": (
        conftest(
            "try: open('lock', 'x'); VALUE = 1\nexcept OSError: VALUE = 0\n",
        )
        | {"lock": ""},
        remove("lock"),
    ),
}


@pytest.mark.parametrize("name", EDITED)
def test_edited(scene: Scene, name: str) -> None:
    files, change = EDITED[name]
    scene.ignored |= {"lock", "README.md", "CACHEDIR.TAG", ".gitignore"}
    if "cache folder" in name:  # its files are compared elsewhere
        scene.ignored |= {"lastfailed", "nodeids"}
    scene.play(files, change, how=ALONE, resumed="vain" not in name)


def test_file_behind_a_link_becomes_a_folder(scene: Scene) -> None:
    target = scene.other / "target"
    target.write_text("")

    def change(scene: Scene) -> None:
        del scene
        target.unlink()
        target.mkdir()
        (target / "test_b.py").write_text(PASSES)

    link("sub", str(target))(scene)
    scene.play({"test_a.py": PASSES}, change)


@pytest.fixture
def in_memory(scene: Scene) -> Iterator[Path]:
    """A folder in memory, where devices are."""
    folder = Path("/dev/shm") / f"fleetest-{os.getpid()}-{scene.root.name}"
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("nothing can be made in /dev/shm")
    yield folder
    shutil.rmtree(folder)


def test_project_in_memory(scene: Scene, in_memory: Path) -> None:
    (in_memory / "test_m.py").write_text(PASSES)
    scene.file("pytest.ini", "[pytest]\n")
    args = (*ARGS, str(in_memory))
    scene.warm_up(*args, resumed=True)
    (in_memory / "test_m.py").write_text("def test_a(): assert 0\ndef test_b(): assert 0\n")
    assert scene.run_fleetest(*args).check(1).out.count("FAILED") >= 2


def test_order_of_names_in_memory(scene: Scene, in_memory: Path) -> None:
    """There it is that in which they were made."""
    for name in ("a", "b", "c"):
        (in_memory / name).write_text("")
    scene.files(conftest(f"import os\nVALUE = os.listdir({str(in_memory)!r})\n"))
    scene.warm_up(*ARGS, resumed=True, how=ALONE)
    (in_memory / "new").write_text("")
    (in_memory / "new").rename(in_memory / "b")
    shown = repr(os.listdir(in_memory))
    assert f"ValueError: {shown}" in scene.run_fleetest(*ARGS, how=ALONE).out


def test_free_space(scene: Scene, in_memory: Path) -> None:
    ask = f"import shutil\nVALUE = shutil.disk_usage({str(in_memory)!r}).free\n"
    scene.files(conftest(ask))
    scene.run_fleetest(*ARGS, how=ALONE)
    scene.settle()
    (in_memory / "data").write_bytes(bytes(1 << 20))
    scene.compare(*ARGS, how=ALONE)


def test_library_that_was_not_found(scene: Scene) -> None:
    """Then there is a file by its name that is none, and then a library."""
    scene.env["LD_LIBRARY_PATH"] = str(scene.other)
    ask = "import ctypes\ntry: VALUE = ctypes.CDLL('libnowhere.so') is not None\n"
    scene.files(conftest(ask + "except OSError as error: VALUE = str(error)\n"))
    scene.warm_up(*ARGS, resumed=True, how=ALONE)
    library = scene.other / "libnowhere.so"
    library.write_text("no library")
    scene.compare(*ARGS, how=ALONE)
    shutil.copy(Path(sys.prefix) / "lib" / "fleetest" / "fleetest_trace.so", library)
    scene.compare(*ARGS, how=ALONE)


# ---- what each session has for itself ----

OWN: dict[str, Files] = {
    "value in the cache": conftest(
        "def pytest_configure(config): config.cache.set('mine/n', 0)\n",
        "def test_a(request):\n    cache = request.config.cache\n    n = cache.get('mine/n', None)\n"
        "    cache.set('mine/n', n + 1)\n    assert n == 0\n",
    ),
    "state among byte code": conftest(
        "import os\nos.makedirs('__pycache__', exist_ok=True)\nopen('__pycache__/state', 'w').write('0')\n",
        "def test_a():\n    assert open('__pycache__/state').read() == '0'\n"
        "    open('__pycache__/state', 'w').write('1')\n",
    ),
    "argument added": conftest(
        "import sys\nsys.argv.append('--extra')\n",
        "import sys\ndef test_a(): assert sys.argv[-1] == '--extra'\n",
    ),
    "arguments taken away": conftest(
        "import sys\ndel sys.argv[1:]\n", "import sys\ndef test_a(): assert len(sys.argv) == 1\n"
    ),
    "deadline": conftest(
        "import time\nTHEN = time.monotonic()\n",
        "import conftest, time\ndef test_a(): assert time.monotonic() - conftest.THEN < 0.5\n",
    ),
    "process's time": conftest(
        "import time\nTHEN = time.process_time()\n",
        "import conftest, time\ndef test_a(): assert time.process_time() >= conftest.THEN\n",
    ),
    "clock by its number": conftest(
        "import time\nTHEN = time.clock_gettime(time.CLOCK_MONOTONIC)\n",
        "import conftest, time\n"
        "def test_a(): assert time.clock_gettime(time.CLOCK_MONOTONIC) - conftest.THEN < 0.5\n",
    ),
    "process's time by a clock's number": conftest(
        "import time\nfor _ in range(10 ** 6): pass\n"
        "THEN = time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID)\n",
        "import conftest, time\n"
        "def test_a(): assert time.clock_gettime_ns(time.CLOCK_PROCESS_CPUTIME_ID) >= conftest.THEN\n",
    ),
    "thread's time": conftest(
        "import time\nfor _ in range(10 ** 6): pass\nTHEN = time.thread_time()\n",
        "import conftest, time\ndef test_a(): assert time.thread_time() >= conftest.THEN\n",
    ),
    "process's times": conftest(
        "import os\nTHEN = os.times().elapsed\n",
        "import conftest, os\ndef test_a(): assert os.times().elapsed - conftest.THEN < 0.5\n",
    ),
    "CPU time used": conftest(
        "import resource\nfor _ in range(10 ** 6): pass\n"
        "THEN = resource.getrusage(resource.RUSAGE_SELF).ru_utime\n",
        "import conftest, resource\n"
        "def test_a(): assert resource.getrusage(resource.RUSAGE_SELF).ru_utime >= conftest.THEN\n",
    ),
    "parent": conftest(
        "import os\nVALUE = os.getppid()\n",
        "import conftest, os\ndef test_a(): assert conftest.VALUE == os.getppid()\n",
    ),
    "process group": conftest(
        "import os\nVALUE = os.getpgrp()\n",
        "import conftest, os\ndef test_a(): assert conftest.VALUE == os.getpgrp()\n",
    ),
    "thread's number": conftest(
        "import threading\nVALUE = threading.get_native_id()\n",
        "import conftest, threading\ndef test_a(): assert conftest.VALUE == threading.get_native_id()\n",
    ),
    "main thread's number": conftest(
        "",
        "import threading\n"
        "def test_a(): assert threading.main_thread().native_id == threading.get_native_id()\n",
    ),
    "process by its folder": conftest(
        "import os\nVALUE = os.readlink('/proc/self')\n",
        "import conftest, os\ndef test_a(): assert conftest.VALUE == str(os.getpid())\n",
    ),
    "process by ctypes": conftest(
        "import ctypes\nVALUE = ctypes.CDLL(None).getpid()\n",
        "import conftest, os\ndef test_a(): assert conftest.VALUE == os.getpid()\n",
    ),
    "function called at forks": conftest(
        "import os\nVALUE = []\nos.register_at_fork(after_in_child=lambda: VALUE.append(1))\n",
        "import conftest\ndef test_a(): assert conftest.VALUE == []\n",
    ),
    "kind of standard output": conftest(
        "import os, stat\nVALUE = stat.S_ISREG(os.fstat(1).st_mode)\n",
        "import conftest, os, stat\ndef test_a(): assert conftest.VALUE == stat.S_ISREG(os.fstat(1).st_mode)\n",
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_own(scene: Scene, name: str) -> None:
    """Of three runs each has its own."""
    scene.files(OWN[name])
    for _ in range(3):
        scene.run_fleetest(*ARGS, "-s", how=ALONE).check(0)
        scene.settle()


def test_numbers_drawn_by_a_thread(scene: Scene) -> None:
    scene.files(
        conftest(
            "import uuid\nfrom concurrent.futures import ThreadPoolExecutor\n"
            "with ThreadPoolExecutor(2) as pool: VALUE = [*pool.map(lambda _: uuid.uuid4(), range(4))]\n"
        )
    )
    shown = []
    for _ in range(3):
        out = scene.run_fleetest(how=ALONE).check(1).out
        shown += re.findall(r"^E +ValueError: (.*)", out, re.MULTILINE)
        scene.settle()
    assert len(shown) == len(set(shown)) == 3


DRAWN: dict[str, Files] = {
    "global generator": conftest("import random\nVALUE = random.random()\n"),
    "generator of its own": conftest("import random\nVALUE = random.Random().random()\n"),
    "name of no file": conftest("import tempfile\nVALUE = tempfile.mktemp()\n"),
    "ids": {
        "test_a.py": "import pytest, uuid\n@pytest.mark.parametrize('v', [str(uuid.uuid4())])\n"
        "def test_a(v): raise ValueError(v)\n"
    },
    "after what takes long": conftest(
        "import sum_up\nimport random\nVALUE = random.random()\n",
    )
    | {"sum_up.py": "TOTAL = sum(n % 7 for n in range(2_000_000))\n"},
}


@pytest.mark.parametrize("name", DRAWN)
def test_drawn(scene: Scene, name: str) -> None:
    """Each run has numbers of its own, also the one that lists, and all are warm but the first."""
    scene.files(DRAWN[name])
    shown = []
    for number in range(4):
        result = scene.run_fleetest(how=ALONE).check(1)
        scene._expect(number > 0, result)
        shown += re.findall(r"^E +ValueError: (.*)", result.out, re.MULTILINE)
        scene.settle()
        listed = scene.run_fleetest("--co", "-q").check(0).out
        shown += re.findall(r"test_a\[(.*)\]", listed)
        scene.settle()
    assert len(shown) == len(set(shown)) == (8 if name == "ids" else 4)


def test_generator_goes_on(scene: Scene) -> None:
    """It is as the session has left it, as under plain pytest."""
    scene.files(
        conftest(
            "import random\nrandom.random()\nSTATE = random.getstate()\n",
            "import conftest, random\ndef test_a(): assert random.getstate() == conftest.STATE\n",
        )
    )
    scene.warm_up(*ARGS, resumed=True, how=ALONE)
    scene.compare(*ARGS, how=ALONE, still=True)


@pytest.mark.parametrize("name", ["lib.py", "conftest.py", "test_a.py"])
def test_edited_where_numbers_are_drawn(scene: Scene, name: str) -> None:
    files = {
        "lib.py": "WANTED = 1\n",
        "conftest.py": "import lib\nimport random\nVALUE = random.random()\n",
        "test_a.py": "import conftest, lib\ndef test_a(): assert lib.WANTED == 1 and conftest.VALUE < 1\n",
    }
    changed = {
        "lib.py": "WANTED = 2\n",
        "conftest.py": "import lib\nVALUE = 2\n",
        "test_a.py": "def test_a(): assert 0\n",
    }
    scene.play(files, write(name, changed[name]), how=ALONE)


# ---- options ----

OPTIONS: dict[str, tuple[Files, str, str]] = {
    "expression set by a conftest": (
        {
            "conftest.py": "def pytest_configure(config): config.option.keyword = 'not b'\n",
            "test_a.py": "def test_a(): pass\ndef test_b(): pass\n",
        },
        "-v",
        "-v -k b",
    ),
    "limit set by a conftest": (
        {
            "conftest.py": "def pytest_configure(config): config.option.maxfail = 1\n",
            "test_a.py": "def test_a(): assert 0\ndef test_b(): assert 0\n",
        },
        "",
        "--maxfail=2",
    ),
    "options read all at once": (
        conftest(
            "VALUE = None\ndef pytest_configure(config):\n"
            "    global VALUE\n    VALUE = vars(config.option)['verbose']\n"
        ),
        "-v",
        "-vv",
    ),
    "arguments given to a plugin": (
        {
            "plug.py": "def pytest_load_initial_conftests(args):\n    if '-v' not in args: args.append('-x')\n",
            "test_a.py": "def test_a(): assert 0\ndef test_b(): assert 0\n",
        },
        "-v -p plug",
        "-vv -p plug",
    ),
    "colours of levels": (
        {"test_a.py": "import logging\ndef test_a():\n    logging.warning('seen')\n    assert 0\n"},
        "-v",
        "-v --color=yes",
    ),
    "report characters set by a conftest": (
        {
            "conftest.py": "import pytest\n@pytest.hookimpl(trylast=True)\ndef pytest_configure(config):\n"
            "    config.pluginmanager.getplugin('terminalreporter').reportchars = 'p'\n",
            "test_a.py": PASSES,
        },
        "",
        "",
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options(scene: Scene, name: str) -> None:
    files, first, then = OPTIONS[name]
    scene.env["PYTHONPATH"] = str(scene.path)
    scene.files(files)
    scene.warm_up(*first.split())
    scene.compare(*then.split(), again=True)


# ---- changes while a session is prepared ----


@contextmanager
def feeding(path: Path, *, once: bool = False) -> Iterator[None]:
    """Let everybody go on who waits for the pipe.

    :param once: only the first one, not what is prepared as soon as it has ended
    """
    over = threading.Event()

    def feed() -> None:
        while not over.wait(0.005):
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:  # nobody waits
                continue
            if once:
                return

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


WAIT = "import os\nos.close(os.open('pipe', os.O_RDONLY))\n"
"""At the end of what is imported: the change comes then."""

MEANWHILE: dict[str, tuple[Files, Change]] = {
    "what was not there": (
        conftest("import os\nVALUE = os.path.exists('flag')\n" + WAIT),
        write("flag"),
    ),
    "what was there": (
        conftest("VALUE = open('data').read()\n" + WAIT) | {"data": "1"},
        lambda scene: (scene.path / "data").unlink(),
    ),
    "tests, and something beside them": (
        {
            "test_a.py": PASSES,
            "test_b.py": PASSES,
            "z/conftest.py": "",
            "z/test_z.py": WAIT + PASSES,
        },
        both(remove("test_b.py"), write("README.md", "x")),
    ),
    "where a link leads": (
        conftest("VALUE = open('now/data').read()\n" + WAIT)
        | {"one/data": "1", "two/data": "2", "test_a.py": SHOWN},
        lambda scene: ((scene.path / "now").unlink(), (scene.path / "now").symlink_to("two")),
    ),
    "an old folder comes": (
        {"test_a.py": PASSES, "sub/test_z.py": WAIT + PASSES},
        both(
            lambda scene: (scene.other / "old").rename(scene.path / "come"), write("notes.md", "x")
        ),
    ),
    "a module": (
        {
            "lib.py": "VALUE = 1\n",
            "conftest.py": "from lib import VALUE\n" + WAIT,
            "test_a.py": SHOWN,
        },
        write("lib.py", "VALUE = 2\n"),
    ),
    "nothing": ({"test_a.py": WAIT + PASSES}, nothing),
}


@pytest.mark.parametrize("name", MEANWHILE)
def test_meanwhile(scene: Scene, name: str) -> None:
    """What changes after it was looked at."""
    files, change = MEANWHILE[name]
    pipe = scene.path / "pipe"
    os.mkfifo(pipe)
    (scene.other / "old").mkdir()
    (scene.other / "old" / "test_old.py").write_text(PASSES)
    link("now", "one")(scene)
    scene.files(files)
    with feeding(pipe, once=True):
        scene.run_fleetest(*ARGS, how=ALONE)
    # The preparation has come to its end but for this.
    writer = os.open(pipe, os.O_WRONLY)
    change(scene)
    os.close(writer)
    with feeding(pipe):
        scene.settle()
        warm = scene.run_fleetest(*ARGS, how=ALONE)
        plain = scene.run_plain(*ARGS)
    assert warm.outcomes() == plain.outcomes()
    assert warm.out.count("ValueError: ") == plain.out.count("ValueError: ")
    for line in plain.out.splitlines():
        if line.startswith("E   ValueError"):
            assert line in warm.out
