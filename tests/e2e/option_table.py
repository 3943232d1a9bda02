"""The command lines that test_options compares with plain pytest, and the project they are run in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
        time.sleep(0.2)

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
    Row("slowest", ["--durations=1 --tb=no", "--durations=3 --durations-min=0.15 --tb=no"]),
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
