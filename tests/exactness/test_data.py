"""Files and folders that modules look at while they are imported or collected."""

from __future__ import annotations

import os
import shutil
import sqlite3
import zipfile
from collections.abc import Mapping
from typing import Callable

import pytest
from exact import Change, Scene, both, env, folder, keeping_times, link, nothing, remove, write

HEAD = """
import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent
"""


def cases(expression: str, imports: str = "") -> dict[str, str]:
    """A module with a test for each element of what an expression gives."""
    body = f"\n@pytest.mark.parametrize('case', [str(c) for c in {expression}])\ndef test_a(case): pass\n"
    return {"test_a.py": imports + HEAD + body}


def value(expression: str, imports: str = "") -> dict[str, str]:
    """A module whose test shows what an expression gave at import."""
    body = f"\nVALUE = {expression}\n\ndef test_a(): assert VALUE == 'no'\n"
    return {"test_a.py": imports + HEAD + body}


Files = Mapping[str, str]
READ: dict[str, tuple[Files, Files, Change]] = {
    "json": (
        cases("json.loads((HERE / 'data.json').read_text())", "import json\n"),
        {"data.json": "[1, 2]"},
        write("data.json", "[1, 2, 3]"),
    ),
    "json of the same size": (
        cases("json.load(open(HERE / 'data.json'))", "import json\n"),
        {"data.json": "[1, 2]"},
        keeping_times(write("data.json", "[1, 3]"), "data.json"),
    ),
    "csv": (
        cases("csv.reader(open(HERE / 'data.csv', newline=''))", "import csv\n"),
        {"data.csv": "a,b\n"},
        write("data.csv", "a,b\nc,d\n"),
    ),
    "toml": (
        cases("tomllib.load(open(HERE / 'data.toml', 'rb'))", "import tomllib\n"),
        {"data.toml": "a = 1\n"},
        write("data.toml", "a = 1\nb = 1\n"),
    ),
    "read by os.open": (
        value("os.read(os.open(HERE / 'data', os.O_RDONLY), 10)"),
        {"data": "one"},
        write("data", "two"),
    ),
    "read in another folder": (
        value("open('folder/../data').read()"),
        {"data": "one", "folder/x": ""},
        write("data", "two"),
    ),
    "read through a link": (
        value("open('link').read()"),
        {"one": "one", "two": "two"},
        link("link", "two"),
    ),
    "link read": (value("os.readlink('link')"), {"one": "", "two": ""}, link("link", "two")),
    "byte code listed": (
        value("'mark' in os.listdir('__pycache__')"),
        {"__pycache__/other": ""},
        write("__pycache__/mark", ""),
    ),
    "linecache": (
        value("linecache.getline('data', 1)", "import linecache\n"),
        {"data": "one\n"},
        write("data", "other\n"),
    ),
    "importlib.resources": (
        value(
            "importlib.resources.files('pack').joinpath('data').read_text()",
            "import importlib.resources\n",
        ),
        {"pack/__init__.py": "", "pack/data": "one"},
        write("pack/data", "other"),
    ),
    "pkgutil.get_data": (
        value("pkgutil.get_data('pack', 'data')", "import pkgutil\n"),
        {"pack/__init__.py": "", "pack/data": "one"},
        write("pack/data", "other"),
    ),
    "mmap": (
        value(
            "mmap.mmap(os.open('data', os.O_RDONLY), 0, prot=mmap.PROT_READ).read()",
            "import mmap\n",
        ),
        {"data": "one"},
        write("data", "two"),
    ),
    "configparser": (
        value("configparser.ConfigParser().read(['a.cfg', 'b.cfg'])", "import configparser\n"),
        {"a.cfg": "[a]\n"},
        write("b.cfg", "[b]\n"),
    ),
    "hash of a file": (
        value(
            "hashlib.file_digest(open('data', 'rb'), 'sha256').hexdigest()",
            "import hashlib\n",
        ),
        {"data": "one"},
        write("data", "two"),
    ),
    "read by a conftest": (
        {
            "conftest.py": HEAD + "VALUE = (HERE / 'data').read_text()\n"
            "def pytest_generate_tests(metafunc): metafunc.parametrize('n', VALUE)\n",
            "test_a.py": "def test_a(n): pass\n",
        },
        {"data": "abc"},
        write("data", "abcd"),
    ),
    "read in pytest_generate_tests": (
        {
            "conftest.py": HEAD
            + "def pytest_generate_tests(metafunc): metafunc.parametrize('n', (HERE / 'data').read_text())\n",
            "test_a.py": "def test_a(n): pass\n",
        },
        {"data": "abc"},
        write("data", "ab"),
    ),
    "read in pytest_configure": (
        {
            "conftest.py": HEAD
            + "def pytest_configure(config): config.addinivalue_line('markers', open(HERE / 'data').read())\n"
            "def pytest_report_header(config): return str('another' in config.getini('markers'))\n",
            "test_a.py": "def test_a(): pass\n",
        },
        {"data": "one"},
        write("data", "another"),
    ),
    "read by a collector": (
        {
            "conftest.py": "import pytest\n"
            "class Case(pytest.Item):\n"
            "    def runtest(self): assert self.name != 'c'\n"
            "    def reportinfo(self): return self.path, 0, self.name\n"
            "class Cases(pytest.File):\n"
            "    def collect(self):\n"
            "        for name in self.path.read_text(): yield Case.from_parent(self, name=name)\n"
            "def pytest_collect_file(file_path, parent):\n"
            "    if file_path.suffix == '.cases': return Cases.from_parent(parent, path=file_path)\n",
        },
        {"a.cases": "ab"},
        write("a.cases", "abc"),
    ),
    "doctest in a text file": (
        {"pytest.ini": "[pytest]\naddopts = --doctest-glob=*.txt\n"},
        {"a.txt": ">>> 1\n1\n"},
        write("a.txt", ">>> 1\n22\n"),
    ),
    "absent file appears": (
        value("os.path.exists('data')"),
        {},
        write("data", ""),
    ),
    "absent file tried": (
        {
            "test_a.py": "try:\n    V = open('data').read()\nexcept OSError:\n    V = None\n"
            "def test_a(): assert V is None\n"
        },
        {},
        write("data", ""),
    ),
    "file disappears": (value("os.path.exists('data')"), {"data": ""}, remove("data")),
    "file read disappears": (value("open('data').read()"), {"data": "x"}, remove("data")),
    "file becomes folder": (
        value("Path('data').is_file()"),
        {"data": ""},
        both(remove("data"), folder("data")),
    ),
    "modification time": (
        value("os.path.getmtime('data')"),
        {"data": ""},
        lambda scene: os.utime(scene.path / "data", (10**9, 10**9)),
    ),
    "size": (value("os.stat('data').st_size"), {"data": "x"}, write("data", "xx")),
    "mode": (
        value("os.access('data', os.X_OK)"),
        {"data": "x"},
        lambda scene: (scene.path / "data").chmod(0o755),
    ),
    "link count": (
        value("os.stat('data').st_nlink"),
        {"data": "x"},
        lambda scene: os.link(scene.path / "data", scene.path / "data2"),
    ),
    "glob of cases": (
        cases("sorted((HERE / 'cases').glob('*.txt'))"),
        {"cases/a.txt": ""},
        write("cases/b.txt", ""),
    ),
    "glob of cases in folders": (
        cases("sorted((HERE / 'cases').rglob('*.txt'))"),
        {"cases/a.txt": "", "cases/deep/b.txt": ""},
        write("cases/deep/er/c.txt", ""),
    ),
    "glob module": (
        cases("sorted(glob.glob('cases/**/*', recursive=True))", "import glob\n"),
        {"cases/deep/b.txt": ""},
        write("cases/deep/c.txt", ""),
    ),
    "empty folder gets a file": (
        cases("os.listdir('cases')"),
        {"cases/.keep": ""},
        write("cases/a", ""),
    ),
    "absent folder appears": (
        cases("glob.glob('cases/*')", "import glob\n"),
        {},
        write("cases/a", ""),
    ),
    "file of a listed folder removed": (
        cases("sorted(os.listdir('cases'))"),
        {"cases/a": "", "cases/b": ""},
        remove("cases/b"),
    ),
    "os.scandir": (
        cases("sorted((e.name, e.is_dir()) for e in os.scandir('cases'))"),
        {"cases/a": "", "cases/b": ""},
        both(remove("cases/b"), folder("cases/b")),
    ),
    "os.walk": (
        cases("sorted(f for _, _, fs in os.walk('cases') for f in fs)"),
        {"cases/a/b/c": ""},
        write("cases/a/b/d/e", ""),
    ),
    "os.walk of linked folders": (
        cases("sorted(f for _, _, fs in os.walk('cases', followlinks=True) for f in fs)"),
        {"one/a": "", "two/b": "", "cases/x": ""},
        link("cases/link", "../two"),
    ),
    "listing of the whole project": (
        value("sorted(n for n in os.listdir(HERE) if n[0] not in '_.')"),
        {},
        write("data", ""),
    ),
    "count of a folder": (
        value("len(list((HERE / 'cases').iterdir()))"),
        {"cases/a": ""},
        write("cases/.hidden", ""),
    ),
    "shutil.which": (
        value("shutil.which('tool', path='bin')", "import shutil\n"),
        {"bin/x": ""},
        lambda scene: scene.file("bin/tool", "", mode=0o755),
    ),
    "inspect.getsource of a module": (
        value("inspect.getsource(lib)", "import inspect, lib\n"),
        {"lib.py": "V = 1\n"},
        write("lib.py", "V = 1  # same value\n"),
    ),
    "read by a subprocess": (
        value("subprocess.check_output(['cat', 'data'])", "import subprocess\n"),
        {"data": "one"},
        write("data", "other"),
    ),
    "read by os.system": (
        value("os.popen('ls cases').read()"),
        {"cases/a": ""},
        write("cases/b", ""),
    ),
    "read by a thread": (
        {
            "test_a.py": "import threading\nV = []\n"
            "t = threading.Thread(target=lambda: V.append(open('data').read()))\n"
            "t.start(); t.join()\ndef test_a(): assert V == ['one']\n"
        },
        {"data": "one"},
        write("data", "other"),
    ),
    "read by a forked child": (
        {
            "test_a.py": "import os\nr, w = os.pipe()\n"
            "if (p := os.fork()) == 0:\n    os.write(w, open('data', 'rb').read()); os._exit(0)\n"
            "os.waitpid(p, 0)\nV = os.read(r, 99); os.close(r); os.close(w)\n"
            "def test_a(): assert V == b'one'\n"
        },
        {"data": "one"},
        write("data", "other"),
    ),
    "read only by the test": (
        {"test_a.py": "def test_a(): assert open('data').read() == 'one'\n"},
        {"data": "one"},
        write("data", "other"),
    ),
    "read by a session fixture": (
        {
            "conftest.py": "import pytest\n@pytest.fixture(scope='session')\n"
            "def data(): return open('data').read()\n",
            "test_a.py": "def test_a(data): assert data == 'one'\n",
        },
        {"data": "one"},
        write("data", "other"),
    ),
    "not read at all": (value("1"), {"data": "one"}, write("data", "other")),
}
STILL = {"read only by the test", "read by a session fixture", "not read at all"}
BARRED = {
    *("read by a subprocess", "read by os.system", "read by a forked child"),  # nobody sees what
    *("read by os.open", "mmap"),  # they leave files open
}


