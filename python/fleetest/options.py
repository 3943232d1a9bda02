"""The table of fleetest's options: command line before environment before ini file."""

from __future__ import annotations

import argparse
import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_numprocesses(text: str) -> int | str:
    """A number of workers, ``auto`` or ``logical``.

    :raises ValueError: it is something else
    """
    if text in ("auto", "logical"):
        return text
    return parse_count(text, " or auto or logical")


def parse_count(text: str, otherwise: str = "") -> int:
    """A number that is not negative.

    :param otherwise: for the message: what else would have been right
    :raises ValueError: it is something else
    """
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number{otherwise}") from None
    if number < 0:
        raise ValueError(f"{text} is negative")
    return number


def parse_positive(text: str) -> int:
    """A number that is at least 1.

    :raises ValueError: it is something else
    """
    number = parse_count(text)
    if number == 0:
        raise ValueError("0 is not positive")
    return number


def parse_flag(text: str) -> bool:
    """A yes or no, in the spellings of pytest's ini files.

    :raises ValueError: it is something else
    """
    lowered = text.lower()
    if lowered in ("true", "1", "yes", "on"):
        return True
    if lowered in ("false", "0", "no", "off", ""):
        return False
    raise ValueError(f"{text} is neither true nor false")


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser for one of these words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text} is none of {', '.join(choices)}")
        return text

    parse.choices = choices  # type: ignore[attr-defined]
    return parse


class Unset(str):
    """The value of an option that was not given, for who looks before it is settled."""


def given(value: Any) -> Any:
    """The value of an option; None if it was not given."""
    return None if isinstance(value, Unset) else value


@dataclass(frozen=True)
class Option:
    """One option in its three spellings."""

    dest: str
    flags: Sequence[str]
    parse: Callable[[str], Any]
    metavar: str
    help: str
    default: Any = None
    implied_by: Sequence[str] = ()
    """Other options (their dest) that turn this one on where nothing else is said."""
    shortcut: tuple[str, str] | None = None
    """Another flag, and the value that it stands for."""
    many: bool = False
    """Whether it may be given several times; the value is a list."""
    unset: Unset | None = None
    """Its value until it is settled, where it was not given: what it is under xdist then."""

    @property
    def env(self) -> str:
        """The environment variable."""
        return "FLEETEST_" + self.name.upper()

    @property
    def ini(self) -> str:
        """The ini key."""
        return "fleetest_" + self.name

    @property
    def name(self) -> str:
        """The option without dashes: ``max_worker_restart``."""
        return self.flags[-1].lstrip("-").replace("-", "_")


@dataclass(frozen=True)
class Refused:
    """An option of pytest-xdist that is known, but asks for what there is not."""

    flags: Sequence[str]
    dest: str
    kind: dict[str, Any]
    why: str

    def check(self, config: pytest.Config) -> None:
        """Refuse it.

        :raises pytest.UsageError: it was given
        """
        if getattr(config.option, self.dest, None):
            raise pytest.UsageError(f"{self.flags[-1]}: {self.why}")


REFUSED = (
    Refused(
        ("--px",),
        "px",
        {"action": "append", "metavar": "SPEC"},
        "proxies need a host agent, which this version of fleetest does not have",
    ),
    Refused(
        ("-f", "--looponfail"),
        "looponfail",
        {"action": "store_true"},
        "this version of fleetest does not watch files: run it again, or use pytest-watcher",
    ),
)

XDIST_INI = {
    "rsyncdirs": "Folders as --rsyncdir.",
    "rsyncignore": "Globs as --rsyncignore.",
    "looponfailroots": "Folders that pytest-xdist watches with --looponfail.",
}
"""Its ini keys, so that a project that has them is not told that they are unknown."""

PLUGIN = "fleetest-session"
"""The name of fleetest's own plugin in a controller."""

DIST_MODES = ("load", "loadscope", "loadfile", "loadgroup", "worksteal", "each", "no")
START_METHODS = ("fork", "configure", "conftests", "spawn", "auto")

NUMPROCESSES = Option(
    "numprocesses",
    ("-n", "--numprocesses"),
    parse_numprocesses,
    "N",
    "Number of workers; auto: as many as there are physical cores that may be used, "
    "logical: logical cores, 0: run the tests in this process. "
    "Default: auto for the fleetest command, none for pytest -p fleetest.",
)

