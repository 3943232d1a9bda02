"""The life of a forked worker, from the fork to its end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Callable, NoReturn

from fleetest import _core, ending
from fleetest.finalizing import finalize_young
from fleetest.plumbing import flush_all
from fleetest.process import (
    drop_inherited_exit_handlers,
    files_open_for_writing,
    flush_files,
    null_descriptors,
    renew_main_thread,
    run_exit_handlers,
    what_is_behind,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def live(
    begin: Callable[[], Callable[[], None]],
    *,
    left_open: set[int],
    leaves: Callable[[], None],
) -> NoReturn:
    """In a process just forked from a session that has collected: run a worker's and end.

    The interpreter is not ended: what was there before the fork, and waits for that, the controller has too.

    :param begin: makes it a worker's; what it returns runs it
    :param left_open: descriptors for writing of the project, whose buffers this process writes too; if there are
        any, ``note_finalizers()`` was called before the fork
    :param leaves: called when only the kernel's part of the end is left
    """
    with _last_stop():
        _begin(noted=bool(left_open))
        not_young = left_open | null_descriptors()
        run = begin()
        inherited = what_is_behind(files_open_for_writing() - left_open)
        run()
        with contextlib.suppress(Exception):  # Python 3.9 shows it, and then raises it again
            run_exit_handlers()
        _flush(inherited, not_young)
        if finalize_young():
            _flush(inherited, not_young)
        flush_all()
        leaves()
        os._exit(0)


def _flush(inherited: set[tuple[int, int, int, str]], not_young: set[int]) -> None:
    """Write what file objects hold back.

    :param inherited: what is behind descriptors that are the controller's
    :param not_young: descriptors whose file objects may be older than this process
    """
    written = {fd for fd, *_ in what_is_behind(files_open_for_writing()) - inherited}
    flush_files(written, young=not written & not_young)


def live_alone(session: Callable[[], None]) -> NoReturn:
    """In a process just forked from a checkpoint: run a session of its own, and end as Python does.

    :param session: runs it
    """
    with _last_stop():
        _begin(noted=False)
        session()
        ending.plan(0)
        _core.leave(0)


def _begin(*, noted: bool) -> None:
    os.setpgid(0, 0)
    _core.die_with_parent(signal.SIGKILL)
    _core.freeze(noted)
    drop_inherited_exit_handlers()
    renew_main_thread()
    sys.argv = ["-c"]


@contextlib.contextmanager
def _last_stop() -> Iterator[None]:
    """Let nothing get out to the callers, which are the controller's."""
    try:
        yield
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        flush_all()
        os._exit(70)
