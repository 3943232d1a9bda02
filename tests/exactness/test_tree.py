"""Tests, conftests, packages and ini files come, go and change."""

from __future__ import annotations

import shutil

import pytest
from exact import Change, How, Scene, both, folder, nothing, remove, rename, write

TEST = "def test_a(): pass\n"
TWO = "def test_a(): pass\n\ndef test_b(): pass\n"
FILES = {
    "test_a.py": TWO,
    "sub/test_s.py": "def test_s(): pass\n",
    "sub/deep/test_d.py": "def test_d(): pass\n",
}


def remove_folder(name: str) -> Change:
    return lambda scene: shutil.rmtree(scene.path / name)


# What is there before, beside FILES; the change.
Files = dict[str, str]
TESTS: dict[str, tuple[Files, Change]] = {
    "test added": ({}, write("test_a.py", TWO + "\ndef test_c(): assert 0\n")),
    "test removed": ({}, write("test_a.py", TEST)),
    "test renamed": ({}, write("test_a.py", TWO.replace("test_b", "test_other"))),
    "tests swapped": (
        {},
        write("test_a.py", "def test_b(): pass\n\ndef test_a(): pass  # swapped\n"),
    ),
    "test in a class": ({}, write("test_a.py", "class TestA:\n    def test_a(self): pass\n")),
    "test made twice": ({}, write("test_a.py", TWO + TWO)),
    "file removed": ({}, remove("sub/test_s.py")),
    "file added": ({}, write("sub/test_new.py", "def test_new(): assert 0\n")),
    "file added that comes first": ({}, write("test_0.py", TEST)),
    "file renamed": ({}, rename("test_a.py", "test_z.py")),
    "file no test any more": ({}, rename("test_a.py", "a.py")),
    "file becomes test": ({"a.py": TEST}, rename("a.py", "test_0.py")),
    "folder added": ({}, write("more/test_m.py", TEST)),
    "empty folder added": ({}, folder("more")),
    "folder removed": ({}, remove_folder("sub")),
    "folder renamed": ({}, rename("sub", "zub")),
    "folder moved deeper": ({}, rename("sub/deep", "deep")),
    "file with name of another": ({}, write("sub/test_a.py", TEST)),
    "all tests removed": ({}, both(remove("test_a.py"), remove_folder("sub"))),
    "marker added": (
        {},
        write("test_a.py", "import pytest\n\n@pytest.mark.skip\ndef test_a(): pass\n"),
    ),
    "module skipped": (
        {},
        write("test_a.py", "import pytest\npytest.skip('no', allow_module_level=True)\n"),
    ),
    "module skipped no more": (
        {"test_a.py": "import pytest\npytest.skip('no', allow_module_level=True)\n"},
        write("test_a.py", TWO),
    ),
    "collection error": ({}, write("sub/test_s.py", "import no_such_module\n")),
    "collection error mended": (
        {"sub/test_s.py": "import no_such_module\n"},
        write("sub/test_s.py", TEST),
    ),
    "collection error stays": ({"sub/test_s.py": "1 / 0\n"}, nothing),
    "text file added": ({}, write("sub/readme.txt", "x")),
    "parametrized otherwise": (
        {
            "test_a.py": "import pytest\n@pytest.mark.parametrize('n', range(3))\ndef test(n): pass\n"
        },
        write(
            "test_a.py",
            "import pytest\n@pytest.mark.parametrize('n', 'xyzabc')\ndef test(n): pass\n",
        ),
    ),
}


@pytest.mark.parametrize("name", TESTS)
def test_tests(scene: Scene, name: str) -> None:
    files, change = TESTS[name]
    scene.play(
        {**FILES, **files}, change, resumed="error mended" not in name and "stays" not in name
    )


