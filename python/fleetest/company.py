"""Who stands by with the process that will be the next run's controller."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from fleetest import standby
from fleetest.standby import Understudy, is_of_use
from fleetest.standby_spare import SpareUnderstudy, StandbySpare
from fleetest.standby_worker import StandbyWorker, WorkerUnderstudy

if TYPE_CHECKING:
    import pytest

    from fleetest.run import Run


class Company(Enum):
    """Who they are to be."""

    NONE = auto()
    WORKER = auto()
    """The first of the workers."""
    WORKER_AND_SPARE = auto()
    """And what replacements of crashed ones come from."""


def company_of(run: Run, session: pytest.Session, *, collects: bool, stays: bool) -> Company:
    """Who is of use to a run that goes on from a session.

    :param run: of this session
    :param collects: the run collects what it was told by ids
    :param stays: the session is in the folder where it was begun: tests may do away with another one
    """
    if not is_of_use(run.config, collects=collects):
        return Company.NONE
    may_replace = stays and not collects and len(session.items) > 1 and run.restarts_left
    return Company.WORKER_AND_SPARE if may_replace else Company.WORKER


def gather(company: Company) -> StandbyWorker | Understudy | None:
    """Fork them.

    :returns: in one of the new processes, an :class:`Understudy`; None: there is nobody
    """
    forked = standby.fork() if company is not Company.NONE else None
    if forked is None:
        return None
    pid, fd = forked
    if pid == 0:
        return WorkerUnderstudy(fd)
    worker = StandbyWorker(pid, fd)
    forked = standby.fork() if company is Company.WORKER_AND_SPARE else None
    if forked is not None:
        pid, fd = forked
        if pid == 0:
            worker.forget()
            return SpareUnderstudy(fd)
        worker.spare = StandbySpare(pid, fd)
    return worker