START_METHOD = Option(
    "start_method",
    ("--start-method",),
    one_of(*START_METHODS),
    "METHOD",
    "How workers are made; fork: from this session once it has collected, configure: from this "
    "session before it is configured, conftests: before its conftests are imported, spawn: as new "
    "processes, auto: the first of these that does no harm.",
    "auto",
)

WIDE = Option(
    "wide",
    ("--wide",),
    parse_flag,
    "",
    "With files, folders or ids: go on from a session of the daemon's that has collected the whole project, "
    "and keep the tests that these select. The modules of all other tests are imported then.",
    False,
)

OPTIONS = (
    NUMPROCESSES,
    Option(
        "maxprocesses",
        ("--maxprocesses",),
        parse_count,
        "N",
        "Upper limit of the number of workers.",
    ),
    Option(
        "dist",
        ("--dist",),
        one_of(*DIST_MODES),
        "MODE",
        "How tests are spread; load: any test to any worker, loadscope: the tests of a class or "
        "module to one worker, loadfile: those of a file, loadgroup: those with the same "
        "@pytest.mark.xdist_group, worksteal: as load, each: every test to every worker, no: run the "
        "tests in this process.",
        shortcut=("-d", "load"),
        unset=Unset("no"),
    ),
    Option(
        "tx",
        ("--tx",),
        str,
        "SPEC",
        "A worker, in execnet's notation: popen//python=python3.12//chdir=DIR//env:NAME=VALUE//id=ID; "
        "3*SPEC: three of them. May be given several times.",
        many=True,
    ),
    Option(
        "maxschedchunk",
        ("--maxschedchunk",),
        parse_positive,
        "N",
        "Most tests that a worker is told of at once.",
    ),
    Option(
        "loadscopereorder",
        ("--loadscope-reorder",),
        parse_flag,
        "",
        "With loadscope, loadfile and loadgroup begin with the groups that take longest (the default).",
        True,
    ),
    Option(
        "testrunuid",
        ("--testrunuid",),
        str,
        "ID",
        "Identifier that all workers of the run share (default: a random one).",
    ),
    Option(
        "maxworkerrestart",
        ("--max-worker-restart",),
        parse_count,
        "N",
        "How many crashed workers may be replaced (default: 4 for each worker; 0: none).",
    ),
    START_METHOD,
    Option(
        "ordered",
        ("--ordered",),
        parse_flag,
        "",
        "Report tests in collection order, as plain pytest does, and stop where it stops; "
        "--stepwise implies it.",
        False,
        implied_by=("stepwise", "stepwise_skip", "stepwise_reset"),
    ),
    WIDE,
)


_NO_TESTS = (
    *("collectonly", "help", "version", "markers", "cacheshow", "setuponly", "setupplan"),
    *("showfixtures", "show_fixtures_per_test"),
)


def runs_no_tests(options: argparse.Namespace) -> bool:
    """Whether a session with these options only shows something: it has no workers."""
    return any(getattr(options, name, False) for name in _NO_TESTS)


RESTARTS = 4
"""How many crashed workers are replaced for each worker, where nothing is said."""


def get_default_max_worker_restart(config: pytest.Config) -> int | None:
    """How many crashed workers may be replaced; None, with ``--tx`` alone: as many as crash."""
    limit = config.option.maxworkerrestart
    if limit is not None:
        return int(limit)
    number = config.option.numprocesses
    return RESTARTS * int(number) if number else None


SINGLE_FIXTURES = "fleetest_single_fixtures"
RESUMABLE = "fleetest_resumable"
"""Ini keys without an option."""

LISTS = {
    SINGLE_FIXTURES: "Fixtures that can exist only once (a fixed port, one device): all tests that use one "
    "run in one worker.",
    RESUMABLE: "Packages of plugins, and files such as tests/conftest.py, of which all that they do before "
    "the tests may be shared by many runs.",
}
"""Ini keys of several words -> what they say."""