FIXTURE = "import pytest\n\n@pytest.fixture\ndef value(): return {}\n"
USER = "def test_a(value): assert value == 1\n"
USERS = {"test_a.py": USER, "sub/test_s.py": USER, "conftest.py": FIXTURE.format(1)}
SUB = {"sub/conftest.py": FIXTURE.format(1)}
SKIP_B = "def pytest_ignore_collect(collection_path):\n    return True if 's' == collection_path.stem[-1] else None\n"
CONFTESTS: dict[str, tuple[Files, Change]] = {
    "edited": ({}, write("conftest.py", FIXTURE.format(22))),
    "removed": ({}, remove("conftest.py")),
    "added in folder": ({}, write("sub/conftest.py", FIXTURE.format(22))),
    "edited in folder": (SUB, write("sub/conftest.py", FIXTURE.format(22))),
    "removed in folder": (
        {"sub/conftest.py": FIXTURE.format(22)},
        remove("sub/conftest.py"),
    ),
    "broken": ({}, write("conftest.py", "1 / 0\n")),
    "broken in folder": (SUB, write("sub/conftest.py", "import no_such_module\n")),
    "fixture becomes autouse": (
        {},
        write(
            "conftest.py", FIXTURE.format(1) + "@pytest.fixture(autouse=True)\ndef b(): assert 0\n"
        ),
    ),
    "ignores a file": (
        {},
        write("conftest.py", FIXTURE.format(1) + "collect_ignore = ['test_a.py']\n"),
    ),
    "ignores by pattern": (
        {},
        write("conftest.py", FIXTURE.format(1) + "collect_ignore_glob = ['sub/*']\n"),
    ),
    "ignores no more": (
        {"conftest.py": FIXTURE.format(1) + "collect_ignore_glob = ['sub/*']\n"},
        write("conftest.py", FIXTURE.format(1)),
    ),
    "decides by a hook": ({}, write("conftest.py", FIXTURE.format(1) + SKIP_B)),
    "gets an option": (
        {},
        write(
            "conftest.py",
            FIXTURE.format(1) + "def pytest_addoption(parser): parser.addoption('--mine')\n",
        ),
    ),
    "makes another order": (
        {},
        write(
            "conftest.py",
            FIXTURE.format(1)
            + "def pytest_collection_modifyitems(items): items.sort(key=lambda i: i.name)\n",
        ),
    ),
    "deselects": (
        {},
        write(
            "conftest.py",
            FIXTURE.format(1) + "def pytest_collection_modifyitems(items): items[1:] = []\n",
        ),
    ),
    "has a plugin": (
        {"plug.py": "def pytest_report_header(): return 'plug 1'\n"},
        write("conftest.py", FIXTURE.format(1) + "pytest_plugins = ['plug']\n"),
    ),
    "has a plugin that changes": (
        {
            "conftest.py": FIXTURE.format(1) + "pytest_plugins = ['plug']\n",
            "plug.py": "def pytest_report_header(): return 'plug 1'\n",
        },
        write("plug.py", "def pytest_report_header(): return 'plug 22'\n"),
    ),
    "header changes": (
        {"conftest.py": FIXTURE.format(1) + "def pytest_report_header(): return 'one'\n"},
        write("conftest.py", FIXTURE.format(1) + "def pytest_report_header(): return 'other'\n"),
    ),
}


@pytest.mark.parametrize("name", CONFTESTS)
def test_conftests(scene: Scene, name: str) -> None:
    files, change = CONFTESTS[name]
    scene.play({**USERS, **files}, change)


