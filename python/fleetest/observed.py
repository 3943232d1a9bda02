"""What bars a session that was watched from being shared."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from fleetest import _core
from fleetest.import_effects import HARMLESS_PROGRAMS
from fleetest.inputs import is_byte_code
from fleetest.renewal import RENEWED
from fleetest.stages import Stage
from fleetest.watching import is_installed_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fleetest.trial import Findings, Look
    from fleetest.watching import Finding

_WHILE = {
    Stage.PLUGINS: "while plugins were imported",
    Stage.CONFTESTS: "while conftests were imported",
    Stage.CONFIGURATION: "while it was configured or collected",
}

_NO_FILES = ("/proc/", "/sys/", "/dev/")
_IN_MEMORY = "/dev/shm/"  # noqa: S108 (nothing is made there)

SAME_FOR_ALL = (
    *("/proc/cpuinfo", "/proc/filesystems", "/proc/sys/", "/proc/version", "/sys/devices/system/"),
    *("/dev/null", "/dev/zero"),
)
"""What describes the machine there, which changes with the system only."""

NOTED_BY_PACKAGES = (
    *("/proc/meminfo", "/proc/stat", "/proc/mounts", "/sys/", "/proc/self/maps"),
    *("/proc/self/cgroup", "/proc/self/mountinfo"),
)
"""What packages look at when they are imported, to make the best of the machine."""

SEED_THEMSELVES = frozenset({"numpy", *RENEWED})
"""Packages whose random state is made anew for each run."""

_SAID_OF_MOMENTS = {
    "process": "which process it is",
    "usage": "what it has used of the machine",
    "load": "how busy the machine is",
    "space": "how much space there is",
}
"""Of what is another each time."""

_IMPORTED = " imported"
DATE = " date"
"""Behind the place of who has asked: a package while it was imported; for the date, and not for the time of day."""

HARMLESS_SOCKETS = ("urllib3/util/connection.py:",)
"""Whether there is IPv6 is tried out with a socket that is closed at once."""

_PATHS = (
    *(_core.TRACE_READ, _core.TRACE_STATUS, _core.TRACE_LINK, _core.TRACE_LIST),
    *(_core.TRACE_CHANGE, _core.TRACE_ANOTHER),
)

_UNSEEN = (_core.TRACE_PROGRAM, _core.TRACE_OPAQUE)
"""Kinds that stand for something whose own reading is not seen."""


# ---- what bars it ----


def shown(path: str) -> str:
    """As the user would write it."""
    return path.removeprefix(os.getcwd() + os.sep)


def place(who: str) -> str:
    """A place in code, short."""
    for folder in ("site-packages", "dist-packages"):
        who = who.rpartition(f"{os.sep}{folder}{os.sep}")[2]
    return shown(who) or "(pytest)"


def is_no_file(path: str) -> bool:
    """Whether what is read there says nothing about what it will say the next time."""
    return path.startswith(_NO_FILES) and not path.startswith(_IN_MEMORY)


def is_own_change(look: Look, root: str) -> bool:
    """Whether pytest, fleetest or the import system have made something for themselves, or undone it.

    :param root: the project's folder
    """
    path = look.path
    if is_byte_code(path) or os.path.basename(path) == "__pycache__" or path == os.devnull:
        return True
    if not look.who:
        return f"{os.sep}.pytest_cache" in path or not os.path.lexists(path)
    below = bool(root) and path.startswith(root + os.sep)
    temporary = not below and path.startswith(tempfile.gettempdir() + os.sep)
    return temporary and not os.path.lexists(path)


def _started(look: Look) -> str:
    """Who started or called what."""
    verb = "called" if look.kind == _core.TRACE_OPAQUE or os.sep not in look.path else "started"
    return f"{place(look.who)} {verb} {os.path.basename(look.path)}"


def _barring_moment(look: Look) -> str:
    """Whether somebody keeps what is another in each run."""
    asker = look.who
    for suffix in (_IMPORTED, DATE):
        asker = asker.partition(suffix)[0] if asker.endswith(suffix) else asker
    who = place(asker)
    if look.path == "time":  # packages note when they were imported
        harmless = look.who.endswith((_IMPORTED, DATE))
        return "" if harmless else f"{who} asked for the time"
    if look.path in _SAID_OF_MOMENTS:  # or in which process, which tells them of a fork
        said = _SAID_OF_MOMENTS[look.path]
        return "" if look.who.endswith(_IMPORTED) else f"{who} asked {said}"
    known = is_installed_file(look.who) and who.partition(os.sep)[0] in SEED_THEMSELVES
    return "" if known else f"{who} asked for random numbers"


def _places_in(resumable: str, folder: str) -> Iterator[str]:
    """How places begin that are in a package, or in a file below the folder."""
    if resumable.endswith(".py"):
        yield f"{place(os.path.join(folder, resumable))}:"
    else:
        yield f"{resumable}{os.sep}"
        yield f"{resumable}.py:"


def _harmless_places(resumable: Iterable[str], folder: str) -> tuple[str, ...]:
    """How places begin whose doings do not matter."""
    return tuple(begin for name in resumable for begin in _places_in(name, folder))


def _barring_no_file(look: Look) -> str:
    """Whether somebody has seen there what others will not."""
    path = look.path
    if path.startswith(SAME_FOR_ALL):
        return ""
    if is_installed_file(look.who) and (look.failed or path.startswith(NOTED_BY_PACKAGES)):
        return ""
    return f"{place(look.who)} looked at {path}"


def _barring(look: Look, harmless: tuple[str, ...], root: str) -> str:
    """Why nobody else can go on from there; empty: they can.

    :param harmless: how places begin whose doings do not matter
    :param root: the project's folder
    """
    if look.who and harmless and place(look.who).startswith(harmless):
        return ""
    if look.kind == _core.TRACE_TERMINAL:  # its size is what the run's is
        return (
            f"{place(look.who)} asked for the terminal" if look.who and look.path != "size" else ""
        )
    if look.kind == _core.TRACE_MOMENT:
        return _barring_moment(look)
    if look.who and look.kind in _PATHS and is_no_file(look.path):
        return _barring_no_file(look)
    if look.failed:
        return ""
    if look.kind in _UNSEEN:
        return "" if os.path.basename(look.path) in HARMLESS_PROGRAMS else _started(look)
    if look.kind == _core.TRACE_SOCKET:
        if place(look.who).startswith(HARMLESS_SOCKETS):
            return ""
        return f"{place(look.who)} talked to {look.path}"
    if look.kind == _core.TRACE_CHANGE:
        return (
            ""
            if is_own_change(look, root)
            else f"{place(look.who)} made or changed {shown(look.path)}"
        )
    return ""


def may_matter(look: Look) -> bool:
    """Whether it can be of importance to others, beside what has to be the same for them."""
    if look.kind in _PATHS and look.kind != _core.TRACE_CHANGE:
        return bool(look.who) and is_no_file(look.path)
    return True


def reason_against(look: Look, resumable: Iterable[str], root: str) -> str:
    """Why nobody else can go on from there; empty: they can.

    :param resumable: packages and files whose doings are harmless
    :param root: the project's folder
    """
    return _barring(look, _harmless_places(resumable, root), root)


def is_effect(look: Look) -> bool:
    """Whether somebody has done something that others can see."""
    kinds = (*_UNSEEN, _core.TRACE_SOCKET, _core.TRACE_CHANGE)
    return bool(look.who) and look.kind in kinds and not look.failed and not is_own_change(look, "")


def _finding(finding: Finding) -> str:
    return f"{finding.what}, {_WHILE[finding.stage]}"


def bars_for_runs(findings: Findings) -> list[str]:
    """Why no other run can go on from where the session has come to."""
    bars = [_finding(each) for each in findings.found if not each.role]
    bars += _reasons(findings, (look for look in findings.looks if not _is_draw(look)))
    bars += findings.found_for_runs
    bars += findings.plugins
    if findings.errors:
        noun = "error" if findings.errors == 1 else "errors"
        bars.append(f"{findings.errors} {noun} while collecting")
    if findings.missed:
        bars.append("what it reads could not be recorded")
    return [*dict.fromkeys(bars)]


def bars_for_others(findings: Findings) -> list[str]:
    """Why no more than one run can go on from there: numbers were drawn, which nobody has used yet."""
    return [*dict.fromkeys([*draws(findings, findings.looks), *findings.drawn])]


def draws(findings: Findings, looks: Iterable[Look]) -> Iterator[str]:
    """Who has asked for random numbers that two runs must not share."""
    return _reasons(findings, filter(_is_draw, looks))


def _is_draw(look: Look) -> bool:
    return look.kind == _core.TRACE_MOMENT and look.path == "random"


def _reasons(findings: Findings, looks: Iterable[Look]) -> Iterator[str]:
    harmless = _harmless_places(findings.resumable, findings.root)
    return (reason for look in looks if (reason := _barring(look, harmless, findings.root)))


def bars_for_workers(findings: Findings) -> list[str]:
    """Why workers cannot share what the session has done."""
    return [*dict.fromkeys(_finding(each) for each in findings.found)]
