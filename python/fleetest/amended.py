"""Functions of pytest's and pluggy's with statements added: in their own file, at their own lines.

Tracebacks, and everything else that looks at frames, see what they always see.
"""

from __future__ import annotations

import ast
import itertools
from types import FunctionType
from typing import Any, Callable


def amend(
    original: FunctionType, change: Callable[[ast.FunctionDef], bool], names: dict[str, Any]
) -> FunctionType | None:
    """A function like another one, but for a change of its source.

    :param original: a function at the outermost level of its module
    :param change: changes its tree; False: it does not look as those that are known
    :param names: what the added statements use; they are put among the names of the module
    :returns: None if it cannot be made
    """
    module, code = original.__globals__, original.__code__
    first = code.co_firstlineno
    try:
        tree = ast.parse(_source(code.co_filename, first))
    except (OSError, ValueError, SyntaxError):
        return None
    function = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(function, ast.FunctionDef) or function.name != original.__name__:
        return None
    ast.increment_lineno(tree, first - 1)
    if not change(function):
        return None
    flags = annotations.compiler_flag if "annotations" in module else 0
    compiled = compile(tree, code.co_filename, "exec", flags, dont_inherit=True)
    (body,) = (each for each in compiled.co_consts if getattr(each, "co_name", "") == code.co_name)
    module.update(names)
    return FunctionType(body, module, original.__name__, original.__defaults__)


def _source(path: str, first: int) -> str:
    """The statement that begins at a line: what follows it is further in, or closes a parenthesis."""
    with open(path, encoding="utf-8") as file:
        lines = itertools.islice(file, first - 1, None)
        rest = itertools.takewhile(lambda line: line[0] in " \n)#", lines)
        return next(lines, "") + "".join(rest)


def at_line(line: int, tree: Any) -> Any:
    """The tree, moved to that line."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr)):
            node.lineno = node.end_lineno = line
    return tree
