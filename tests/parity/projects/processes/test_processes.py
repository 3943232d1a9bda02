import concurrent.futures
import multiprocessing
import os
import subprocess
import sys

import pytest
import work


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_process(method):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=work.put, args=(queue, method))
    process.start()
    assert queue.get(timeout=20) == method
    process.join(20)
    assert process.exitcode == 0


def test_pool():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(work.square, range(5)) == [0, 1, 4, 9, 16]


def test_executor():
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
        assert executor.submit(work.square, 7).result(20) == 49


def test_thread_pool():
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        assert list(executor.map(work.square, range(3))) == [0, 1, 4]


def test_fork_and_wait():
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    assert os.waitpid(pid, 0) == (pid, 7 << 8)


def test_subprocess_python():
    done = subprocess.run(
        [sys.executable, "-c", "print('from a child')"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "from a child\n"


def test_child_output_is_captured():
    subprocess.run(["/bin/sh", "-c", "echo to stdout; echo to stderr >&2"], check=True)
    assert False


def test_process_group():
    assert os.getpgid(0) == os.getpgrp()
    assert os.getppid() > 1
