"""Every option of pytest does under workers what it does in pytest: a table goes through them.

Each command line is run by ``pytest`` and by ``fleetest -n 2 --ordered`` in copies of one project.
"""

from __future__ import annotations

import difflib
import json
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from lab import BIN, FLEETEST, Project, Result, Running, numbered
from option_table import FILES, OTHER_FILES, TABLE, Row

_WORKERS = re.compile(
    r"^(?:\x1b\[[\d;]*m)*(?:fleetest: (?!error).*|created: \d+/\d+ workers?|\d+ workers? \[\d+ items?\])"
    r"(?:\x1b\[[\d;]*m)*\n",
    re.MULTILINE,
)
_TIME = re.compile(r"\bin \d+\.\d+s\b")
_DURATION = re.compile(r"^\d+\.\d+s (setup|call|teardown)", re.MULTILINE)
_AGE = re.compile(r"cache from [\d:]+ ago")


# What fleetest adds to listings.
_MORE_FIXTURES = re.compile(
    r"^-+ fixtures defined from xdist.plugin -+\n(?:(?!---).*\n)*", re.MULTILINE
)
_MORE_CACHE = re.compile(r"^-+ cache directories for .*\n(?:d/fleetest/.*\n)*", re.MULTILINE)
_MORE_MARKERS = re.compile(
    r"^@pytest.mark.xdist_group: .*\n\n|\n\n@pytest.mark.xdist_group: .*(?=\n*\Z)", re.MULTILINE
)


def normalise(text: str, project: Project) -> str:
    """The text without what may differ between two runs."""
    text = text.replace(str(project.path.parent), "<root>")
    text = _WORKERS.sub("", text)
    lines = []
    for line in text.splitlines():
        # The rule around the text gives way to a longer time.
        timed = re.sub("=+", "=", _TIME.sub("in <time>", line))
        lines.append(timed if _TIME.search(line) else line)
    text = "\n".join(lines)
    text = _AGE.sub("cache from <time> ago", _DURATION.sub(r"<time> \1", text))
    text = _MORE_FIXTURES.sub("", _MORE_MARKERS.sub("", _MORE_CACHE.sub("", text)))
    text = re.sub(r"^(ERROR: usage: )?fleetest\b", r"\1pytest", text, flags=re.MULTILINE)
    text = re.sub(r"0x[0-9a-f]{6,}", "<address>", text)
    text = re.sub(r"/popen-gw\d+\b", "", text)
    text = re.sub(r"\b(pytest-)\d+(?=/)", r"\1<n>", text)
    text = re.sub(r"^(plugins: .*)$", "plugins", text, flags=re.MULTILINE)
    return re.sub(r"(available fixtures: .*)", _without_workers_fixtures, text)


def _without_workers_fixtures(line: re.Match[str]) -> str:
    return re.sub(r"(testrun_uid|worker_id)(, )?", "", line[1]).rstrip(", ")


def junit(path: Path) -> list[Any]:
    """A JUnit file as data, without times."""
    if not path.exists():
        return ["missing"]

    def node(element: ET.Element) -> list[Any]:
        attributes = {
            name: value
            for name, value in element.attrib.items()
            if name not in ("time", "timestamp", "hostname")
        }
        return [element.tag, attributes, element.text, [node(child) for child in element]]

    return node(ET.parse(path).getroot())


def observe(project: Project, row: Row, result: Result) -> dict[str, Any]:
    """What is compared of one run."""
    out = normalise(result.out, project)
    seen: dict[str, Any] = {
        "exit code": result.code,
        "stdout": sorted(out.splitlines()) if row.any_order else out,
        "stderr": normalise(result.err, project),
    }
    for name in row.files:
        path = project.path / name
        if name.endswith(".xml"):
            seen[name] = normalise(json.dumps(junit(path), indent=1), project)
        else:
            seen[name] = path.read_text("utf-8") if path.exists() else "missing"
    cache = project.path / ".pytest_cache/v/cache"
    for path in sorted(cache.glob("*")) if cache.exists() else []:
        text = re.sub(r'"last_cache_date_str": ".*?"', "", path.read_text("utf-8"))
        seen[f"cache/{path.name}"] = text
    return seen


def difference(expected: dict[str, Any], seen: dict[str, Any]) -> str:
    """The differences of two observations, readable; empty if there are none."""
    found = []
    for name in sorted(expected.keys() | seen.keys()):
        texts = [str(side.get(name, "missing")).splitlines() for side in (expected, seen)]
        if isinstance(expected.get(name), list):
            texts = [expected[name], seen[name]]
        found += difflib.unified_diff(*texts, f"{name} of pytest", f"{name} of fleetest", n=2)
    return "\n".join(found)