@pytest.mark.parametrize("name", READ)
def test_read(scene: Scene, name: str) -> None:
    code, data, change = READ[name]
    scene.files(data)
    if "link" in data or ("one" in data and "two" in data):
        for path, target in (("link", "one"), ("cases/link", "../one")):
            if (scene.path / path).parent.exists():
                link(path, target)(scene)
    scene.play(code, change, resumed=name not in BARRED, still=name in STILL)


def _database(scene: Scene, *numbers: int) -> None:
    connection = sqlite3.connect(scene.path / "data.db")
    with connection:
        connection.execute("create table if not exists cases (n)")
        connection.executemany("insert into cases values (?)", [(n,) for n in numbers])
    connection.close()


def test_database(scene: Scene) -> None:
    """SQLite reads by its own C code."""
    _database(scene, 1, 2)
    code = cases("sqlite3.connect('data.db').execute('select n from cases')", "import sqlite3\n")
    scene.play(code, lambda scene: _database(scene, 3), resumed=False)  # it is left open


def test_database_with_log(scene: Scene) -> None:
    """What is new is only in the log beside the database."""
    connection = sqlite3.connect(scene.path / "data.db")
    connection.execute("pragma journal_mode=wal")
    _database(scene, 1, 2)
    code = cases("sqlite3.connect('data.db').execute('select n from cases')", "import sqlite3\n")
    scene.ignored |= {"data.db-wal", "data.db-shm", "data.db"}
    try:
        scene.files(code)
        scene.warm_up("-v")
        with connection:
            connection.execute("insert into cases values (3)")
        assert scene.run_fleetest("-v").out.count("test_a[") == 3
    finally:
        connection.close()


