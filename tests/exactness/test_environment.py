"""Variables of the environment change, come and go."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from exact import ARGS, Change, How, Scene, both, env, nothing, unset, write


def at_import(expression: str, imports: str = "") -> dict[str, str]:
    """A module whose test shows what an expression gave at import."""
    text = f"import os\n{imports}\nVALUE = {expression}\n\ndef test_a(): assert VALUE == 'no'\n"
    return {"test_a.py": text}


Files = Mapping[str, str]
OWN = "{n: v for n, v in os.environ.items() if n.startswith('MY_')}"
HOOK = "import os\nVALUE = None\ndef {}:\n    global VALUE\n    VALUE = os.environ.get('MY_A')\n"
SHOWN = "def pytest_report_header(): return f'value {VALUE}'\n"

# The variables before; the change.
VARIABLES: dict[str, tuple[Files, Mapping[str, str], Change]] = {
    "changes": (at_import("os.environ['MY_A']"), {"MY_A": "1"}, env(MY_A="2")),
    "is new": (at_import("os.environ.get('MY_A')"), {}, env(MY_A="2")),
    "is unset": (at_import("os.environ.get('MY_A')"), {"MY_A": "1"}, unset("MY_A")),
    "is unset where it is needed": (
        at_import("os.environ['MY_A']"),
        {"MY_A": "1"},
        unset("MY_A"),
    ),
    "becomes empty": (at_import("os.environ.get('MY_A')"), {"MY_A": "1"}, env(MY_A="")),
    "empty is unset": (at_import("os.environ.get('MY_A')"), {"MY_A": ""}, unset("MY_A")),
    "os.getenv": (at_import("os.getenv('MY_A', 'x')"), {"MY_A": "1"}, env(MY_A="2")),
    "in": (at_import("'MY_A' in os.environ"), {}, env(MY_A="")),
    "os.environb": (at_import("os.environb.get(b'MY_A')"), {"MY_A": "1"}, env(MY_A="2")),
    "os.getenvb": (at_import("os.getenvb(b'MY_A')"), {}, env(MY_A="2")),
    "expandvars": (at_import("os.path.expandvars('$MY_A')"), {"MY_A": "1"}, env(MY_A="2")),
    "from os import environ": (
        at_import("environ.get('MY_A')", "from os import environ"),
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "copy": (at_import("os.environ.copy().get('MY_A')"), {"MY_A": "1"}, env(MY_A="2")),
    "dict": (at_import("dict(os.environ).get('MY_A')"), {}, env(MY_A="2")),
    "copy with the agent of ssh": (
        at_import("os.environ.copy().get('SSH_AUTH_SOCK')"),
        {"SSH_AUTH_SOCK": "1"},
        env(SSH_AUTH_SOCK="2"),
    ),
    "iterated": (at_import(OWN), {"MY_A": "1"}, env(MY_B="2")),
    "iterated and one goes": (at_import(OWN), {"MY_A": "1", "MY_B": "2"}, unset("MY_B")),
    "setdefault": (at_import("os.environ.setdefault('MY_A', 'x')"), {}, env(MY_A="2")),
    "pop": (at_import("os.environ.pop('MY_A', None)"), {"MY_A": "1"}, env(MY_A="2")),
    "number of variables": (
        at_import("len([n for n in os.environ if n.startswith('MY_')])"),
        {},
        env(MY_A="1"),
    ),
    "in a subprocess": (
        at_import("subprocess.check_output('echo $MY_A', shell=True)", "import subprocess"),
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "by C": (
        {
            "test_a.py": "import ctypes\nc = ctypes.CDLL(None).getenv\nc.restype = ctypes.c_char_p\n"
            "VALUE = c(b'MY_A')\ndef test_a(): assert VALUE == b'1'\n"
        },
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "in pytest_configure": (
        {
            "conftest.py": HOOK.format("pytest_configure()") + SHOWN,
            "test_a.py": "def test_a(): pass\n",
        },
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "in pytest_addoption": (
        {
            "conftest.py": HOOK.format("pytest_addoption()") + SHOWN,
            "test_a.py": "def test_a(): pass\n",
        },
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "in pytest_sessionstart": (
        {
            "conftest.py": HOOK.format("pytest_sessionstart()") + SHOWN,
            "test_a.py": "def test_a(): pass\n",
        },
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "in pytest_report_header": (
        {
            "conftest.py": "import os\ndef pytest_report_header(): return os.environ.get('MY_A')\n",
            "test_a.py": "def test_a(): pass\n",
        },
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "in pytest_collection_modifyitems": (
        {
            "conftest.py": "import os\n"
            "def pytest_collection_modifyitems(items): items[:] = items[int(os.environ['MY_A']):]\n",
            "test_a.py": "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n",
        },
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "in parametrize": (
        {
            "test_a.py": "import os, pytest\n@pytest.mark.parametrize('n', os.environ['MY_A'])\n"
            "def test_a(n): pass\n"
        },
        {"MY_A": "abc"},
        env(MY_A="bcde"),
    ),
    "in skipif": (
        {
            "test_a.py": "import os, pytest\n@pytest.mark.skipif('MY_A' in os.environ, reason='x')\n"
            "def test_a(): pass\n"
        },
        {},
        env(MY_A="1"),
    ),
    "in a skipif that is a text": (
        {
            "test_a.py": "import pytest\n@pytest.mark.skipif(\"'MY_A' in os.environ\", reason='x')\n"
            "def test_a(): pass\n"
        },
        {},
        env(MY_A="1"),
    ),
    "set by a conftest": (
        {
            "conftest.py": "import os\nos.environ['MY_A'] = 'conftest'\n",
            "test_a.py": "import os\ndef test_a(): assert os.environ['MY_A'] == 'no'\n",
        },
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "set by a conftest if it is not": (
        {
            "conftest.py": "import os\nos.environ.setdefault('MY_A', 'conftest')\n",
            "test_a.py": "import os\ndef test_a(): assert os.environ['MY_A'] == 'no'\n",
        },
        {},
        env(MY_A="2"),
    ),
    "extended by a conftest": (
        {
            "conftest.py": "import os\nos.environ['MY_A'] += ':more'\n",
            "test_a.py": "import os\ndef test_a(): assert os.environ['MY_A'] == 'no'\n",
        },
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "deleted by a conftest": (
        {
            "conftest.py": "import os\nos.environ.pop('MY_A', None)\n",
            "test_a.py": "import os\ndef test_a(): raise ValueError(os.environ.get('MY_A'))\n",
        },
        {},
        env(MY_A="2"),
    ),
    "set by putenv": (
        {
            "conftest.py": "import os\nos.putenv('MY_A', 'conftest')\n",
            "test_a.py": "import os\ndef test_a(): assert os.popen('echo $MY_A').read() == 'no'\n",
        },
        {},
        nothing,
    ),
    "only for tests": (
        {"test_a.py": "import os\ndef test_a(): raise ValueError(os.environ.get('MY_A'))\n"},
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "only for the children of tests": (
        {"test_a.py": "import os\ndef test_a(): assert os.popen('echo $MY_A').read() == '1'\n"},
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "only for C in tests": (
        {
            "test_a.py": "import ctypes\ndef test_a():\n    c = ctypes.CDLL(None).getenv\n"
            "    c.restype = ctypes.c_char_p\n    assert c(b'MY_A') == b'1'\n"
        },
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
    "all of them for tests": (
        {
            "test_a.py": "import os\ndef test_a(): assert [n for n in os.environ if n[:3] == 'MY_'] == 1\n"
        },
        {"MY_A": "1"},
        both(unset("MY_A"), env(MY_C="2", MY_B="3")),
    ),
    "nobody asks": (
        {"test_a.py": "def test_a(): pass\n"},
        {"MY_A": "1"},
        env(MY_A="2"),
    ),
}
STILL = {"only for tests", "nobody asks", "only for the children of tests", "only for C in tests"}
# A process that was started on the way reads unseen, and so does C.
UNSEEN = {"in a subprocess", "by C", "set by putenv"}


@pytest.mark.parametrize("name", VARIABLES)
def test_variable(scene: Scene, name: str) -> None:
    files, variables, change = VARIABLES[name]
    scene.env.update(variables)
    scene.play(files, change, resumed=name not in UNSEEN, still=name in STILL)


KNOWN: dict[str, tuple[str, Mapping[str, str], Mapping[str, str]]] = {
    "TZ": ("time.localtime(0)[:5]", {"TZ": "UTC"}, {"TZ": "Asia/Tokyo"}),
    "TZ is new": ("time.localtime(0)[:5]", {}, {"TZ": "Asia/Tokyo"}),
    "LANG": ("locale.setlocale(locale.LC_ALL, '')", {"LANG": "C.UTF-8"}, {"LANG": "C"}),
    "LC_ALL": ("locale.getlocale()", {}, {"LC_ALL": "C"}),
    "PYTHONIOENCODING": ("sys.__stdout__.encoding", {}, {"PYTHONIOENCODING": "latin-1"}),
    "PYTHONUTF8": ("sys.flags.utf8_mode", {}, {"PYTHONUTF8": "1"}),
    "PYTHONOPTIMIZE": ("sys.flags.optimize", {}, {"PYTHONOPTIMIZE": "1"}),
    "PYTHONWARNINGS": ("warnings.warn('x', stacklevel=1)", {}, {"PYTHONWARNINGS": "error"}),
    "PYTHONDEVMODE": ("sys.flags.dev_mode", {}, {"PYTHONDEVMODE": "1"}),
    "PYTHONHASHSEED": ("hash('x')", {"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"}),
    "PYTHONHASHSEED is new": ("os.environ.get('PYTHONHASHSEED')", {}, {"PYTHONHASHSEED": "2"}),
    "PYTHONINTMAXSTRDIGITS": (
        "sys.get_int_max_str_digits()",
        {},
        {"PYTHONINTMAXSTRDIGITS": "9999"},
    ),
    "HOME": ("os.path.expanduser('~')", {}, {"HOME": "/"}),
    "PATH": ("shutil.which('env')", {}, {"PATH": "/nowhere"}),
    "TMPDIR": ("tempfile.gettempdir()", {}, {"TMPDIR": "/tmp"}),
    "COLUMNS": ("shutil.get_terminal_size()", {"COLUMNS": "80"}, {"COLUMNS": "70"}),
    "TERM": ("os.environ['TERM']", {"TERM": "xterm"}, {"TERM": "dumb"}),
    "USER": ("getpass.getuser()", {"LOGNAME": "a"}, {"LOGNAME": "b"}),
    "CI": ("os.environ.get('CI')", {}, {"CI": "1"}),
    "PYTEST_ADDOPTS": ("1", {}, {"PYTEST_ADDOPTS": "-k test_b"}),
    "PYTEST_ADDOPTS changes": (
        "1",
        {"PYTEST_ADDOPTS": "-k test_a"},
        {"PYTEST_ADDOPTS": "-k test_b"},
    ),
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": ("1", {}, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
    "PYTEST_PLUGINS": ("1", {}, {"PYTEST_PLUGINS": "plug"}),
    "PY_COLORS": ("1", {}, {"PY_COLORS": "1"}),
    "NO_COLOR": ("1", {"PY_COLORS": "1"}, {"PY_COLORS": "1", "NO_COLOR": "1"}),
    "FORCE_COLOR": ("1", {}, {"FORCE_COLOR": "1"}),
}
MODULES = "import getpass, locale, os, shutil, sys, tempfile, time, warnings\n"

WHEN = [
    pytest.param(name, when, id=f"{name}-{when}")
    for name, (expression, _, _) in KNOWN.items()
    for when in ("import", "test")
    # What Python itself takes over at its start is the same later.
    if when == "import" or not (expression == "1" or name.startswith("PYTHON"))
]


@pytest.mark.parametrize(("name", "when"), WHEN)
def test_known_variable(scene: Scene, name: str, when: str) -> None:
    """Ones that Python, C or pytest read themselves."""
    expression, before, after = KNOWN[name]
    scene.env.update(before)
    early, late = (expression, "VALUE") if when == "import" else ("None", expression)
    text = f"{MODULES}VALUE = {early}\ndef test_a(): raise ValueError({late})\ndef test_b(): pass\n"
    files = {"test_a.py": text}
    if "PLUGINS" in name:
        scene.env["PYTHONPATH"] = str(scene.site)
        (scene.site / "plug.py").write_text("def pytest_report_header(): return 'plug'\n", "utf-8")
    scene.play(files, env(**after), resumed=False)


def test_pythonpath(scene: Scene) -> None:
    scene.env["PYTHONPATH"] = str(scene.site)
    (scene.site / "lib.py").write_text("VALUE = 1\n", "utf-8")
    (scene.other / "lib.py").write_text("VALUE = 22\n", "utf-8")
    files = {"test_a.py": "import lib\ndef test_a(): assert lib.VALUE == 1\n"}
    scene.play(files, env(PYTHONPATH=f"{scene.other}:{scene.site}"))


def test_variable_of_one_run(scene: Scene) -> None:
    """It does not stay for the next one, which has the old environment again."""
    scene.files(at_import("os.environ.get('MY_A')"))
    scene.warm_up(*ARGS)
    scene.compare(*ARGS, how=How(env={"MY_A": "1"}), again=False)
    scene.compare(*ARGS, again=False)
    scene.compare(*ARGS, how=How(env={"MY_A": "2"}), again=False)


def test_variable_and_file(scene: Scene) -> None:
    """Both change at once."""
    scene.env["MY_A"] = "one"
    files = {
        "test_a.py": "import os\nV = open(os.environ['MY_A']).read()\ndef test_a(): assert V == '1'\n",
        "one": "1",
        "two": "2",
    }
    scene.play(files, both(env(MY_A="two"), write("two", "3")))


def test_undone_change_of_a_variable(scene: Scene) -> None:
    """As before the second run: whether it is resumed from is not asked, only that it is right."""
    scene.files(at_import("os.environ.get('MY_A')"))
    scene.warm_up(*ARGS)
    scene.run_fleetest(*ARGS, how=How(env={"MY_A": "1"}))
    scene.settle()
    scene.compare(*ARGS)