def words(line: str) -> list[str]:
    """The arguments of a row's command line; quotes hold several words together."""
    return [word.replace("'", "") for word in re.findall(r"(?:'[^']*'|\S)+", line)]


def fill(project: Project) -> None:
    """Write the sample."""
    project.files(FILES)
    project.files(OTHER_FILES)


@pytest.fixture
def twin(tmp_path: Path) -> Project:
    """A second project, with paths of the same length."""
    root = tmp_path / "other"
    root.mkdir()
    return Project(root)


@pytest.fixture
def plain(tmp_path: Path) -> Project:
    """A project for plain pytest, beside the twin."""
    root = tmp_path / "plain"
    root.mkdir()
    return Project(root)


@pytest.mark.parametrize("row", TABLE, ids=[row.name.replace(" ", "-") for row in TABLE])
def test_as_in_pytest(row: Row, plain: Project, twin: Project, known_options: str) -> None:
    """Exit code, output, files and cache are the same."""
    if row.newer and row.newer not in known_options:
        pytest.skip(f"this pytest has no {row.newer}")
    for project in (plain, twin):
        fill(project)
        project.env.update(row.env)
    for line in row.lines:
        args = words(line)
        # Both at once: that takes half the time.
        runs: list[Running] = [
            plain.start(sys.executable, BIN / "pytest", *args),
            twin.start(FLEETEST, "-n", str(row.workers), "--ordered", *args),
        ]
        results = [run.wait() for run in runs]
        expected, seen = (
            observe(project, row, result) for project, result in zip((plain, twin), results)
        )
        assert not difference(expected, seen), f"{line!r}\n{difference(expected, seen)}"


@pytest.fixture(scope="module")
def known_options(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ``pytest --help`` says."""
    project = Project(tmp_path_factory.mktemp("help"))
    return project.pytest("--help").out


def test_workers_without_order_tell_the_same(project: Project) -> None:
    """Without --ordered: the same outcomes, counts, JUnit cases and cache."""
    fill(project)
    args = ["-v", "--tb=no", "--doctest-modules", "--junitxml=out.xml"]
    plain = project.pytest(*args).check(1)
    cases = sorted(junit(project.path / "out.xml")[3][0][3], key=repr)
    failed = json.loads(project.read(".pytest_cache/v/cache/lastfailed"))
    shutil.rmtree(project.path / ".pytest_cache")
    result = project.fleetest("-n", "2", *args).check(1)
    assert result.summary() == plain.summary()
    assert result.outcomes() == plain.outcomes()
    text = json.dumps(sorted(junit(project.path / "out.xml")[3][0][3], key=repr))
    assert normalise(text, project) == normalise(json.dumps(cases), project)
    assert json.loads(project.read(".pytest_cache/v/cache/lastfailed")) == failed


def test_basetemp(project: Project) -> None:
    """The folder is the run's, with one for each worker in it, and emptied before the next run."""
    project.file("test_a.py", "def test_1(tmp_path): pass\ndef test_2(tmp_path): pass\n")
    project.file("base/old.txt")
    for _ in range(2):
        project.fleetest("-n", "2", "--basetemp=base").check(0).counts(passed=2)
        base = project.path / "base"
        assert not (base / "old.txt").exists()
        names = sorted(path.name for path in base.glob("popen-gw*/*0"))
        assert names == ["test_10", "test_20"]


def test_basetemp_that_is_the_current_folder(project: Project) -> None:
    """It is refused as by pytest, since it would be emptied."""
    project.file("test_a.py", "def test_1(tmp_path): pass\n")
    plain = project.pytest("--basetemp=.")
    result = project.fleetest("-n", "2", "--basetemp=.").check(plain.code)
    assert "basetemp must not be" in result.err
    assert (project.path / "test_a.py").exists()


def test_trace_config(project: Project) -> None:
    """The list of plugins is longer; everything else is there."""
    fill(project)
    plain = project.pytest("--trace-config", "sub").check(1)
    result = project.fleetest("-n", "2", "--trace-config", "sub").check(1)
    assert result.summary() == plain.summary()
    names = re.findall(r"^ {4}(\w+) +: ", plain.out, re.MULTILINE)
    shown = re.findall(r"^ {4}(\w+) +: ", result.out, re.MULTILINE)
    assert {name for name in names if not name.isdigit()} <= set(shown)


def test_debug(project: Project) -> None:
    """``--debug`` writes its file, and workers do not write into it at the same time."""
    fill(project)
    plain = project.pytest("--debug=debug.log", "sub", "--tb=no").check(1)
    result = project.fleetest("-n", "2", "--debug=debug.log", "sub", "--tb=no").check(1)
    assert result.summary() == plain.summary()
    assert "wrote pytest debug information to" in result.out + result.err


def test_setup_show_of_every_scope(project: Project) -> None:
    """One worker sets up and tears down where plain pytest does."""
    scopes = ["session", "package", "module", "class", "function"]
    fixtures = "".join(
        f"@pytest.fixture(scope='{scope}')\ndef {scope}_thing():\n    yield\n\n" for scope in scopes
    )
    project.file("conftest.py", f"import pytest\n\n{fixtures}")
    names = ", ".join(f"{scope}_thing" for scope in scopes)
    for file in ("a/__init__.py", "b/__init__.py"):
        project.file(file)
    for file in ("a/test_1.py", "a/test_2.py", "b/test_3.py"):
        project.file(
            file,
            f"class TestA:\n    def test_1(self, {names}): pass\n"
            f"    def test_2(self, {names}): pass\n\ndef test_3({names}): pass\n",
        )
    plain = project.pytest("--setup-show").check(0)
    result = project.fleetest("-n", "1", "--ordered", "--setup-show").check(0)
    assert normalise(result.out, project) == normalise(plain.out, project)
    two = project.fleetest("-n", "2", "--ordered", "--setup-show").check(0)
    assert two.out.count("SETUP    F function_thing") == 9
    assert two.out.count("TEARDOWN F function_thing") == 9
    for letter, scope in zip("SMC", ("session", "module", "class")):
        ups = two.out.count(f"SETUP    {letter} {scope}_thing")
        downs = two.out.count(f"TEARDOWN {letter} {scope}_thing")
        assert ups == downs >= 1


COLLECTION_ERRORS = {
    "test_bad.py": "import no_such_module\n",
    "test_good.py": "def test_1(): pass\ndef test_2(): assert 0\ndef test_3(): pass\n",
    "test_worse.py": "raise ValueError('worse')\n",
}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-x",
        "--maxfail=2",
        "--continue-on-collection-errors",
        "--continue-on-collection-errors -x",
        "--continue-on-collection-errors --maxfail=3",
        "--continue-on-collection-errors --junitxml=out.xml -v",
        "--collect-only -q",
        "test_good.py -x",
    ],
)
def test_collection_errors(plain: Project, twin: Project, line: str) -> None:
    """Code, output and files are pytest's."""
    row = Row("errors", [line], files=["out.xml"] if "junit" in line else [])
    for project in (plain, twin):
        project.files(COLLECTION_ERRORS)
    expected = observe(plain, row, plain.python(BIN / "pytest", *words(line)))
    seen = observe(twin, row, twin.fleetest("-n", "2", "--ordered", *words(line)))
    assert not difference(expected, seen), difference(expected, seen)


