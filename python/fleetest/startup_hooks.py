"""Plugins whose part in a session before its tests is known to be the same in each run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from fleetest.options import RESUMABLE
from fleetest.watching import is_installed_file, root, tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

HOOKS = (
    *("pytest_load_initial_conftests", "pytest_cmdline_parse", "pytest_cmdline_main"),
    *("pytest_configure", "pytest_sessionstart", "pytest_collection", "pytest_plugin_registered"),
    *("pytest_collectstart", "pytest_collectreport", "pytest_make_collect_report"),
)
"""Those in which a plugin may keep what is another in each run: the time, a seed, the terminal."""

HARMLESS = frozenset(
    (
        *("anyio", "_hypothesis_pytestplugin", "hypothesis", "numpy", "pytest_asyncio"),
        *("pytest_django", "pytest_metadata", "pytest_mock", "pytest_subtests"),
        *("pytest_timeout", "pytest_trio"),
    )
)
"""Packages that keep nothing of the kind there, but for the time, which is seen."""


HARMLESS_WITHOUT = {"pytest_cov": "cov_source"}
"""Likewise, unless this option is given."""


class Implementation(NamedTuple):
    """Of a hook, in a plugin or conftest."""

    hook: str
    module: str
    file: str
    """The module's."""
    object: Any
    """As pluggy has it."""


def implementations_of_others(
    config: pytest.Config, hooks: Iterable[str]
) -> Iterator[Implementation]:
    """Implementations that are none of pytest's or fleetest's."""
    own = (*tools(), root("fleetest"))
    for hook in hooks:
        caller: Any = getattr(config.pluginmanager.hook, hook, None)
        for implementation in caller.get_hookimpls() if caller is not None else ():
            module = getattr(implementation.function, "__module__", None) or ""
            file = getattr(sys.modules.get(module), "__file__", None) or ""
            if not file.startswith(own):
                yield Implementation(hook, module, file, implementation)


def unknown_startup_hooks(config: pytest.Config) -> Iterator[str]:
    """Why nobody can go on from where these plugins have come to."""
    seen = {*HARMLESS, *config.getini(RESUMABLE)}
    seen |= {
        package
        for package, option in HARMLESS_WITHOUT.items()
        if not getattr(config.option, option, None)
    }
    for hook, module, file, _ in implementations_of_others(config, HOOKS):
        package = module.partition(".")[0]
        if is_installed_file(file) and package not in seen:
            seen.add(package)
            yield f"the plugin {package} has a {hook}, which may keep what is a run's own"
