"""How the session of a command was started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleetest.standby import Understudy
    from fleetest.standby_worker import StandbyWorker
    from fleetest.trial import Trial


@dataclass(frozen=True)
class Start:
    """What the session knows of the command that it runs for."""

    client_fd: int
    """The pair with the native client; -1: there is none."""
    state: str
    """For the header line: ``warm start``, ``cold (CI is set)``."""
    advice: str
    """The command that the user should run about it; empty if there is nothing to do."""
    client_pid: int = 0
    """That of a client that has not started this process; 0: it has, or there is none."""
    hash_seed: str = ""
    """That of a process which was there before; empty: it is random, or in the environment."""
    tty_fd: int = -1
    """The terminal of such a client; -1: it has none."""
    trial: Trial | None = None
    """The session is only looked at; None: it is for running tests."""
    standby: StandbyWorker | Understudy | None = None
    """A worker that was forked ahead, or what this process is, which is to become one; None: there is none."""