def declare_ini(parser: pytest.Parser) -> None:
    """Declare the ini keys, unless they are declared already."""
    known = getattr(parser, "_inidict", {})
    for key, text in LISTS.items():
        if key not in known:
            parser.addini(key, text, type="args")
    for key, text in XDIST_INI.items():
        if key not in known:
            kind: Any = "args" if key == "rsyncignore" else "paths"
            parser.addini(key, text, type=kind)
    for option in OPTIONS:
        if option.ini not in known:
            parser.addini(option.ini, f"{option.flags[-1]}: {option.help}", default="")


def _for_argparse(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same, with argparse showing its message."""

    def check(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return check


def declare_options(parser: pytest.Parser, *, client: bool) -> None:
    """Declare the command line options, in a group that --help shows first.

    :param client: the native command runs the session, so its own options are in the help too
    """
    from fleetest.privates import private

    group = parser.getgroup("fleetest", "fleetest")
    for option in OPTIONS:
        if option.parse is parse_flag:
            group._addoption(
                *option.flags, dest=option.dest, action="store_true", default=None, help=option.help
            )
            if option.default:
                group._addoption(
                    f"--no-{option.flags[-1].lstrip('-')}",
                    dest=option.dest,
                    action="store_false",
                    help=f"Turn {option.flags[-1]} off.",
                )
            continue
        kind: dict[str, Any] = {"type": _for_argparse(option.parse)}
        if option.many:
            kind["action"] = "append"
        choices = getattr(option.parse, "choices", None)
        if choices:
            kind = {"choices": choices}
        group._addoption(
            *option.flags,
            dest=option.dest,
            metavar=option.metavar,
            default=option.unset,
            help=option.help,
            **kind,
        )
        if option.shortcut is not None:
            flag, value = option.shortcut
            group._addoption(
                flag,
                dest=option.dest,
                action="store_const",
                const=value,
                help=f"Short for {option.flags[-1]}={value}.",
            )
    group._addoption(
        "--rsyncdir",
        action="append",
        metavar="DIR",
        help="Folder to copy to where workers with chdir=DIR run. May be given several times.",
    )
    group._addoption(
        "--rsyncignore",
        action="append",
        metavar="GLOB",
        help="What to leave out when copying. May be given several times.",
    )
    for refused in REFUSED:
        group._addoption(*refused.flags, dest=refused.dest, help=argparse.SUPPRESS, **refused.kind)
    if client:
        group.addoption(
            "--python",
            metavar="PATH",
            help="Interpreter to run pytest with. Default: the one beside the fleetest command, "
            "that of $VIRTUAL_ENV, python3 on PATH.",
        )
        group.addoption(
            "--cold",
            "--no-daemon",
            dest="cold",
            action="store_true",
            help="Run from nothing: do not ask the daemon. FLEETEST_DAEMON=0 says the same for all runs.",
        )
        group.addoption(
            "--daemon-idle-timeout",
            metavar="SECONDS",
            help="A daemon that this run starts leaves when it was not used for so long. Default: "
            "1800; 0: never.",
        )
        group.addoption(
            "--daemon-memory",
            metavar="MEGABYTES",
            help="What a daemon that this run starts may use for processes that wait for runs. "
            "Default: a quarter of the machine's; 0: no limit.",
        )
    private.show_group_first(parser, group)


def _from_text(option: Option, text: str, where: str) -> Any:
    try:
        return shlex.split(text) if option.many else option.parse(text)
    except ValueError as error:
        raise pytest.UsageError(f"{where}: invalid value for {option.flags[-1]}: {error}") from None


def preset(config: pytest.Config, option: Option) -> tuple[str, str]:
    """What the environment or else the ini file says of an option, as text, and where.

    Both are empty if nothing is said.
    """
    if os.environ.get(option.env):
        return os.environ[option.env], option.env
    text = str(config.getini(option.ini))
    return (text, option.ini) if text else ("", "")


def resolve(config: pytest.Config) -> None:
    """Fill in what the command line left open: from the environment, the ini file, the default.

    :raises pytest.UsageError: a value from the environment or the ini file is invalid, or an option
        asks for what there is not
    """
    for refused in REFUSED:
        refused.check(config)
    for option in OPTIONS:
        if given(getattr(config.option, option.dest, None)) is not None:
            continue
        text, where = preset(config, option)
        if text:
            value = _from_text(option, text, where)
        else:
            implied = any(getattr(config.option, dest, False) for dest in option.implied_by)
            value = implied or ([] if option.many else option.default)
        setattr(config.option, option.dest, value)
