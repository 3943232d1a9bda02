import logging
import os
import subprocess
import sys

import pytest


@pytest.fixture
def talks():
    print("out in setup")
    print("err in setup", file=sys.stderr)
    logging.getLogger("talks").warning("log in setup")
    yield
    print("out in teardown")
    print("err in teardown", file=sys.stderr)
    logging.getLogger("talks").error("log in teardown")


def every_road():
    print("print")
    sys.stdout.write("sys.stdout.write\n")
    sys.stderr.write("sys.stderr.write\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(1, b"os.write 1\n")
    os.write(2, b"os.write 2\n")
    subprocess.run(["/bin/sh", "-c", "echo child; echo child error >&2"], check=True)
    sys.__stdout__.write("sys.__stdout__\n")
    sys.__stdout__.flush()
    logging.getLogger("road").warning("logging %s", {"a": 1})


def test_passes(talks):
    every_road()


def test_fails(talks):
    every_road()
    assert False


def test_no_newline_at_end():
    print("no newline", end="")
    assert False


def test_only_stderr():
    sys.stderr.write("only stderr")
    assert False


def test_colours():
    print("\x1b[31mred\x1b[0m and \x1b[1mbold\x1b[0m")
    assert False


def test_carriage_returns():
    sys.stdout.write("one\rtwo\r\nthree\x0bfour\x0cfive\x85six\u2028seven")
    assert False


def test_looks_like_a_report():
    print("=" * 30, "FAILURES", "=" * 30)
    print("2 workers")
    print("100% [gw0]")
    assert False


def test_fails_in_teardown_after_output(talks, request):
    request.addfinalizer(lambda: pytest.fail("teardown"))
    print("call output")
