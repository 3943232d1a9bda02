"""A spawned worker: a new process, told by its controller which session to run."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

import pytest

from fleetest import _core
from fleetest.own_session import Declarations, OwnSession
from fleetest.plumbing import Plumbing, raise_fd
from fleetest.process import shorten_exit
from fleetest.worker import set_role_variables


def serve(fd: int) -> NoReturn:
    """Be the worker that the controller at the other end of `fd` asks for."""
    os.setpgid(0, 0)
    _core.die_with_parent(signal.SIGKILL)
    channel = _core.Channel(fd)
    answer = channel.receive()
    if answer is None:
        sys.exit(1)
    told = answer[1]
    for inherited in (*told["real"], *told["captured"].values()):
        os.set_inheritable(inherited, False)
    set_role_variables(told["workerinput"])  # conftests may ask while they are imported
    # Before pytest's capturing puts something else behind 1 and 2.
    pipes = Plumbing(
        *(-1, -1, -1, fd), raise_fd(os.dup(1)), raise_fd(os.dup(2)), captured=told["captured"]
    )
    session = OwnSession(channel, told, pipes, real=dict(zip((1, 2), told["real"])))
    pytest.main(told["args"], plugins=[Declarations(), session])
    session.finished()
    shorten_exit()
    sys.exit(0)
