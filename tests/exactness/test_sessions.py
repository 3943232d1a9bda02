"""What sessions do beside collecting: each does it once, and none sees what another one did."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import pytest
from exact import ARGS, Change, How, Scene, both, env, nothing, remove, write

Files = Mapping[str, str]
ALONE = How(flags=("--ordered", "-n0"))
"""One session only, so that what it does can be counted."""

TEST = "def test_a(): pass\n"
SHOWN = "import conftest\n\ndef test_a(): raise ValueError(conftest.VALUE)\n"


def conftest(text: str, test: str = TEST) -> dict[str, str]:
    return {"conftest.py": text, "test_a.py": test}


# ---- what a session sees or has set up ----

STATE: dict[str, Files] = {
    "folder changed by a conftest": {
        "conftest.py": "import os\nos.chdir('sub')\n",
        "sub/data": "",
        "test_a.py": "import os\ndef test_a(): raise ValueError(os.getcwd(), os.listdir())\n",
    },
    "folder changed at configuration": {
        "conftest.py": "import os\ndef pytest_configure(): os.chdir('sub')\n",
        "sub/data": "",
        "test_a.py": "import os\ndef test_a(): raise ValueError(os.getcwd(), os.listdir())\n",
    },
    "umask changed": conftest(
        "import os\nos.umask(0o077)\n",
        "import os\ndef test_a(): raise ValueError(os.umask(0))\n",
    ),
    "random numbers seeded": conftest(
        "import random\nrandom.seed(7)\nVALUE = random.random()\n", SHOWN
    ),
    "random numbers seeded and drawn in tests": conftest(
        "import random, pytest\n@pytest.fixture(autouse=True)\ndef seed(): random.seed(7)\n",
        "import random\nV = random.Random(3).random()\ndef test_a(): raise ValueError(random.random(), V)\n",
    ),
    "path changed": {
        **conftest(
            "import sys\nsys.path.insert(0, 'lib')\n", "import mine\ndef test_a(): mine.X\n"
        ),
        "lib/mine.py": "X = 1\n",
    },
    "import hook": conftest(
        "import sys, types\nclass F:\n    def find_spec(self, name, path, target=None):\n"
        "        if name == 'made':\n            from importlib.machinery import ModuleSpec\n"
        "            return ModuleSpec(name, self)\n"
        "    def create_module(self, spec): return None\n"
        "    def exec_module(self, module): module.X = 1\nsys.meta_path.append(F())\n",
        "import made\ndef test_a(): assert made.X == 2\n",
    ),
    "builtins changed": conftest(
        "import builtins\nbuiltins.mine = lambda: 5\n", "def test_a(): raise ValueError(mine())\n"
    ),
    "open changed": conftest(
        "import builtins\nreal = builtins.open\nVALUE = []\n"
        "def mine(*a, **k):\n    if 'data' in str(a[0]): VALUE.append(str(a[0]))\n    return real(*a, **k)\n"
        "builtins.open = mine\n",
        "import conftest\nopen('data', 'w').close()\ndef test_a(): raise ValueError(conftest.VALUE)\n",
    ),
    "time frozen": conftest(
        "import time\ntime.time = lambda: 1000.0\n",
        "import time\ndef test_a(): raise ValueError(time.time())\n",
    ),
    "os.listdir changed": conftest(
        "import os\nreal = os.listdir\nos.listdir = lambda *a: sorted(real(*a))[:1]\n",
        "import os\nV = os.listdir('.')\ndef test_a(): raise ValueError(V)\n",
    ),
    "signal handler": conftest(
        "import signal\nsignal.signal(signal.SIGUSR1, lambda *a: VALUE.append(1))\nVALUE = []\n",
        "import os, signal, conftest\ndef test_a():\n    os.kill(os.getpid(), signal.SIGUSR1)\n"
        "    raise ValueError(conftest.VALUE)\n",
    ),
    "alarm": conftest(
        "import signal\nsignal.signal(signal.SIGALRM, lambda *a: None)\nsignal.alarm(1000)\n",
        "import signal\ndef test_a(): assert signal.alarm(0) in (0, 1000, 999)\n",
    ),
    "recursion limit": conftest(
        "import sys\nsys.setrecursionlimit(555)\n",
        "import sys\ndef test_a(): raise ValueError(sys.getrecursionlimit())\n",
    ),
    "decimal context": conftest(
        "import decimal\ndecimal.getcontext().prec = 3\n",
        "import decimal\ndef test_a(): raise ValueError(decimal.Decimal(1) / 3)\n",
    ),
    "context variable": conftest(
        "import contextvars\nVALUE = contextvars.ContextVar('v', default=1)\nVALUE.set(2)\n",
        "import conftest\ndef test_a(): raise ValueError(conftest.VALUE.get())\n",
    ),
    "locale": conftest(
        "import locale\nlocale.setlocale(locale.LC_ALL, 'C')\n",
        "import locale\ndef test_a(): raise ValueError(locale.setlocale(locale.LC_ALL))\n",
    ),
    "limit of open files": conftest(
        "import resource as r\nr.setrlimit(r.RLIMIT_NOFILE, (333, r.getrlimit(r.RLIMIT_NOFILE)[1]))\n",
        "import resource as r\ndef test_a(): raise ValueError(r.getrlimit(r.RLIMIT_NOFILE)[0])\n",
    ),
    "tracing": conftest(
        "import sys\nVALUE = []\nsys.setprofile(lambda f, e, a: None)\n",
        "import sys\ndef test_a(): raise ValueError(sys.getprofile() is None)\n",
    ),
    "garbage collection off": conftest(
        "import gc\ngc.disable()\n", "import gc\ndef test_a(): raise ValueError(gc.isenabled())\n"
    ),
    "warnings at import": conftest(
        "import warnings\nwarnings.warn('from conftest')\n",
        "import warnings\nwarnings.warn('from test')\ndef test_a(): warnings.warn('in test')\n",
    ),
    "warnings filtered": conftest(
        "import warnings\nwarnings.filterwarnings('ignore', 'from test')\n",
        "import warnings\nwarnings.warn('from test')\ndef test_a(): warnings.warn('from test')\n",
    ),
    "warnings filtered at configuration": conftest(
        "def pytest_configure(config): config.addinivalue_line('filterwarnings', 'error:careful')\n",
        "import warnings\ndef test_a(): warnings.warn('careful')\n",
    ),
    "deprecation at import": {
        "test_a.py": "import lib\ndef test_a(): pass\n",
        "lib.py": "import warnings\nwarnings.warn('old', DeprecationWarning)\n",
    },
    "logging to stderr": conftest(
        "import logging, sys\nlogging.getLogger().addHandler(logging.StreamHandler(sys.stderr))\n",
        "import logging\ndef test_a():\n    logging.error('heard')\n    assert 0\n",
    ),
    "logging to stdout at import": conftest(
        "import logging, sys\nlogging.basicConfig(stream=sys.stdout, level=0)\nlogging.info('early')\n",
        "import logging\nlogging.info('at import')\ndef test_a():\n    logging.info('heard')\n    assert 0\n",
    ),
    "logging to the true stderr": conftest(
        "import logging, sys\nlogging.basicConfig(stream=sys.__stderr__, level=0)\n",
        "import logging\ndef test_a():\n    logging.info('heard')\n    assert 0\n",
    ),
    "prints at import": conftest("print('conftest')\n", "print('test')\ndef test_a(): assert 0\n"),
    "prints in hooks": conftest(
        "import sys\n"
        + "".join(
            f"def {hook}():\n    print('{hook}')\n    print('{hook}', file=sys.stderr)\n"
            for hook in (
                "pytest_configure",
                "pytest_sessionstart",
                "pytest_collection_modifyitems",
                "pytest_collection_finish",
                "pytest_report_header",
            )
        )
    ),
    "writes to the terminal's descriptor": conftest(
        "import os\ndef pytest_collection(): os.write(2, b'collection\\n')\n",
    ),
    "writes by the terminal reporter": conftest(
        "def pytest_sessionstart(session):\n"
        "    r = session.config.pluginmanager.get_plugin('terminalreporter')\n"
        "    r.write_line('session starts')\n"
        "def pytest_collection_finish(session):\n"
        "    r = session.config.pluginmanager.get_plugin('terminalreporter')\n"
        "    r.write_line(f'{len(session.items)} found')\n"
    ),
    "header": conftest("def pytest_report_header(): return ['one', 'two']\n"),
    "collection report": conftest(
        "def pytest_report_collectionfinish(items): return f'{len(items)} found'\n"
    ),
    "terminal summary": conftest(
        "def pytest_terminal_summary(terminalreporter): terminalreporter.line('summary')\n"
    ),
    "isatty at import": conftest(
        "import sys\nVALUE = sys.stdout.isatty(), sys.__stdout__.isatty(), sys.__stdin__.isatty()\n",
        SHOWN,
    ),
    "terminal size at import": conftest(
        "import shutil\nVALUE = shutil.get_terminal_size()\n", SHOWN
    ),
    "arguments at import": conftest("import sys\nVALUE = sys.argv[-1:]\n", SHOWN),
    "arguments of the session": conftest(
        "def pytest_report_header(config): return repr(config.invocation_params.args[-2:])\n"
    ),
    "skipped at module level": {
        "test_a.py": "import pytest\npytest.skip('never', allow_module_level=True)\n",
        "test_b.py": TEST,
    },
    "importorskip": {
        "test_a.py": "import pytest\npytest.importorskip('no_such')\ndef test_a(): pass\n",
        "test_b.py": TEST,
    },
    "module of the test's state": {
        "test_a.py": "N = []\ndef test_a(): N.append(1); assert N == [1]\n",
    },
    "class made at import": {
        "test_a.py": "import unittest\nclass T(unittest.TestCase):\n"
        "    @classmethod\n    def setUpClass(c): c.n = 1\n    def test_a(self): assert self.n == 2\n",
    },
    "exits at import": conftest("import pytest\npytest.exit('enough', 3)\n"),
    "exits at collection": {
        "test_a.py": "import pytest\npytest.exit('enough', 3)\n",
        "test_b.py": TEST,
    },
    "interrupted at collection": {"test_a.py": "raise KeyboardInterrupt\n", "test_b.py": TEST},
    "systemexit at collection": {"test_a.py": "raise SystemExit(9)\n", "test_b.py": TEST},
    "hook fails": conftest("def pytest_sessionstart(): 1 / 0\n"),
    "modifyitems fails": conftest("def pytest_collection_modifyitems(): 1 / 0\n"),
    "exit code changed": conftest("def pytest_sessionfinish(session): session.exitstatus = 77\n"),
    "items made twice": conftest(
        "def pytest_collection_modifyitems(items): items += items\n",
        "def test_a(): pass\ndef test_b(): pass\n",
    ),
}
# Their sessions end, or fail, before there is a snapshot, or leave what keeps one from being made.
NOT_RESUMED = {name for name in STATE if re.search("exits|fails|interrupted|systemexit", name)}


def test_warning_of_the_compiler(scene: Scene) -> None:
    """It comes only where there is no byte code yet."""
    scene.env["PYTHONDONTWRITEBYTECODE"] = "1"
    files = {"test_a.py": "import lib\ndef test_a(): pass\n", "lib.py": "'\\d'\n"}
    scene.play(files, nothing)


@pytest.mark.parametrize("name", STATE)
def test_state(scene: Scene, name: str) -> None:
    """The same after a run, and when the daemon has prepared for it."""
    scene.ignored.add("data")
    scene.play(STATE[name], nothing, resumed=False)


# ---- once in each session ----

LINE = "    with open('log', 'a') as file: file.write(f'x {os.getpid()}\\n')\n"


HOOKS = (
    "pytest_configure",
    "pytest_sessionstart",
    "pytest_collection",
    "pytest_collection_modifyitems",
    "pytest_collection_finish",
    "pytest_itemcollected",
    "pytest_collectstart",
    "pytest_report_header",
    "pytest_runtestloop",
    "pytest_sessionfinish",
    "pytest_unconfigure",
)


@pytest.mark.parametrize("hook", HOOKS)
def test_calls_of_a_hook(scene: Scene, hook: str) -> None:
    """Every run calls it as often as pytest does; what a preparation calls is another session's."""
    scene.ignored.add("log")
    scene.files(conftest(f"import os\n\ndef {hook}():\n{LINE}"))
    plain = scene.run_plain("-v")
    assert plain.code == 0
    wanted = len(scene.logged())
    for _ in range(3):
        scene.settle()
        (scene.path / "log").unlink(missing_ok=True)
        scene.run_fleetest("-v", how=ALONE).check(0)
        calls = scene.logged()
        # A preparation may have begun meanwhile: the run's own are those of one process.
        pids = {line.split()[1] for line in calls}
        assert wanted in {sum(line.endswith(pid) for line in calls) for pid in pids}
        assert len(pids) == 1 or scene.status().get("preparing", 0) or scene.status()["prepared"]


