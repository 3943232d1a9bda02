"""How a session starts: from the native command, as ``python -m fleetest``, or as a spawned worker."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from typing import NoReturn

from fleetest import _core
from fleetest.process import shorten_exit
from fleetest.pytest_version import pytest_version

OLDEST_PYTEST = (7, 4)

EXIT_OLD_PYTHON = 102
EXIT_NO_FLEETEST = 103


def _fail(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"fleetest: {message}\n")
    sys.exit(code)


def _check_pytest() -> None:
    """Leave with one line if pytest is missing or too old."""
    try:
        import pytest
    except ModuleNotFoundError as error:
        if error.name != "pytest":
            raise
        _fail(
            f"{sys.executable} has no pytest: run it with '-m pip install pytest', "
            "or name another with --python PATH",
            EXIT_OLD_PYTHON,
        )
    version = pytest_version()
    if version < OLDEST_PYTEST:
        _fail(
            f"{sys.executable} has pytest {pytest.__version__}; fleetest needs 7.4 or later",
            EXIT_OLD_PYTHON,
        )


def _run(client_fd: int) -> int:
    """Run the session of ``sys.argv`` as pytest's console script would.

    :param client_fd: the descriptor to send the end-of-run message to; -1: none
    """
    _check_pytest()
    import pytest

    from fleetest.plugin import Command

    try:
        code = int(pytest.main(plugins=[Command(client_fd)]))
        sys.stdout.flush()
    except BrokenPipeError:
        # As in pytest: keep the interpreter from failing again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    if client_fd >= 0:
        with contextlib.suppress(OSError):  # the client is gone
            _core.Channel(client_fd).send(_core.MSG_EXIT, code)
    return code


def from_client() -> NoReturn:
    """Run the session that the native command asks for.

    ``sys.argv`` is ``["-c", descriptor, path of the command, its version, argument ...]``.  Leaves
    everything that user code can see as pytest's console script does: ``sys.argv``,
    ``sys.path[0]`` and ``__main__``.
    """
    client_fd, command, version = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    if version != _core.__version__:
        _fail(
            f"{sys.executable} has fleetest {_core.__version__}, but {command} is {version}: "
            "install the same version in both places",
            EXIT_NO_FLEETEST,
        )
    sys.argv = [command, *sys.argv[4:]]
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, os.path.dirname(command))
    main = sys.modules["__main__"]
    main.__file__ = __file__
    os.set_inheritable(client_fd, False)
    _core.die_with_parent(signal.SIGTERM)
    poll = select.poll()
    poll.register(client_fd, 0)
    if poll.poll(0):  # the client was killed before we were told to die with it
        os._exit(1)
    code = _run(client_fd)
    shorten_exit()
    sys.exit(code)


def from_module() -> NoReturn:
    """Run the session of ``python -m fleetest``."""
    sys.exit(_run(-1))


def from_controller() -> NoReturn:
    """Be a spawned worker: ``sys.argv`` is ``["-c", socket, memory]``."""
    from fleetest.spawned import serve

    sock, tail = map(int, sys.argv[1:3])
    sys.argv = ["-c"]
    os.set_inheritable(sock, False)
    serve(sock, tail)
