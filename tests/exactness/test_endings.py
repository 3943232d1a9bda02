"""What happens when the interpreter ends: a run leaves nothing of it out, however it has begun."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from exact import How, Scene, nothing

ALONE = How(flags=("--ordered", "-n0"))
SAY = "import os\ndef say(text): os.write(2, text.encode() + b'\\n')\n"
TEST = "def test_a(): pass\n"

ENDINGS: dict[str, tuple[str, str]] = {
    "nothing": ("", TEST),
    "handler": ("import atexit\natexit.register(say, 'handler')\n", TEST),
    "handler of a test": (
        "",
        "import atexit, conftest\ndef test_a(): atexit.register(conftest.say, 'h')\n",
    ),
    "handler that fails": ("import atexit\natexit.register(lambda: 1 / 0)\n", TEST),
    "handler that leaves a file open": (
        (
            "import atexit\ndef leave():\n    global file\n    file = open('left', 'w')\n"
            "    file.write('text')\natexit.register(leave)\n"
        ),
        TEST,
    ),
    "finalizer": ("class A:\n    def __del__(self): say('gone')\na = A()\n", TEST),
    "finalizer in a test module": (
        "",
        "import conftest\nclass A:\n    def __del__(self): conftest.say('gone')\na = A()\n" + TEST,
    ),
    "finalizer of a test": (
        "",
        (
            "import conftest\nclass A:\n    def __del__(self): conftest.say('gone')\n"
            "def test_a(): conftest.kept = A()\n"
        ),
    ),
    "class that is given a finalizer": (
        "class A: pass\na = A()\n",
        "import conftest\ndef test_a(): conftest.A.__del__ = lambda self: conftest.say('gone')\n",
    ),
    "weak reference": (
        "import weakref\nclass A: pass\na = A()\nreference = weakref.ref(a, lambda _: say('gone'))\n",
        TEST,
    ),
    "weak reference of a test": (
        "class A: pass\na = A()\n",
        (
            "import conftest, weakref\n"
            "def test_a(): conftest.r = weakref.ref(conftest.a, lambda _: conftest.say('gone'))\n"
        ),
    ),
    "weakref.finalize": (
        "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, say, 'finalized')\n",
        TEST,
    ),
    "finalizer of multiprocessing": (
        "import multiprocessing.util as m\nm.Finalize(None, say, ('finalized',), exitpriority=1)\n",
        TEST,
    ),
    "suspended generator": (
        "def g():\n    try:\n        yield\n    finally:\n        say('closed')\ng = g()\nnext(g)\n",
        TEST,
    ),
    "generator that a test suspends": (
        "def g():\n    yield\n    try:\n        yield\n    finally:\n        say('closed')\ng = g()\nnext(g)\n",
        "import conftest\ndef test_a(): next(conftest.g)\n",
    ),
    "coroutine that nobody awaits": ("async def c(): pass\nc = c()\n", TEST),
    "file": ("", "file = open('left', 'w')\ndef test_a(): file.write('text')\n"),
    "file of a conftest": (
        "file = open('left', 'a')\n",
        "import conftest\ndef test_a(): conftest.file.write('text')\n",
    ),
    "compressed file": (
        "",
        "import gzip\nfile = gzip.GzipFile('left', 'w', mtime=0)\ndef test_a(): file.write(b'text')\n",
    ),
    "file of a class of its own": (
        "",
        "import io, conftest\nclass F(io.StringIO):\n    def close(self):\n"
        "        conftest.say('closed')\n        super().close()\nfile = F()\n" + TEST,
    ),
    "database": (
        "",
        (
            "import sqlite3\ndef test_a():\n    global db\n    db = sqlite3.connect('left')\n"
            "    db.execute('pragma journal_mode=wal')\n    db.execute('create table t (x)')\n    db.commit()\n"
        ),
    ),
    "thread": (
        "",
        (
            "import threading, conftest\nevent = threading.Event()\ndef test_a():\n"
            "    def wait():\n        threading.main_thread().join()\n        conftest.say('thread')\n"
            "    threading.Thread(target=wait).start()\n"
        ),
    ),
    "pool": (
        "",
        (
            "from concurrent.futures import ThreadPoolExecutor\nimport conftest\n"
            "def test_a():\n    global pool\n    pool = ThreadPoolExecutor(1)\n"
            "    pool.submit(conftest.say, 'pool').result()\n"
        ),
    ),
    "logging": (
        (
            "import logging, logging.handlers\n"
            "h = logging.handlers.MemoryHandler(99, target=logging.FileHandler('left', delay=True))\n"
            "logging.getLogger('a').addHandler(h)\n"
        ),
        "import logging\ndef test_a(): logging.getLogger('a').warning('text')\n",
    ),
    "warning of an open file": (
        "import warnings\nwarnings.simplefilter('always', ResourceWarning)\n",
        "file = open(__file__)\n" + TEST,
    ),
    "standard output": ("", "import sys\ndef test_a(capsys): sys.__stdout__.write('held back')\n"),
    "exit in a handler": ("import atexit, sys\natexit.register(sys.exit, 9)\n", TEST),
    "exit at once in a handler": ("import atexit, os\natexit.register(os._exit, 9)\n", TEST),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_ending(scene: Scene, name: str) -> None:
    """A run of a process of its own, and one from a snapshot where there can be one."""
    conftest, test = ENDINGS[name]
    files: Mapping[str, str] = {"conftest.py": SAY + conftest, "test_a.py": test}
    scene.play(files, nothing, resumed=False, how=ALONE)


@pytest.mark.parametrize(
    "name", ["nothing", "handler of a test", "file", "weak reference of a test"]
)
def test_ending_from_a_snapshot(scene: Scene, name: str) -> None:
    """The same, where there has to be one."""
    conftest, test = ENDINGS[name]
    files: Mapping[str, str] = {"conftest.py": SAY + conftest, "test_a.py": test}
    scene.play(files, nothing, still=name != "file", how=ALONE, resumed=name != "file")