def once(statement: str) -> dict[str, str]:
    """A conftest that does something; its test sees how often this process or its parent did."""
    return {
        "conftest.py": f"import os\n{statement}\n"
        "with open('log', 'a') as file: file.write(f'{os.getpid()}\\n')\n",
        "test_a.py": "import os\n\ndef test_a():\n"
        "    lines = open('log').read().split()\n"
        "    assert lines.count(str(os.getpid())) == 1\n",
    }


EFFECTS = {
    "writes a file": "",
    "makes a folder": "import tempfile; VALUE = tempfile.mkdtemp(dir='.')",
    "keeps a file open": "FILE = open('held', 'a')",
    "opens a socket": "import socket; S = socket.socket(); S.bind(('127.0.0.1', 0)); S.listen()",
    "starts a thread": "import threading, time; threading.Thread(target=time.sleep, args=(1,), daemon=True).start()",
    "starts a process": "import subprocess; P = subprocess.Popen(['sleep', '1'])",
    "starts a process and waits": "import subprocess; subprocess.run(['true'])",
    "takes a lock": "import fcntl; F = open('held', 'w'); fcntl.flock(F, fcntl.LOCK_EX)",
}


@pytest.mark.parametrize("name", EFFECTS)
def test_effect_of_a_conftest(scene: Scene, name: str) -> None:
    """Done by each session itself, and not by one that was prepared before."""
    scene.files(once(EFFECTS[name]))
    for _ in range(4):
        scene.run_fleetest("-v", how=ALONE).check(0).counts(passed=1)
        scene.settle()


