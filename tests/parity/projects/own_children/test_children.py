import os
import threading

import pytest


@pytest.mark.parametrize("n", range(4))
def test_wait_for_any(n):
    pid = os.fork()
    if pid == 0:
        os._exit(n)
    assert os.wait() == (pid, n << 8)


def test_no_children():
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_no_other_threads():
    assert threading.active_count() == 1
    assert len(os.listdir("/proc/self/task")) == 1


def test_main_thread():
    assert threading.current_thread() is threading.main_thread()


def test_free_descriptors():
    descriptor = os.open("/dev/null", os.O_RDONLY)
    os.close(descriptor)
    assert descriptor < 100


def test_standard_input_is_empty():
    assert os.read(0, 10) == b""


def test_input_is_refused():
    input("asked: ")