def _archive(name: str, **texts: str) -> Callable[[Scene], None]:
    def change(scene: Scene) -> None:
        with zipfile.ZipFile(scene.path / name, "w") as archive:
            for module, text in texts.items():
                archive.writestr(module + ".py", text)

    return change


def test_archive(scene: Scene) -> None:
    _archive("data.zip", a="")(scene)
    code = cases("zipfile.ZipFile('data.zip').namelist()", "import zipfile\n")
    scene.play(code, _archive("data.zip", a="", b=""))


def test_module_in_an_archive(scene: Scene) -> None:
    _archive("data.zip", lib="VALUE = 1\n")(scene)
    code = value("lib.VALUE", "import sys; sys.path.insert(0, 'data.zip')\nimport lib\n")
    scene.play(code, _archive("data.zip", lib="VALUE = 22\n"))


def test_swap_files_beside_cases(scene: Scene) -> None:
    """They are no cases."""
    code = cases("sorted((HERE / 'cases').glob('*.txt'))")
    change = both(write("cases/.a.txt.swp", "x"), write("cases/a.txt~", "x"))
    scene.play({**code, "cases/a.txt": ""}, change)


def test_what_tests_write_is_collected_next(scene: Scene) -> None:
    """A run changes what the next one is to see."""
    code = cases("sorted(p.stem for p in (HERE / 'cases').glob('*'))")
    code["test_a.py"] += (
        "\ndef test_more(): (HERE / 'cases' / str(len(os.listdir('cases')))).touch()\n"
    )
    scene.play({**code, "cases/a": ""}, nothing)
    for _ in range(2):
        scene.compare("-v")


