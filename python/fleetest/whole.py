"""With ``--wide``: which session has the whole project that a command line selects within.

It is that of the same command line without its files, folders and ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from fleetest import options
from fleetest.privates import private

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Whole:
    """That session."""

    arguments: Sequence[str] = ()
    """Its command line."""
    values: dict[str, Any] = field(default_factory=dict)
    """What its options are, by destination; empty: runs are not wide."""
    kind: str = ""
    """Its configuration, for the daemon."""
    why_not: str = ""
    """Why runs are not wide; empty: they need not be."""


def whole_of(config: pytest.Config, args: Sequence[str], given: Sequence[str]) -> Whole:
    """What a command line selects within.

    :param config: has read the ini file, and knows some of the options that there will be
    :param args: the command line, with what is added to it by the environment and the ini file
    :param given: it alone
    """
    values, unknown = private.parse_known(config, args)
    if not values["file_or_dir"] or not _is_wanted(config, values):
        return Whole()
    try:
        return _find(config, args, given, values, unknown)
    except _NotWide as reason:
        return Whole(why_not=str(reason))


class _NotWide(Exception):  # noqa: N818 (it is no error)
    pass


def _is_wanted(config: pytest.Config, values: dict[str, Any]) -> bool:
    if values.get(options.WIDE.dest) is not None:
        return bool(values[options.WIDE.dest])
    text, _ = options.preset(config, options.WIDE)
    try:
        return options.parse_flag(text)
    except ValueError:  # as the run will say
        return False


def _find(
    config: pytest.Config,
    args: Sequence[str],
    given: Sequence[str],
    values: dict[str, Any],
    unknown: Sequence[str],
) -> Whole:
    if not private.can_select_again():
        raise _NotWide("this needs pytest 8 or later")
    for name in ("pyargs", "keepduplicates", "lf"):
        if values.get(name):
            raise _NotWide("with " + _OPTIONS[name])
    if not all(each.startswith("--") and "=" in each for each in unknown):
        raise _NotWide("an option of a plugin is not written as --name=value")
    named = {*values["file_or_dir"]}
    added = [*args[: len(args) - len(given)]]
    rest = [each for each in given if each not in named]
    try:
        found, still_unknown = private.parse_known(config, [*added, *rest])
    except pytest.UsageError:
        raise _NotWide("the value of an option is also a file") from None
    if len(rest) == len(given):
        raise _NotWide("the arguments are not on the command line")
    if found["file_or_dir"]:
        raise _NotWide("the environment or the ini file adds files to the command line")
    if still_unknown != unknown or _without_files(found) != _without_files(values):
        raise _NotWide("the value of an option is also a file")
    place = private.place_of(config, found)
    if place != (config.rootpath, config.inipath):
        raise _NotWide("the root folder or the ini file is another one")
    return Whole(rest, found)


_OPTIONS = {"pyargs": "--pyargs", "keepduplicates": "--keep-duplicates", "lf": "--lf"}


def _without_files(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "file_or_dir"}
