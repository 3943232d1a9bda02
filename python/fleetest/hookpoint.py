"""Doing something right before a hook is called, with no implementation of it on the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    import pytest


def before_next_call(
    pluginmanager: pytest.PytestPluginManager, name: str, action: Callable[[], None]
) -> None:
    """Call `action` before the next call of the hook `name`, once.

    A wrapper would not do: those of plugins that are registered later are called before it.
    """
    manager: Any = pluginmanager
    call = manager._inner_hookexec
    pending = True

    def call_after_action(hook_name: str, *args: Any) -> Any:
        __tracebackhide__ = True
        nonlocal pending
        if pending and hook_name == name:
            pending = False
            if manager._inner_hookexec is call_after_action:  # else somebody wraps it meanwhile
                manager._inner_hookexec = call
            action()
        return call(hook_name, *args)

    manager._inner_hookexec = call_after_action
