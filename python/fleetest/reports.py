"""Reports and warnings as plain data, on their way from a worker to the controller.

The work is pytest's own ``pytest_report_to_serializable``; what it would lose is added beside it.
"""

from __future__ import annotations

import importlib
import io
import warnings
from typing import TYPE_CHECKING, Any

from fleetest.lookalike import stand_in
from fleetest.privates import private
from fleetest.privates.subtests import failed_subtests, set_failed_subtests

if TYPE_CHECKING:
    import pytest

LONGREPR = "$fleetest_longrepr"
FAILED_SUBTESTS = "$fleetest_failed_subtests"


class RenderedRepr:
    """A representation of some other class, rendered by the worker with and without colours."""

    def __init__(self, plain: str, coloured: str) -> None:
        self.plain = plain
        self.coloured = coloured

    def __str__(self) -> str:
        return self.plain.strip()

    def toterminal(self, tw: Any) -> None:
        """Write what the worker rendered."""
        tw.write_raw(self.coloured if tw.hasmarkup else self.plain)


def _render(longrepr: Any) -> list[Any]:
    from _pytest._io import TerminalWriter

    rendered = []
    for markup in (False, True):
        file = io.StringIO()
        writer = TerminalWriter(file)
        writer.hasmarkup = markup
        longrepr.toterminal(writer)
        rendered.append(file.getvalue())
    return ["rendered", *rendered]


def pack_report(config: pytest.Config, report: Any) -> dict[str, Any]:
    """The report as a dict of what can travel."""
    data: dict[str, Any] = config.hook.pytest_report_to_serializable(config=config, report=report)
    longrepr = report.longrepr
    if hasattr(longrepr, "toterminal") and isinstance(data.get("longrepr"), str):
        data[LONGREPR] = private.pack_longrepr(longrepr) or _render(longrepr)
        data["longrepr"] = None
    number = failed_subtests(config, report)
    if number:
        data[FAILED_SUBTESTS] = number
    return data


def unpack_report(config: pytest.Config, data: dict[str, Any]) -> Any:
    """The report that :func:`pack_report` was given."""
    packed, number = data.pop(LONGREPR, None), data.pop(FAILED_SUBTESTS, 0)
    report = private.orphaned_subtest(data)
    if report is None:
        report = config.hook.pytest_report_from_serializable(config=config, data=dict(data))
    if report is not None:
        private.restore_subtest(report, data)
        set_failed_subtests(config, report, number)
    if report is not None and packed is not None:
        report.longrepr = (
            RenderedRepr(*packed[1:])
            if packed[0] == "rendered"
            else private.unpack_longrepr(packed)
        )
    return report


_DETAILS = [
    name
    for name in warnings.WarningMessage._WARNING_DETAILS  # type: ignore[attr-defined]
    if name not in ("message", "category")
]


def _class_name(cls: type | None) -> list[str] | None:
    return None if cls is None else [cls.__module__, cls.__qualname__]


def pack_warning(
    warning: warnings.WarningMessage, when: str, nodeid: str, location: Any
) -> dict[str, Any]:
    """A recorded warning as a dict of what can travel."""
    message = warning.message
    data: dict[str, Any] = {
        "when": when,
        "nodeid": nodeid,
        "location": location,
        "category": _class_name(warning.category),
        "text": str(message),
        "details": {name: getattr(warning, name) for name in _DETAILS},
    }
    data["details"]["source"] = None
    if isinstance(message, Warning):
        data["class"] = _class_name(type(message))
        data["args"] = message.args
    return data


def _find_class(name: list[str] | None) -> Any:
    """The class of that module and name, if it can be had."""
    if name is None:
        return None
    try:
        found: Any = importlib.import_module(name[0])
        for part in name[1].split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return None
    return found


def _rebuild(data: dict[str, Any]) -> Any:
    """The warning itself; one that looks the same where its class cannot be built from its args."""
    if "class" not in data:
        return data["text"]
    cls = _find_class(data["class"])
    try:
        message = cls(*data["args"])
        if isinstance(message, Warning) and str(message) == data["text"]:
            return message
    except Exception:  # noqa: BLE001 - a project's class may do anything
        pass
    base: Any = cls if isinstance(cls, type) and issubclass(cls, Warning) else UserWarning

    def show(self: Warning) -> str:
        return str(data["text"])

    look_alike = stand_in(data["class"], base, {"__str__": show})
    rebuilt: Any = Exception.__new__(look_alike)
    rebuilt.args = data["args"]
    return rebuilt


def unpack_warning(data: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``pytest_warning_recorded`` that :func:`pack_warning` was given."""
    category = _find_class(data["category"])
    if category is None:
        category = stand_in(data["category"], UserWarning, {}) if data["category"] else None
    warning = warnings.WarningMessage(message=_rebuild(data), category=category, **data["details"])
    return {
        "warning_message": warning,
        "when": data["when"],
        "nodeid": data["nodeid"],
        "location": data["location"],
    }
