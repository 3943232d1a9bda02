import atexit
import sys


def leave():
    sys.exit(9)


def fail():
    raise RuntimeError("in an exit handler")


atexit.register(leave)


def test_one():
    atexit.register(fail)


def test_two():
    pass
