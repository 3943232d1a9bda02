import os
import signal
import subprocess
import time

import pytest

SEEN = []


def note(number, frame):
    SEEN.append(number)


@pytest.mark.parametrize("name", ["SIGUSR1", "SIGUSR2", "SIGHUP", "SIGINT", "SIGTERM", "SIGCHLD"])
def test_handler(name):
    number = getattr(signal, name)
    old = signal.signal(number, note)
    try:
        os.kill(os.getpid(), number)
        deadline = time.monotonic() + 5
        while number not in SEEN and time.monotonic() < deadline:
            time.sleep(0.001)
        assert number in SEEN
    finally:
        signal.signal(number, old)


def test_default_interrupt_handler():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_default_terminate_handler():
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_interrupt_is_caught():
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)


def test_alarm():
    signal.signal(signal.SIGALRM, note)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(0.05)
    assert signal.SIGALRM in SEEN


def test_alarm_raises():
    def fail(number, frame):
        raise TimeoutError("alarm")

    signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(5)


def test_alarm_left_for_later():
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.alarm(1)


def test_child_handler_kept():
    signal.signal(signal.SIGCHLD, note)
    subprocess.run(["/bin/true"], check=True)


def test_ignored_child_signal():
    old = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        child = os.fork()
        if child == 0:
            os._exit(0)
        with pytest.raises(ChildProcessError):
            os.waitpid(child, 0)
    finally:
        signal.signal(signal.SIGCHLD, old)


def test_mask():
    old = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    os.kill(os.getpid(), signal.SIGUSR1)
    assert signal.sigpending() == {signal.SIGUSR1}
    assert signal.sigwait([signal.SIGUSR1]) == signal.SIGUSR1
    signal.pthread_sigmask(signal.SIG_SETMASK, old)
    assert signal.SIGINT not in old


def test_pipe_signal():
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN


def test_wakeup_descriptor():
    assert signal.set_wakeup_fd(-1) == -1