def test_tests_write_tests(scene: Scene) -> None:
    text = "def test_write():\n    open('test_b.py', 'a').write('def test_b(): pass\\n')\n"
    scene.files({"test_a.py": text})
    for _ in range(3):
        scene.compare("-v", again=False)


def test_whole_folder_replaced(scene: Scene) -> None:
    """By another one with the same names."""
    code = cases("sorted(p.read_text() for p in (HERE / 'cases').glob('*'))")
    scene.files({"cases/a": "1", "cases/b": "2", "new/a": "1", "new/b": "3"})

    def change(scene: Scene) -> None:
        shutil.rmtree(scene.path / "cases")
        (scene.path / "new").rename(scene.path / "cases")

    scene.play(code, change)


def test_outside_of_the_project(scene: Scene) -> None:
    code = value("open('../other/data').read()")
    (scene.other / "data").write_text("one", "utf-8")
    scene.play(code, lambda scene: (scene.other / "data").write_text("two", "utf-8"))


def test_home(scene: Scene) -> None:
    code = value("os.path.exists(os.path.expanduser('~/.settings'))")
    scene.play(code, lambda scene: (scene.home / ".settings").touch())


def test_another_home(scene: Scene) -> None:
    code = value("os.path.exists(os.path.expanduser('~/.settings'))")
    (scene.other / ".settings").touch()
    scene.play(code, lambda scene: env(HOME=str(scene.other))(scene))