LIB = {"test_a.py": "import lib\n\ndef test_a(): assert lib.VALUE == 1\n", "lib.py": "VALUE = 1\n"}
OPTIONAL = """
try:
    import lib
except ImportError:
    lib = None

def test_a(): assert lib is None
"""
PACK = {
    "pack/__init__.py": "",
    "pack/lib.py": "VALUE = 1\n",
    "test_a.py": "from pack import lib\n\ndef test_a(): assert lib.VALUE == 1\n",
}
PATHS = {**LIB, "pytest.ini": "[pytest]\npythonpath = first second\n", "first/x.txt": ""}
IMPORTS: dict[str, tuple[Files, Change]] = {
    "module becomes package": (LIB, write("lib/__init__.py", "VALUE = 22\n")),
    "package becomes module": (PACK, both(remove_folder("pack"), write("pack.py", "lib = None\n"))),
    "folder of its name": (LIB, folder("lib")),
    "module appears in package": (
        {
            **PACK,
            "pack/__init__.py": "try:\n    from pack import more\nexcept ImportError:\n    more = 0\n",
        },
        write("pack/more.py", "1 / 0\n"),
    ),
    "shadowed by an earlier folder": (PATHS, write("first/lib.py", "VALUE = 22\n")),
    "shadowed no more": ({**PATHS, "first/lib.py": "VALUE = 22\n"}, remove("first/lib.py")),
    "path appears": (
        {**LIB, "pytest.ini": "[pytest]\npythonpath = first\n"},
        write("first/lib.py", "VALUE = 22\n"),
    ),
    "shadows the standard library": (
        {"test_a.py": "import this_day as d\n\ndef test_a(): d.x\n", "this_day.py": "x = 1\n"},
        write("json.py", "1 / 0\n"),
    ),
    "shadows a module imported late": (
        {"test_a.py": "def test_a():\n    import colorsys\n    assert colorsys.rgb_to_hsv\n"},
        write("colorsys.py", "VALUE = 22\n"),
    ),
    "optional module appears": ({"test_a.py": OPTIONAL}, write("lib.py", "VALUE = 1\n")),
    "optional module disappears": ({"test_a.py": OPTIONAL, "lib.py": ""}, remove("lib.py")),
    "optional package appears": ({"test_a.py": OPTIONAL}, write("lib/__init__.py", "")),
    "optional namespace appears": ({"test_a.py": OPTIONAL}, folder("lib")),
    "extension of no Python appears": (LIB, write("lib.cpython-399-other.so", "x")),
    "broken extension appears": (LIB, write("lib.abi3.so", "x")),
    "namespace becomes package": (
        {**PACK, "pack/__init__.py": "", "other/one.py": ""},
        write("other/__init__.py", ""),
    ),
    "namespace imported becomes package": (
        {"space/lib.py": "VALUE = 1\n", "test_a.py": "from space import lib\ndef test_a(): pass\n"},
        write("space/__init__.py", "1 / 0\n"),
    ),
    "package becomes namespace": (
        {
            **PACK,
            "pack/__init__.py": "NAME = 1\n",
            "test_a.py": "import pack\ndef test_a(): assert pack.NAME\n",
        },
        remove("pack/__init__.py"),
    ),
    "init appears beside tests": (
        {"sub/test_a.py": "def test_a(): assert __name__ == 'test_a'\n"},
        write("sub/__init__.py", ""),
    ),
    "init disappears beside tests": (
        {
            "sub/__init__.py": "",
            "sub/test_a.py": "def test_a(): assert __name__ == 'sub.test_a'\n",
        },
        remove("sub/__init__.py"),
    ),
    "init edited beside tests": (
        {"sub/__init__.py": "", "sub/test_a.py": TEST},
        write("sub/__init__.py", "1 / 0\n"),
    ),
    "loaded by its path": (
        {
            "test_a.py": "import runpy\nV = runpy.run_path('script')['V']\ndef test_a(): assert V == 1\n",
            "script": "V = 1\n",
        },
        write("script", "V = 22\n"),
    ),
    "read with exec": (
        {
            "test_a.py": "exec(open('script').read())\ndef test_a(): assert V == 1\n",
            "script": "V = 1\n",
        },
        write("script", "V = 22\n"),
    ),
    "found but not loaded": (
        {
            "test_a.py": "from importlib.util import find_spec\nF = find_spec('lib')\ndef test_a(): assert not F\n"
        },
        write("lib.py", ""),
    ),
    "submodule found by pkgutil": (
        {
            "pack/__init__.py": "",
            "pack/one.py": "",
            "test_a.py": "import pkgutil, pack\nN = [m.name for m in pkgutil.iter_modules(pack.__path__)]\n"
            "def test_a(): assert N == ['one']\n",
        },
        write("pack/two.py", ""),
    ),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_imports(scene: Scene, name: str) -> None:
    files, change = IMPORTS[name]
    scene.play(files, change)


MARKED = {
    "test_a.py": "def test_a(): pass\n\ndef check_a(): assert 0\n\nclass Check:\n    def test_c(self): pass\n",
    "check_b.py": "def test_b(): assert 0\n",
    "sub/test_s.py": "def test_s(): pass\n",
}
INI = "[pytest]\n"
INIS: dict[str, tuple[Files, Change]] = {
    "pytest.ini appears": ({}, write("pytest.ini", INI + "python_files = check_*.py\n")),
    "hidden pytest.ini appears": ({}, write(".pytest.ini", INI + "python_files = check_*.py\n")),
    "empty pytest.ini appears": ({"setup.cfg": "[tool:pytest]\n"}, write("pytest.ini", "")),
    "tox.ini appears": ({}, write("tox.ini", INI + "python_files = check_*.py\n")),
    "setup.cfg appears": (
        {},
        write("setup.cfg", "[tool:pytest]\npython_files = check_*.py\n"),
    ),
    "pyproject.toml appears": (
        {},
        write("pyproject.toml", '[tool.pytest.ini_options]\npython_files = "check_*.py"\n'),
    ),
    "pytest.ini takes over from tox.ini": (
        {"tox.ini": INI + "python_files = check_*.py\n"},
        write("pytest.ini", INI),
    ),
    "removed": ({"pytest.ini": INI + "python_files = check_*.py\n"}, remove("pytest.ini")),
    "functions": ({"pytest.ini": INI}, write("pytest.ini", INI + "python_functions = check*\n")),
    "classes": ({"pytest.ini": INI}, write("pytest.ini", INI + "python_classes = Check\n")),
    "norecursedirs": ({"pytest.ini": INI}, write("pytest.ini", INI + "norecursedirs = sub\n")),
    "testpaths": ({"pytest.ini": INI}, write("pytest.ini", INI + "testpaths = sub\n")),
    "testpaths to a new folder": (
        {"pytest.ini": INI + "testpaths = s*\n"},
        write("spare/test_x.py", TEST),
    ),
    "addopts": ({"pytest.ini": INI}, write("pytest.ini", INI + "addopts = -k test_s\n")),
    "addopts no more": (
        {"pytest.ini": INI + "addopts = -k test_s\n"},
        write("pytest.ini", INI),
    ),
    "console style": (
        {"pytest.ini": INI},
        write("pytest.ini", INI + "console_output_style = count\n"),
    ),
    "strict markers": (
        {"pytest.ini": INI, "test_a.py": "import pytest\n@pytest.mark.foo\ndef test_a(): pass\n"},
        write("pytest.ini", INI + "addopts = --strict-markers\n"),
    ),
    "marker registered": (
        {"pytest.ini": INI, "test_a.py": "import pytest\n@pytest.mark.foo\ndef test_a(): pass\n"},
        write("pytest.ini", INI + "markers = foo\n"),
    ),
    "strict xfail": (
        {
            "pytest.ini": INI,
            "test_a.py": "import pytest\n@pytest.mark.xfail\ndef test_a(): pass\n",
        },
        write("pytest.ini", INI + "xfail_strict = true\n"),
    ),
    "warnings are errors": (
        {
            "pytest.ini": INI,
            "test_a.py": "import warnings\n\ndef test_a(): warnings.warn('x', stacklevel=2)\n",
        },
        write("pytest.ini", INI + "filterwarnings = error\n"),
    ),
    "rootdir moves into the project": (
        {"pytest.ini": INI},
        both(remove("pytest.ini"), write("setup.py", "")),
    ),
    "broken": ({"pytest.ini": INI}, write("pytest.ini", "[pytest\n")),
    "unknown key": ({"pytest.ini": INI}, write("pytest.ini", INI + "no_such_key = 1\n")),
    "only a comment added": ({"pytest.ini": INI}, write("pytest.ini", INI + "# nothing\n")),
}


@pytest.mark.parametrize("name", INIS)
def test_inis(scene: Scene, name: str) -> None:
    files, change = INIS[name]
    scene.play({**MARKED, **files}, change)


@pytest.mark.parametrize("name", ["pytest.ini", "conftest.py", "pyproject.toml", "__init__.py"])
def test_in_a_parent_folder(scene: Scene, name: str) -> None:
    """It appears above the folder where the command is run."""
    text = {
        "pytest.ini": "[pytest]\npython_files = check_*.py\n",
        "conftest.py": "collect_ignore_glob = ['*_s.py']\n",
        "pyproject.toml": "[tool.pytest.ini_options]\nnorecursedirs = ['sub']\n",
        "__init__.py": "",
    }[name]
    files = {f"work/{path}": text for path, text in MARKED.items()}
    scene.play(files, write(name, text), how=How(cwd="work"))


def test_ignored_by_git(scene: Scene) -> None:
    """pytest does not know what git ignores, and neither may we."""
    files = {".gitignore": "generated\n*.log\n", "generated/test_g.py": TEST}
    scene.play(files, write("generated/test_g.py", "def test_g(): assert 0\n"))


def test_virtual_environment_appears(scene: Scene) -> None:
    """Its tests are not collected."""
    scene.play(FILES, both(write("env/pyvenv.cfg", ""), write("env/test_e.py", TEST)))
