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
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lab import BIN, FLEETEST, Project, Result, Running

SAMPLE = '''
    """A module of everything.

    >>> 1 + 1
    2
    """

    import logging
    import os
    import sys
    import time
    import unittest
    import warnings

    import pytest

    LOGGER = logging.getLogger("sample")

    def talk(name):
        print(f"{name} to stdout")
        print(f"{name} to stderr", file=sys.stderr)
        LOGGER.info(f"{name} informs")
        LOGGER.warning(f"{name} warns")

    @pytest.fixture
    def base():
        """A base."""
        talk("set-up")
        yield 1
        talk("tear-down")

    @pytest.fixture(params=["a", "b"])
    def letter(request, base):
        """A letter."""
        return request.param

    @pytest.fixture
    def broken():
        """It never works."""
        raise ValueError("broken fixture")

    def test_passed(base, record_property):
        """Twice
        two lines."""
        record_property("key", "value")
        talk("passed")

    def test_failed(base):
        number = [1, 2, 3]
        talk("failed")
        assert number == [1, 2, 4], "a message"

    def test_letter(letter):
        assert letter in "ab"

    def test_error(broken):
        pass

    @pytest.mark.skip(reason="not today")
    def test_skipped():
        pass

    @pytest.mark.skipif("os.name == 'posix'", reason="on posix")
    def test_skipped_too():
        pass

    @pytest.mark.xfail(reason="known")
    def test_expected():
        talk("expected")
        assert 0

    @pytest.mark.xfail
    def test_unexpected():
        pass

    class TestClass:
        """A class."""

        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_number(self, number):
            assert number != 2

        def test_warning(self):
            warnings.warn("careful")

    class TestOld(unittest.TestCase):
        def test_method(self):
            self.assertEqual(1, 1)

        @unittest.skip("old")
        def test_old_skip(self):
            pass

    @pytest.mark.slow
    def test_slow(tmp_path):
        (tmp_path / "file").write_text("x")
        time.sleep(0.05)

    def test_chain():
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise KeyError("second") from error

    def documented():
        """
        >>> documented()
        3
        >>> documented()
        4
        """
        return 5
'''

MORE = """
    import pytest

    @pytest.fixture
    def bad_end():
        yield
        raise RuntimeError("bad end")

    @pytest.mark.slow
    def test_one(): pass
    def test_two(bad_end): pass
    @pytest.mark.parametrize("word", ["x", "y z", "ä"])
    def test_word(word): assert word != "y z"
"""

FILES = {
    "pytest.ini": "[pytest]\nmarkers = slow: takes its time\n",
    "conftest.py": 'import pytest\n\n\n@pytest.fixture\ndef shared():\n    """Shared."""\n',
    "test_sample.py": SAMPLE,
    "sub/conftest.py": "",
    "sub/test_more.py": MORE,
}

OTHER_FILES = {
    "args.txt": "-rA\n--tb=line\nsub\n",
    "notes.txt": ">>> 1 + 1\n3\n",
    "other.ini": "[pytest]\npython_functions = test_o* test_w*\nmarkers = slow\n",
    "package/__init__.py": "",
    "package/test_inside.py": "def test_inside(): pass\ndef test_bad(): assert 0\n",
    "helper_plugin.py": """
        import pytest

        def pytest_addoption(parser):
            parser.addoption("--word")

        def pytest_report_header(config):
            return f"the word is {config.option.word}"

        @pytest.fixture
        def word(request):
            return request.config.option.word

        def pytest_terminal_summary(terminalreporter, exitstatus):
            terminalreporter.write_line(f"exit status {int(exitstatus)}")
    """,
}


@dataclass(frozen=True)
class Row:
    """Command lines to be run one after the other, and what is compared besides the output."""

    name: str
    lines: Sequence[str]
    files: Sequence[str] = ()
    env: dict[str, str] = field(default_factory=dict)
    workers: int = 2
    any_order: bool = False
    """The lines of the output come in the order of times."""
    newer: str = ""
    """An option that the installed pytest has to know."""


