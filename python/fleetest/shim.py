"""The answer to ``import xdist`` while fleetest runs a session.

It and the look-up of xdist's distribution are answered by fleetest's compatibility package, whether
or not the real one is installed beside it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetest.privates import private

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    import pytest

PACKAGE = Path(__file__).parent / "xdist_compat"
VERSION = "3.8.0"


class _Distribution(importlib.metadata.Distribution):
    """pytest-xdist as ``importlib.metadata`` shows it."""

    def read_text(self, filename: str) -> str | None:
        if filename == "METADATA":
            return f"Metadata-Version: 2.1\nName: pytest-xdist\nVersion: {VERSION}\n"
        return None

    def locate_file(self, path: Any) -> Path:
        return PACKAGE / str(path)


class _Finder(MetaPathFinder):
    """Finds the compatibility package under the name xdist."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "xdist" and not fullname.startswith("xdist."):
            return None
        place = PACKAGE.joinpath(*fullname.split(".")[1:])
        if (place / "__init__.py").exists():
            return importlib.util.spec_from_file_location(
                fullname, place / "__init__.py", submodule_search_locations=[str(place)]
            )
        return importlib.util.spec_from_file_location(fullname, f"{place}.py")

    def find_distributions(self, context: Any = None) -> Iterable[importlib.metadata.Distribution]:
        name = getattr(context, "name", None)
        # A listing of all distributions (name is None) shows the real ones only.
        if name is not None and name.replace("_", "-").lower() == "pytest-xdist":
            yield _Distribution()


_finder = _Finder()


def _is_ours(module: ModuleType) -> bool:
    return str(PACKAGE) in (getattr(module, "__file__", None) or "")


def install(pluginmanager: pytest.PytestPluginManager) -> None:
    """Answer for xdist from now on, and take its plugin names so that the real one stays out."""
    if _finder not in sys.meta_path:
        for name, module in list(sys.modules.items()):
            if (name == "xdist" or name.startswith("xdist.")) and not _is_ours(module):
                del sys.modules[name]
        sys.meta_path.insert(0, _finder)
    import xdist.looponfail
    import xdist.newhooks
    import xdist.plugin

    pluginmanager.add_hookspecs(xdist.newhooks)
    for name, module in (("xdist", xdist.plugin), ("xdist.looponfail", xdist.looponfail)):
        if pluginmanager.is_blocked(name) or pluginmanager.hasplugin(name):
            continue
        # `-p xdist.plugin` has registered the module under that name.
        known = pluginmanager.is_registered(module)
        pluginmanager.register(_Alias(module) if known else module, name)
    if not pluginmanager.hasplugin("xdist.plugin"):
        pluginmanager.register(_Alias(xdist.plugin), "xdist.plugin")
    _list_as_installed(pluginmanager)


class _Alias:
    """The module under its second plugin name: its attributes, but not its hooks once more."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _would_be_loaded(config: Any) -> bool:
    """Whether plain pytest would have loaded, and listed, a real xdist."""
    if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        return False
    if config is not None and getattr(config.option, "disable_plugin_autoload", False):
        return False
    return _really_installed()


def _really_installed() -> bool:
    for finder in sys.meta_path:
        find = getattr(finder, "find_distributions", None)
        if find is None or finder is _finder:
            continue
        context = importlib.metadata.DistributionFinder.Context(name="pytest-xdist")
        if any(True for _ in find(context)):
            return True
    return False


def _list_as_installed(pluginmanager: pytest.PytestPluginManager) -> None:
    """Have pytest list xdist as an installed plugin where it is installed or required."""
    original = pluginmanager.list_plugin_distinfo

    def list_plugin_distinfo() -> list[Any]:
        listed: list[Any] = list(original())
        plugin = pluginmanager.get_plugin("xdist")
        config = pluginmanager.get_plugin("pytestconfig")
        required = config.getini("required_plugins") if config is not None else []
        wanted = any("xdist" in str(name) for name in required)
        if plugin is not None and (wanted or _would_be_loaded(config)):
            listed.append((plugin, private.distribution_facade(_Distribution())))
        return listed

    pluginmanager.list_plugin_distinfo = list_plugin_distinfo  # type: ignore[method-assign]