def test_output_keeps_its_place_between_reports(plain: Project, twin: Project) -> None:
    """With -s each print stands before or behind the letter of its test, as in pytest."""
    for project in (plain, twin):
        project.file(
            "test_a.py",
            """
            import pytest

            @pytest.fixture
            def talk():
                print("<", end="", flush=True)
                yield
                print(">", end="", flush=True)

            @pytest.mark.parametrize("number", range(500))
            def test_n(talk, number):
                print(number, end="", flush=True)
            """,
        )
    row = Row("output", ["-s"])
    expected = observe(plain, row, plain.python(BIN / "pytest", "-s").check(0))
    seen = observe(twin, row, twin.fleetest("-n", "2", "--ordered", "-s").check(0))
    assert not difference(expected, seen), difference(expected, seen)


@pytest.mark.parametrize(
    ("args", "early", "settled"),
    [
        ((), ["no", None], ["load", 2]),
        (("-n", "1"), ["no", 1], ["load", 1]),
        (("-n0",), ["no", 0], ["no", 0]),
        (("--dist=no",), ["no", None], ["no", 0]),
        (("-d",), ["load", None], ["load", 2]),
        (("--dist", "loadfile"), ["loadfile", None], ["loadfile", 2]),
    ],
)
def test_what_plugins_see_early(
    project: Project, args: tuple[str, ...], early: list[object], settled: list[object]
) -> None:
    """Before the command line is settled the options are what they are with pytest-xdist."""
    project.file(
        "plug.py",
        """
        def pytest_load_initial_conftests(early_config):
            known = early_config.known_args_namespace
            print("early", [known.dist, known.numprocesses])

        def pytest_configure(config):
            if not hasattr(config, "workerinput"):
                print("settled", [config.option.dist, config.option.numprocesses])
        """,
    )
    project.file("test_it.py", numbered(2))
    env = {"PYTHONPATH": ".", "PYTEST_XDIST_AUTO_NUM_WORKERS": "2"}
    result = project.fleetest("-p", "plug", "-s", *args, env=env).check(0)
    assert f"early {early}\n" in result.out
    assert f"settled {settled}\n" in result.out
