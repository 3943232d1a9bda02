"""What pytest's own options decide: which configuration a session has, or what is done with it.

An option that is not in the table, a plugin's for example, is part of the configuration.
"""

from __future__ import annotations

import enum
from typing import Any

from fleetest import options


class Kind(enum.Enum):
    """What an option decides."""

    CONFIGURATION = "configuration"
    """What is configured, imported or collected, or what is done while that happens."""
    SELECTION = "selection"
    """Which of the collected tests are run, if any, and in which order."""
    PRESENTATION = "presentation"
    """What is printed and written, and when the run ends."""
    INSTEAD = "instead"
    """Something else is done than running tests."""


_TABLE = {
    Kind.SELECTION: """
        collectonly deselect failedfirst keyword markexpr newfirst
    """,
    Kind.PRESENTATION: """
        code_highlight disable_warnings durations durations_min fold_skipped
        force_short_summary fulltrace max_warnings maxfail no_header no_summary quiet
        reportchars showcapture showlocals tbstyle verbose xfail_tb
    """,
    Kind.INSTEAD: """
        cacheclear cacheshow debug help markers setuponly setupplan show_fixtures_per_test
        showfixtures traceconfig version
    """,
    Kind.CONFIGURATION: """
        assertmode basetemp capture color collect_in_virtualenv confcutdir
        continue_on_collection_errors disable_plugin_autoload doctest_continue_on_failure
        doctest_ignore_import_errors doctestglob doctestmodules doctestreport ignore ignore_glob
        importmode inifilename junitprefix keepduplicates last_failed_no_failures lf log_auto_indent
        log_cli_date_format log_cli_format log_cli_level log_date_format log_file
        log_file_date_format log_file_format log_file_level log_file_mode log_format log_level
        logger_disable looponfail noconftest override_ini pastebin plugins px pyargs
        pythonwarnings rootdir rsyncdir rsyncignore runxfail setupshow stepwise stepwise_reset
        stepwise_skip strict strict_config strict_markers trace usepdb usepdb_cls xmlpath
    """,
}

KINDS = {name: kind for kind, names in _TABLE.items() for name in names.split()}
"""Destination of an option of pytest's own, or of xdist's -> what it decides, for all versions."""

_OF_THE_COMMAND = "cold daemon_idle_timeout daemon_memory python"
"""Those that the native command takes itself are declared for --help."""

KINDS.update(dict.fromkeys((option.dest for option in options.OPTIONS), Kind.PRESENTATION))
KINDS[options.START_METHOD.dest] = Kind.CONFIGURATION
KINDS.update(dict.fromkeys(_OF_THE_COMMAND.split(), Kind.PRESENTATION))


FREE = frozenset(
    name for name, kind in KINDS.items() if kind in (Kind.SELECTION, Kind.PRESENTATION)
)
"""Those that are given anew to each run that goes on from a session which has collected."""


def configuration(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Those options that are part of the configuration and are not as by default.

    :param values: destination of an option -> its value
    :param defaults: the same of a command line without options
    """
    return {
        name: value
        for name, value in sorted(values.items())
        if name not in FREE and (name not in defaults or defaults[name] != value)
    }


def choices(values: dict[str, Any]) -> list[bytes]:
    """The values of the others, as ``name=value``."""
    return [
        f"{name}={values.get(name)!r}".encode("utf-8", "surrogateescape") for name in sorted(FREE)
    ]
