"""The hooks of a path, kept: pytest works out which conftests count for it whenever a hook is called."""

from __future__ import annotations

from typing import Any

import pytest


def keep_proxies(session: pytest.Session) -> None:
    """Have a session remember the hooks of each path until conftests are loaded.

    Without this a suite with several conftests makes a proxy, and a caller of each hook, anew for each
    call.
    """
    manager: Any = session.config.pluginmanager
    original: Any = session.gethookproxy
    if getattr(original, "__func__", None) is not pytest.Session.gethookproxy:
        return
    try:
        plugins, folders = manager._conftest_plugins, manager._dirpath2confmods
    except AttributeError:
        return
    # By identity, since a path works out its hash in Python; the path is kept, so the number stays its.
    known: dict[int, tuple[Any, Any]] = {}
    known_for = -1

    def gethookproxy(fspath: Any) -> Any:
        nonlocal known_for
        state = len(plugins) + len(folders)  # both only grow
        if state != known_for:
            known.clear()
            known_for = state
        found = known.get(id(fspath))
        if found is not None:
            return found[1]
        proxy = original(fspath)
        if len(plugins) + len(folders) == state:
            known[id(fspath)] = fspath, proxy
        return proxy

    session.gethookproxy = gethookproxy  # type: ignore[method-assign]