HELD = {
    "lock": "import fcntl\nF = open('held', 'w')\nfcntl.flock(F, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
    "address": "import socket\nS = socket.socket(socket.AF_UNIX)\n"
    f"S.bind('\\0fleetest-exactness-{os.getpid()}')\n",
}


@pytest.mark.parametrize("held", HELD)
def test_held_by_a_conftest(scene: Scene, held: str) -> None:
    """What was prepared must not hold what a run then waits for, or cannot have."""
    scene.files(conftest(HELD[held]))
    for _ in range(3):
        scene.run_fleetest("-v", how=ALONE).check(0)
        scene.run_plain("-v").check(0)
        scene.settle()


def test_exit_handlers(scene: Scene) -> None:
    """Each session's is called once, in its own process, at its end."""
    scene.files(
        conftest(
            "import atexit, os\nME = os.getpid()\n"
            "atexit.register(lambda: open('ended', 'a').write(f'{ME} {os.getpid()}\\n'))\n"
            "open('begun', 'a').write(f'{ME}\\n')\n"
        )
    )
    for number in range(1, 4):
        scene.run_fleetest("-v", how=ALONE).check(0)
        scene.settle()
        ended = [line.split() for line in scene.logged("ended")]
        assert len(ended) >= number
        assert all(one == other for one, other in ended)
        assert len({one for one, _ in ended}) == len(ended)


