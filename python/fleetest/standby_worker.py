"""The worker that stands by beside the process that will be the next run's controller.

It takes the controller's steps when the controller does.  If it is not there in time, or the tests have become others
than those that were collected, it is ended, and the worker is forked as the others are.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Callable, NoReturn

from fleetest import _core, forked, randomness
from fleetest.becoming import told_node
from fleetest.digest import digest
from fleetest.plumbing import Plumbing, keep_streams
from fleetest.standby import Standby, Understudy
from fleetest.worker import ForkedWorker, apply_role

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from fleetest.node import Node
    from fleetest.run import Run
    from fleetest.standby_spare import StandbySpare

PATIENCE_MS = 5
"""How long a controller waits for it: about what the worker costs that is forked instead."""


class StandbyWorker(Standby):
    """One, as its controller sees it."""

    spare: StandbySpare | None = None
    """What stands by with it for the case that a worker crashes."""

    def tell(self, kind: int, payload: object, fds: list[int]) -> None:
        """Have it, and the spare, know what the controller was told."""
        super().tell(kind, payload, fds)
        if self.spare is not None:
            self.spare.tell(kind, payload, fds)

    def wake(self, kind: int, payload: object, fds: list[int]) -> None:
        """The same, which has it begin, on another processor than this process if it may have one.

        The kernel likes to put who is woken by a socket where the one who has written is, and leaves it there for a
        tick of 4 ms, although the controller goes on.
        """
        with _elsewhere(self.pid):
            self.tell(kind, payload, fds)

    def take(self, node: Node, plumbing: Plumbing, ids: Sequence[str], workers: int) -> int:
        """Have it be the worker of a node.

        :param ids: of the tests
        :param workers: how many are made
        :returns: its pid; 0: it cannot be, and has ended
        """
        if self.pid and self._is_ready(ids):
            numbers, fds = plumbing.worker_fds()
            base = None if node.base_temp is None else str(node.base_temp)
            told = {
                "id": node.id,
                "workerinput": node.workerinput,
                "base_temp": base,
                "workers": workers,
            }
            with open(os.memfd_create("fleetest told"), "wb", 0) as file:
                file.write(_core.packb(told))  # messages with descriptors have to be short
                super().tell(_core.MSG_FORK, numbers, [file.fileno(), *fds])
        else:
            super().close()  # the spare is still of use
        pid, self.pid = self.pid, 0
        if pid:
            os.close(self._fd)
        return pid

    def _is_ready(self, ids: Sequence[str]) -> bool:
        try:
            is_there = _core.wait_here(self._fd, PATIENCE_MS)
            message = _core.receive_fds(self._fd) if is_there else None
        except OSError:
            return False
        return message is not None and message[1] in ("", digest(ids))

    def give_spare(self) -> StandbySpare | None:
        """The spare, if it is there: it is the caller's from now on."""
        spare, self.spare = self.spare, None
        return spare if spare is not None and spare.pid else None

    def close(self) -> None:
        """End it, if it has not become a worker, and the spare if it is still here."""
        super().close()
        if self.spare is not None:
            self.spare.close()


@contextlib.contextmanager
def _elsewhere(pid: int) -> Generator[None]:
    """Keep a process that waits off the processor that this one is on, until it has been woken."""
    try:
        allowed = os.sched_getaffinity(pid)
        others = allowed - {_core.current_cpu()}
        if others:
            os.sched_setaffinity(pid, others)
    except (AttributeError, OSError):  # it has died, or nobody may say where it is to run
        others = set()
    try:
        yield
    finally:
        if others:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(pid, allowed)


class WorkerUnderstudy(Understudy):
    """The same in its own process, which ends when there is nothing for it to do."""

    def rest(self, ahead: Callable[[], None]) -> None:
        """Have the pages that a worker writes to."""
        _core.copy_hot_pages(True)
        ahead()

    def become(self, run: Run) -> NoReturn:
        """The controller is about to make workers: be one, if it wants this to be."""
        worker = ForkedWorker(run.session)

        def begin() -> Callable[[], None]:
            self._announce(run)
            worker.prepare()
            random_state = randomness.capture()
            node, plumbing, workers = self._wait_for_node(run)
            apply_role(run.config, node.workerinput)
            channel, real = plumbing.channel(workers), keep_streams()
            return lambda: worker.run(
                node,
                plumbing,
                channel,
                real=real,
                random_state=random_state,
                ready=_core.note_worker_pages,
            )

        forked.live(begin, left_open=set(), leaves=worker.leaves)

    def _wait_for_node(self, run: Run) -> tuple[Node, Plumbing, int]:
        """What it is to be, and how many workers there are."""
        with contextlib.suppress(OSError):  # a signal has come
            _core.wait_here(self._fd, -1)
        numbers, (file, *fds) = self.hear(_core.MSG_FORK)
        told = _core.unpackb(os.pread(file, os.fstat(file).st_size, 0))
        os.close(file)
        self._take_over()
        return told_node(run, told), Plumbing.from_worker_fds(numbers, fds), told["workers"]
