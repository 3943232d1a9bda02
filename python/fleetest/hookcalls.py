"""Hook calls in C: pluggy's own function with a shortcut at its beginning.

The shortcut calls the implementations.  As soon as one raises, or is not as expected, the rest is done
by pluggy's code, in the same frame: tracebacks, and everything else that looks at frames, see what
they always see.
"""

from __future__ import annotations

import ast
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

from fleetest import _core
from fleetest.amended import amend, at_line

if TYPE_CHECKING:
    import pluggy

ARGUMENTS = ("hook_name", "hook_impls", "caller_kwargs", "firstresult")

SHORTCUT = """
_fleetest_left = _fleetest_run(hook_name, hook_impls, caller_kwargs, firstresult)
if type(_fleetest_left) is not _fleetest_unfinished:
    return _fleetest_left
"""

LOOP, REST = "reversed(hook_impls)", "reversed(_fleetest_left)"
"""What pluggy's loop goes through, and what is left of it after the shortcut."""

_made: dict[Any, Any] = {}
"""pluggy's function -> ours; None where there is none."""


def speed_up(pluginmanager: pluggy.PluginManager) -> None:
    """Give the plugin manager the shortcut, if its pluggy is a known one and nobody traces it."""
    original = getattr(pluginmanager, "_inner_hookexec", None)
    if type(original) is not FunctionType or original.__name__ != "_multicall":
        return
    if original not in _made:
        _made[original] = _make(original)
    if _made[original] is not None:
        pluginmanager._inner_hookexec = _made[original]


def _make(original: FunctionType) -> FunctionType | None:
    """The function with the shortcut; None if it does not look as those that are known."""
    module = original.__globals__
    implementation = getattr(sys.modules.get("pluggy"), "HookImpl", None)
    # Since pluggy 1.6 old-style wrappers run as new-style ones, as they do here.
    if implementation is None or "run_old_style_hookwrapper" not in module:
        return None
    calls = _core.HookCalls(module["Result"], hasattr(implementation, "kwargnames"))
    names: dict[str, Any] = {
        "_fleetest_run": calls.run,
        "_fleetest_unfinished": _core.Unfinished,
    }
    return amend(original, _take_shortcut, names)


def _take_shortcut(function: ast.FunctionDef) -> bool:
    if tuple(argument.arg for argument in function.args.args) != ARGUMENTS:
        return False
    loops = [node for node in ast.walk(function) if isinstance(node, ast.For)]
    main = [loop for loop in loops if ast.unparse(loop.iter) == LOOP]
    if len(main) != 1:
        return False
    main[0].iter = at_line(main[0].iter.lineno, ast.parse(REST, mode="eval").body)
    function.body = _with_shortcut(function)
    return True


def _with_shortcut(function: ast.FunctionDef) -> list[ast.stmt]:
    """The body: docstring, __tracebackhide__, the shortcut, the rest.

    The shortcut has the line of the call of an implementation: this is where a warning that blames
    the caller points to.
    """
    lines = [
        node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and ast.unparse(node) == "hook_impl.function(*args)"
    ]
    line = max(lines, default=function.lineno)
    shortcut = [at_line(line, statement) for statement in ast.parse(SHORTCUT).body]
    return [*function.body[:2], *shortcut, *function.body[2:]]