def test_exit_handler_removes_a_folder(scene: Scene) -> None:
    """One that others use meanwhile."""
    scene.ignored.add("used")
    files = conftest(
        "import atexit, shutil, tempfile\nVALUE = tempfile.mkdtemp(prefix='mine')\n"
        "atexit.register(shutil.rmtree, VALUE)\n",
        "import conftest, os\n"
        + "".join(f"def test_{n}(): assert os.path.isdir(conftest.VALUE)\n" for n in range(4)),
    )
    scene.play(files, nothing, resumed=False)
    assert list(scene.temp.glob("mine*")) == [] or scene.status()["prepared"]


# ---- what must differ from run to run ----

DIFFERENT = {
    "random number at import": "import random; VALUE = random.random()",
    "random number of a generator": "import random; R = random.Random(); VALUE = R.random()",
    "SystemRandom": "import random; VALUE = random.SystemRandom().random()",
    "uuid4": "import uuid; VALUE = uuid.uuid4()",
    "uuid1": "import uuid; VALUE = uuid.uuid1()",
    "urandom": "import os; VALUE = os.urandom(8).hex()",
    "secrets": "import secrets; VALUE = secrets.token_hex()",
    "pid": "import os; VALUE = os.getpid()",
    "name of a temporary file": "import tempfile; VALUE = tempfile.mktemp()",
    "temporary folder": "import tempfile; T = tempfile.TemporaryDirectory(); VALUE = T.name",
    "ephemeral port": "import socket; S = socket.socket(); S.bind(('127.0.0.1', 0)); VALUE = S.getsockname()",
    "random number in pytest_configure": "import random\nVALUE = 0\ndef pytest_configure():\n"
    "    global VALUE\n    VALUE = random.random()",
}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", DIFFERENT)
def test_different_each_time(scene: Scene, name: str, workers: int) -> None:
    """As between two fresh sessions, and as between the workers of xdist."""
    scene.files(
        {
            "conftest.py": DIFFERENT[name],
            "test_a.py": "import conftest\ndef test_a(): raise ValueError(f'<{conftest.VALUE}>')\n",
        }
    )
    found = []
    for _ in range(3):
        result = scene.run_fleetest("-v", how=How(flags=("--ordered", f"-n{workers}"))).check(1)
        found += set(re.findall(r"^E +ValueError: <(.*)>", result.out, re.MULTILINE))
        scene.settle()
    assert len(found) == 3
    assert len(set(found)) == 3


