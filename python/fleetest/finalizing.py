"""What tests have left behind in a forked worker, which ends without the interpreter's end."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Any

from fleetest import _core

if TYPE_CHECKING:
    from collections.abc import Iterator


def finalize_young() -> bool:
    """Call the finalizers of what was made since the fork and is alive, as the interpreter's end does.

    What was there before is the controller's as well, which ends it.  What holds another such object, as a writer into
    an archive does, comes before that.

    :returns: whether there was any
    """
    objects = _core.young_finalizers()
    if not objects:
        return False
    _flush_young()
    mine = {id(each) for each in objects}
    held = {id(each) for holder in objects for each in _held(holder)} & mine
    for each in sorted(objects, key=lambda each: id(each) in held):
        _core.finalize(each)
    return True


def _flush_young() -> None:
    """Have what these files hold back in what is below them, which need not be a descriptor."""
    for file in _core.file_objects(True):
        with contextlib.suppress(Exception):
            if file.writable():
                file.flush()


def _held(holder: Any) -> Iterator[Any]:
    """What an object refers to, itself or by its dictionary."""
    for each in gc.get_referents(holder):
        yield each
        if type(each) is dict:
            yield from each.values()
