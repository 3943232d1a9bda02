"""How a session starts: from the native command, as ``python -m fleetest``, or as a spawned worker."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from typing import NoReturn

from fleetest import _core, ending
from fleetest.console_script import pose, pose_for_run
from fleetest.process import let_output_go
from fleetest.pytest_version import pytest_version
from fleetest.recorded_variables import RecordedVariables
from fleetest.request import changes_at_start
from fleetest.start import Start

OLDEST_PYTEST = (7, 4)

EXIT_OLD_PYTHON = 102
EXIT_NO_FLEETEST = 103

PARKED = "parked"
"""``FT_BOOTSTRAP_PARKED`` of ``src/base/bootstrap.h``."""


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


def _run(start: Start) -> int:
    """Run the session of ``sys.argv`` as pytest's console script would; the exit code."""
    _check_pytest()
    import pytest

    from fleetest.plugin import Command

    try:
        code = int(pytest.main(plugins=[Command(start)]))
        sys.stdout.flush()
    except BrokenPipeError:
        let_output_go()  # as in pytest
        code = 1
    return code


def from_client() -> NoReturn:
    """Be what the native command or the daemon has started this process for.

    ``sys.argv`` is ``["-c", descriptor, path of the command, its version, why the run is cold, what
    the user should run, argument ...]``, or ``["-c", descriptor, path of the command, its version,
    "parked"]``.  Leaves everything that user code can see as pytest's console script does:
    ``sys.argv``, ``sys.path[0]`` and ``__main__``.
    """
    fd, command, version, *rest = sys.argv[1:]
    if version != _core.__version__:
        _fail(
            f"{sys.executable} has fleetest {_core.__version__}, but {command} is {version}: "
            "install the same version in both places",
            EXIT_NO_FLEETEST,
        )
    if rest == [PARKED]:
        _from_parked(int(fd))
    _from_command(int(fd), command, *rest)


def _from_command(
    client_fd: int, command: str, reason: str, advice: str, *arguments: str
) -> NoReturn:
    """Run the session of the client that has started this process.

    :param client_fd: the pair with it
    :param reason: why it did not ask the daemon
    :param advice: what the user should run about that
    """
    pose(command, arguments)
    os.set_inheritable(client_fd, False)
    _core.die_with_parent(signal.SIGTERM)
    poll = select.poll()
    poll.register(client_fd, 0)
    if poll.poll(0):  # the client was killed before we were told to die with it
        os._exit(1)
    code = _run(Start(client_fd, f"cold ({reason})", advice))
    with contextlib.suppress(OSError):  # the client is gone
        _core.Channel(client_fd).send(_core.MSG_EXIT, code)
    ending.leave(code)


def _from_parked(fd: int) -> NoReturn:
    """Wait to be forked; then run the session of a client, or prepare one.

    :param fd: socket to the daemon
    """
    changes = changes_at_start()
    variables = RecordedVariables.start()
    _check_pytest()
    from fleetest.resident import wait
    from fleetest.snapshot import SnapshotSession
    from fleetest.turns import ask_before_reading

    session = wait(fd, variables, changes)
    if isinstance(session, SnapshotSession):
        code = session.live(_run)
    else:
        start = session.accept()
        ask_before_reading(start)
        request = session.request
        pose_for_run(request.command, request.arguments, session.state)
        if session.explains:
            from fleetest.explain import explain

            code = explain(start)
        else:
            code = _run(start)
    _core.run_is_over()
    ending.leave(code)


def from_module() -> NoReturn:
    """Run the session of ``python -m fleetest``."""
    sys.exit(_run(Start(-1, "cold (python -m)", "")))


def from_controller() -> NoReturn:
    """Be a spawned worker: ``sys.argv`` is ``["-c", socket, memory]``."""
    from fleetest.spawned import serve

    sock, tail = map(int, sys.argv[1:3])
    sys.argv = ["-c"]
    os.set_inheritable(sock, False)
    serve(sock, tail)
