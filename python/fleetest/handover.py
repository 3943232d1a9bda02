"""How a process that was forked for a run becomes what the daemon's client would have started."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import resource
import signal
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

from fleetest import _core
from fleetest.plumbing import LOWEST, raise_fd
from fleetest.process import INTERRUPTS, adopt_finalizers, renew_main_thread
from fleetest.renewal import renew
from fleetest.request import LIMITS, Request
from fleetest.start import Start

if TYPE_CHECKING:
    from fleetest.stand_ins import StandIns
    from fleetest.standby import Understudy
    from fleetest.standby_worker import StandbyWorker


_SIGNALS = frozenset(signal.valid_signals())


class Handover:
    """What a run's process takes over: all that the client has from whoever started it."""

    def __init__(
        self,
        fds: list[int],
        state: str,
        changes: dict[bytes, bytes | None],
        seed: str,
        *,
        explains: bool,
    ) -> None:
        """Read the request.

        :param fds: descriptors that came with the message
        :param state: for the header line
        :param changes: what the interpreter and plugins have set in the environment, or deleted (None)
        :param seed: of hashes, in this process
        :param explains: the session is only looked at
        """
        request, self._pair, self._lifeline = fds
        self.request = Request.read(request)
        self.state = state
        self.explains = explains
        self._changes = changes
        self._seed = seed

    def accept(
        self, stand_ins: StandIns | None = None, worker: StandbyWorker | None = None
    ) -> Start:
        """Become what the client would have started; ends the process if the client has given up.

        :param stand_ins: what the session that goes on has had in the place of the client's descriptors
        :param worker: stands by with this process
        """
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        os.setpgid(0, 0)
        _core.die_with_parent(0)
        _core.Channel(self._pair).send(_core.MSG_RUNNING, os.getpid())
        _core.lifeline(self._lifeline, signal.SIGTERM)
        if stand_ins is None:
            become(self.request)
        self.request.apply_variables(self._changes)
        renew_main_thread()
        adopt_finalizers()
        _renew_clocks()
        if stand_ins is None:
            renew()
        _core.freeze(True)
        answer = _core.receive_fds(self._pair)
        if answer is None or answer[0] != _core.MSG_GO:
            os._exit(0)
        has_terminal, fds = bool(answer[1]), answer[2]
        if worker is not None:
            worker.tell(*answer)
        received, start = self._receive_descriptors(fds, worker, has_terminal=has_terminal)
        _place(received, stand_ins)
        if stand_ins is None:
            renew_streams()
            apply_signals(self.request)
        else:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        _core.last_word(start.client_fd, signal.SIGTERM)
        return start

    def follow(self, understudy: Understudy, stand_ins: StandIns) -> Start:
        """In a worker that stands by: become what its controller does, but for the client's descriptors.

        :param stand_ins: stay in their place until it is a worker
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
        os.setpgid(0, 0)
        self.request.apply_variables(self._changes)
        renew_main_thread()
        _renew_clocks()
        _core.freeze(True)
        has_terminal, fds = understudy.hear(_core.MSG_GO)
        received, start = self._receive_descriptors(
            fds, understudy, has_terminal=bool(has_terminal)
        )
        understudy.keep(stand_ins, received)
        return start

    def _receive_descriptors(
        self,
        fds: list[int],
        worker: StandbyWorker | Understudy | None,
        *,
        has_terminal: bool,
    ) -> tuple[dict[int, int], Start]:
        """Be in the client's folder, and have its descriptors and ours out of the way.

        :param fds: that came with the message: see ``src/wire/request.h``
        :param has_terminal: the client's terminal is among them
        :returns: number that the client has it under -> descriptor; and what is known of the command
        """
        folder, *others = fds
        os.fchdir(folder)
        os.close(folder)
        lowest = max([LOWEST, *(number + 1 for number in self.request.numbers)])
        moved = [raise_fd(fd, lowest) for fd in others]
        terminal = moved.pop(0) if has_terminal else -1
        received = dict(zip(self.request.numbers, moved))
        raise_fd(self._lifeline, lowest)
        pair = raise_fd(self._pair, lowest)
        is_ours = os.environ.get("PYTHONHASHSEED", "random") in ("", "random")
        start = Start(
            pair,
            self.state,
            "",
            client_pid=_peer(pair),
            hash_seed=self._seed if is_ours else "",
            tty_fd=terminal,
            standby=worker,
        )
        return received, start


def _place(received: dict[int, int], stand_ins: StandIns | None) -> None:
    """Put the client's descriptors under their numbers.

    :param stand_ins: what has these numbers; None: nothing has
    """
    if stand_ins is None:
        for number, fd in received.items():
            os.dup2(fd, number)
        for number in {0, 1, 2} - received.keys():  # those that the client does not have
            os.close(number)
    else:
        stand_ins.replace(received)
    for fd in received.values():
        os.close(fd)


def become(request: Request) -> None:
    """Have the client's umask, limits and nice value."""
    os.umask(request.umask)
    for number in range(LIMITS):
        wanted = tuple(_limit(value) for value in request.limits[2 * number : 2 * number + 2])
        # The daemon has made sure that it can be done.
        with contextlib.suppress(ValueError, OSError):
            if resource.getrlimit(number) != wanted:
                resource.setrlimit(number, wanted)  # type: ignore[arg-type]
    if os.getpriority(os.PRIO_PROCESS, 0) != request.nice:
        os.setpriority(os.PRIO_PROCESS, 0, request.nice)


def apply_signals(request: Request) -> None:
    """Ignore and block what the client does, as the command has it for a child of its own.

    But for the end of children: ignored, no end of a process would be told.
    """
    for number in signals(request.ignored) - {signal.SIGCHLD, signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, signals(request.blocked))


def _peer(fd: int) -> int:
    """The process that has made a pair of sockets."""
    with socket.socket(fileno=os.dup(fd)) as pair:
        credentials = pair.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("3i", credentials)[0])


def signals(bits: int) -> set[int]:
    """Those of a request."""
    return {number for number in _SIGNALS if bits >> (number - 1) & 1}


def _limit(value: int) -> int:
    return resource.RLIM_INFINITY if value == 2**64 - 1 else value


def renew_streams() -> None:
    """Make the standard streams as the interpreter does at its start: see ``create_stdio`` in CPython."""
    for number, name, mode in ((0, "stdin", "rb"), (1, "stdout", "wb"), (2, "stderr", "wb")):
        old = getattr(sys, f"__{name}__")
        stream = _stream(number, name, mode, old)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _stream(number: int, name: str, mode: str, old: io.TextIOWrapper) -> io.TextIOWrapper | None:
    try:
        os.fstat(number)
    except OSError:
        return None
    through = old.write_through  # PYTHONUNBUFFERED
    plain = through and mode == "wb"
    buffer: Any = open(number, mode, 0 if plain else -1, closefd=False)  # noqa: SIM115
    raw = buffer if plain else buffer.raw
    raw.name = f"<{name}>"
    lines = not through and (raw.isatty() or name == "stderr")
    text: Any = io.TextIOWrapper(
        buffer, old.encoding, old.errors, "\n", line_buffering=lines, write_through=through
    )
    text.mode = mode[0]
    return text  # type: ignore[no-any-return]


def _renew_clocks() -> None:
    """What modules took for the time when the process began."""
    logs: Any = logging
    logs._startTime = time.time_ns() if isinstance(logs._startTime, int) else time.time()