TABLE = [
    Row("nothing", [""]),
    # Stop early.
    Row("exitfirst", ["-x"]),
    Row("exitfirst with errors first", ["-x sub test_sample.py"]),
    Row("maxfail", ["--maxfail=2", "--maxfail=3 -q"]),
    Row("stepwise", ["--stepwise", "--stepwise", "--sw --sw-skip", "--sw"]),
    Row("stepwise reset", ["--sw", "--sw-reset"], newer="--sw-reset"),
    # What was remembered.
    Row("last failed", ["-q", "--lf", "--lf -x", "--lf --deselect test_sample.py::test_chain"]),
    Row("last failed without any", ["--lf sub -k one", "--lf --lfnf=none sub -k one"]),
    Row("failed first", ["-q", "--ff -v"]),
    Row("new first", ["-q", "--nf -v"]),
    Row("cache show", ["-q", "--cache-show", "--cache-show=cache/last*"]),
    Row("cache clear", ["-q", "--cache-clear --lf -q"]),
    Row("no cache", ["-p no:cacheprovider", "--lf -p no:cacheprovider"]),
    # Reports.
    Row("all durations", ["--durations=0 -vv --tb=no -k 'not number'"], any_order=True),
    Row("slowest", ["--durations=1 --tb=no", "--durations=3 --durations-min=0.04 --tb=no"]),
    Row("junit", ["--junitxml=out.xml"], files=["out.xml"]),
    Row(
        "junit with everything",
        ["--junitxml=new/out.xml -o junit_logging=all -o junit_family=xunit1 --junit-prefix=pre"],
        files=["new/out.xml"],
    ),
    Row("report everything", ["-rA", "-ra --no-summary", "-rfEsxXpPw --no-header"]),
    Row("report nothing", ["-rN", "-rN --disable-warnings"]),
    Row("report folded", ["-rs --tb=no", "-rs --tb=no --no-fold-skipped"], newer="--no-fold"),
    *(
        Row(f"traceback {style}", [f"--tb={style}"])
        for style in ("auto", "long", "short", "line", "native", "no")
    ),
    Row("locals", ["-l --tb=short", "--full-trace -k chain"]),
    Row("traceback of expected failures", ["--xfail-tb -rx"], newer="--xfail-tb"),
    *(
        Row(f"show capture {what}", [f"--show-capture={what} -k failed"])
        for what in ("no", "stdout", "stderr", "log", "all")
    ),
    Row("runxfail", ["--runxfail --tb=line"]),
    Row("verbose", ["-v --tb=no", "-vv --tb=short", "--verbosity=2 -k number"]),
    Row("quiet", ["-q", "-qq", "-qqq"]),
    Row("quiet with a summary", ["-qq --force-short-summary"], newer="--force-short-summary"),
    Row("colours", ["--color=yes", "--color=yes -v --code-highlight=no --tb=short"]),
    *(
        Row(
            f"style {style}",
            [
                f"-o console_output_style={style} --tb=no",
                f"-o console_output_style={style} -v --tb=no",
            ],
        )
        for style in ("classic", "count", "progress")
    ),
    # Output of tests.
    *(Row(f"capture {how}", [f"--capture={how} -k 'failed or expected'"]) for how in ("fd", "sys")),
    Row("no capture", ["-s -k 'failed or expected or passed'", "--capture=no -v sub"]),
    Row("capture and show", ["--capture=tee-sys -k failed"]),
    # Logs.
    Row("log file", ["--log-file=out.log", "--log-file=out.log -k failed"], files=["out.log"]),
    Row(
        "log file in detail",
        ["--log-file=out.log --log-file-level=INFO --log-file-format='%(levelname)s %(message)s'"],
        files=["out.log"],
    ),
    Row(
        "log file appended to",
        ["--log-file=out.log --log-level=INFO", "--log-file=out.log --log-file-mode=a"],
        files=["out.log"],
    ),
    Row("live log", ["--log-cli-level=INFO -k 'failed or passed'"]),
    Row("live log in detail", ["--log-cli-level=INFO --log-cli-format='%(message)s' -v sub"]),
    Row("log level", ["--log-level=INFO -k failed", "--log-disable=sample -k failed"]),
    # Fixtures.
    Row(
        "setup show",
        ["--setup-show --tb=no -k 'not TestOld and not slow'", "--setup-show -v --tb=no -k letter"],
    ),
    Row("setup only", ["--setup-only --tb=no -k 'not TestOld and not slow'"]),
    Row("setup plan", ["--setup-plan -k 'not TestOld and not slow'"]),
    Row("fixtures", ["--fixtures", "--fixtures -v sub", "--fixtures-per-test -k letter"]),
    Row("markers", ["--markers"]),
    # Selection.
    Row("collect only", ["--collect-only", "--co -q", "--co -qq", "--co -v -k letter"]),
    Row("keyword and marker", ["-k 'letter or word'", "-m slow -v", "-m 'not slow' -q --tb=no"]),
    Row("nothing selected", ["-k nothing", "-m nothing -q"]),
    Row("deselect and ignore", ["--deselect=test_sample.py::TestClass --ignore=sub --tb=no"]),
    Row("by id", ["-v sub/test_more.py::test_one test_sample.py::TestClass::test_number --tb=no"]),
    Row("id not found", ["test_sample.py::test_missing", "missing.py"]),
    Row("twice", ["--keep-duplicates sub sub -v --tb=no", "sub sub -v --tb=no"]),
    Row("pyargs", ["--pyargs package", "--pyargs package.test_inside", "--pyargs no.such"]),
    Row("argument file", ["@args.txt"]),
    Row("doctests", ["--doctest-modules", "--doctest-modules --doctest-report=udiff -v"]),
    Row("doctest files", ["--doctest-glob='*.txt' --doctest-continue-on-failure notes.txt"]),
    Row("import modes", ["--import-mode=append --tb=no", "--import-mode=importlib --tb=no"]),
    Row("no conftests", ["--noconftest --tb=no", "--confcutdir=sub --tb=no sub"]),
    # Configuration.
    Row("ini file", ["-c other.ini --tb=no -v"]),
    Row("ini override", ["-o xfail_strict=true -o python_functions=test_u* --tb=short"]),
    Row("rootdir", ["--rootdir=sub --tb=no sub", "--rootdir=.. -v --tb=no sub"]),
    Row("other plugin", ["-p helper_plugin --word=hello sub --tb=no"], env={"PYTHONPATH": "."}),
    Row("missing plugin", ["-p no_such_plugin"]),
    Row(
        "plugins taken away",
        [
            "-p no:logging -k failed",
            "-p no:warnings -k warning",
            "-p no:unittest -p no:doctest --tb=no",
            "-p no:capture -p no:skipping --tb=no -k 'not expected'",
        ],
    ),
    Row("no terminal", ["-p no:terminal --junitxml=out.xml"], files=["out.xml"]),
    Row("plain assertions", ["--assert=plain -k failed"]),
    Row(
        "strict", ["--strict-markers --strict-config --tb=no", "--strict-markers -c other.ini sub"]
    ),
    Row("warnings", ["-W error --tb=short -k warning", "-W ignore -k warning"]),
    Row(
        "too many warnings",
        ["--max-warnings=0 -k warning", "--max-warnings=1 -k warning"],
        newer="--max-warnings",
    ),
    Row("options in the environment", [""], env={"PYTEST_ADDOPTS": "-v --tb=line sub"}),
    Row("several at once", ["-x -v -s --lf --tb=short", "-x -v -l --ff -rA", "--sw -q -s"]),
    # One worker has the sequence of plain pytest, so that other scopes can be compared as well.
    Row("one worker", ["-v -rA", "-x"], workers=1),
]

# Lines about workers.
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
_MORE_MARKERS = re.compile(r"^@pytest.mark.xdist_group: .*\n\n", re.MULTILINE)


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