@pytest.mark.parametrize("source", ["random.random()", "hash(str(9))", "id(object())"])
def test_drawn_in_tests(scene: Scene, source: str) -> None:
    """Not before: two tests in two workers of two runs do not get the same numbers."""
    scene.files(
        {
            "test_a.py": "import random\n"
            + "".join(f"def test_{n}(): raise ValueError(f'<{{{source}}}>')\n" for n in range(2))
        }
    )
    found = []
    for _ in range(3):
        result = scene.run_fleetest("-v", how=How(flags=("--ordered", "-n2"))).check(1)
        found += re.findall(r"^E +ValueError: <(.*)>", result.out, re.MULTILINE)
        scene.settle()
    assert len(found) == 6
    if "random" in source:
        assert len(set(found)) == 6


# ---- changes beside the project ----


def _dist(scene: Scene, version: str, entry: str = "") -> None:
    for old in scene.site.glob("mine-*.dist-info"):
        for path in old.iterdir():
            path.unlink()
        old.rmdir()
    folder = scene.site / f"mine-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mine\nVersion: {version}\n")
    if entry:
        (folder / "entry_points.txt").write_text(entry)


PLUGIN = "def pytest_report_header(): return 'mine {}'\n"
ENTRY = "[pytest11]\nmine = mine\n"
VERSION = {
    "test_a.py": "from importlib.metadata import PackageNotFoundError, version\ntry:\n"
    "    V = version('mine')\nexcept PackageNotFoundError:\n    V = None\n"
    "def test_a(): raise ValueError(V)\n"
}


def install(version: str, module: str = "", entry: str = "") -> Change:
    """A package is installed, or upgraded."""

    def change(scene: Scene) -> None:
        _dist(scene, version, entry)
        (scene.site / "mine.py").write_text(module or f"VALUE = {version!r}\n", "utf-8")

    return change


def uninstall(scene: Scene) -> None:
    for folder in scene.site.glob("mine-*.dist-info"):
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    (scene.site / "mine.py").unlink(missing_ok=True)


