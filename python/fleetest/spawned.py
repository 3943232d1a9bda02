"""A spawned worker: a new process, told by its controller which session to run."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

import pytest

from fleetest import _core, ending
from fleetest.own_session import Declarations, OwnSession
from fleetest.plumbing import Plumbing, raise_fd
from fleetest.worker import set_role_variables


def serve(fd: int, tail: int) -> NoReturn:
    """Be the worker that the controller at the other end of `fd` asks for.

    :param tail: memory for what is yet to be sent; -1: none
    """
    os.setpgid(0, 0)
    _core.die_with_parent(signal.SIGKILL)
    pipes = Plumbing(-1, -1, -1, fd, -1, -1, tail)
    channel = pipes.channel()
    answer = channel.receive()
    if answer is None:
        sys.exit(1)
    told = answer[1]
    for inherited in (*told["real"], *told["captured"].values()):
        os.set_inheritable(inherited, False)
    set_role_variables(told["workerinput"])  # conftests may ask while they are imported
    # Before pytest's capturing puts something else behind 1 and 2.
    pipes.worker_out, pipes.worker_err = raise_fd(os.dup(1)), raise_fd(os.dup(2))
    pipes.captured = told["captured"]
    session = OwnSession(channel, told, pipes, real=dict(zip((1, 2), told["real"])))
    pytest.main(told["args"], plugins=[Declarations(), session])
    session.finished()
    ending.leave(0)