USED = {"test_a.py": "import mine\ndef test_a(): raise ValueError(mine.VALUE)\n"}
PLAIN = {"test_a.py": TEST}
PACKAGES: dict[str, tuple[Files, Change, Change]] = {
    "installed": (VERSION, nothing, install("1.0")),
    "upgraded": (VERSION, install("1.0"), install("2.0.0")),
    "removed": (VERSION, install("1.0"), uninstall),
    "module upgraded": (USED, install("1.0"), install("2.0.0")),
    "module removed": (USED, install("1.0"), uninstall),
    "plugin installed": (PLAIN, nothing, install("1.0", PLUGIN.format(1), ENTRY)),
    "plugin upgraded": (
        PLAIN,
        install("1.0", PLUGIN.format(1), ENTRY),
        install("2.0.0", PLUGIN.format(22), ENTRY),
    ),
    "plugin removed": (PLAIN, install("1.0", PLUGIN.format(1), ENTRY), uninstall),
    "plugin edited": (
        PLAIN,
        install("1.0", PLUGIN.format(1), ENTRY),
        lambda scene: (scene.site / "mine.py").write_text(PLUGIN.format(333)),
    ),
    "becomes a plugin": (
        PLAIN,
        install("1.0", PLUGIN.format(1)),
        install("1.0", PLUGIN.format(1), ENTRY),
    ),
}


@pytest.mark.parametrize("name", PACKAGES)
def test_package(scene: Scene, name: str) -> None:
    """In a folder on PYTHONPATH, which counts as the one of the environment does."""
    files, before, change = PACKAGES[name]
    scene.env["PYTHONPATH"] = str(scene.site)
    before(scene)
    scene.play(files, change)


@pytest.mark.parametrize("name", ["one", "two"])
def test_editable_install(scene: Scene, name: str) -> None:
    """The package is edited, or the .pth file leads to another folder.

    By sitecustomize, as an environment without the user's folder reads .pth files only in its own.
    """
    scene.env["PYTHONPATH"] = str(scene.site)
    (scene.site / "sitecustomize.py").write_text(
        "import pathlib, site\nsite.addsitedir(str(pathlib.Path(__file__).parent))\n", "utf-8"
    )
    pth = scene.site / "mine.pth"
    pth.write_text(f"{scene.path / 'one'}\n", "utf-8")
    scene.files({"one/mine.py": "VALUE = 1\n", "two/mine.py": "VALUE = 22\n"})

    def change(scene: Scene) -> None:
        if name == "one":
            scene.file("one/mine.py", "VALUE = 333\n")
        else:
            pth.write_text(f"{scene.path / 'two'}  \n", "utf-8")

    scene.play(USED, change, resumed=False)


# ---- errors that come and go ----


def test_error_comes_and_goes(scene: Scene) -> None:
    """Collected, broken, mended and broken again."""
    scene.files({"test_a.py": TEST, "test_b.py": "def test_b(): pass\n"})
    scene.warm_up(*ARGS, resumed=True)
    for text in ("1 / 0\n", TEST + "# mended\n", "import no_such\n", TEST):
        write("test_a.py", text)(scene)
        scene.compare(*ARGS, again=False)
        scene.settle()


def test_error_that_a_missing_file_causes(scene: Scene) -> None:
    files = {"test_a.py": "import lib\n\ndef test_a(): pass\n"}
    scene.play(files, write("lib.py", ""), resumed=False)
    remove("lib.py")(scene)
    scene.compare(*ARGS)


def test_error_by_the_environment(scene: Scene) -> None:
    files = {"test_a.py": "import os\nV = os.environ['MY_A']\ndef test_a(): pass\n"}
    scene.play(files, env(MY_A="1"), resumed=False)


def test_everything_at_once(scene: Scene) -> None:
    files = {
        "conftest.py": "import os\nVALUE = os.environ.get('MY_A'), open('data').read()\n",
        "data": "1",
        "lib.py": "VALUE = 1\n",
        "test_a.py": "import conftest, lib\ndef test_a(): raise ValueError(conftest.VALUE, lib.VALUE)\n",
    }
    change = both(write("data", "22"), write("lib.py", "VALUE = 22\n"), env(MY_A="1"))
    scene.play(files, change)
