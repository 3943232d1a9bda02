import sys

import pytest


def endless(n):
    return endless(n + 1)


def left(n):
    return right(n)


def right(n):
    return left(n)


class Endless:
    def __repr__(self):
        return repr(self)


def test_fails():
    endless(0)


def test_mutual():
    left(0)


def test_in_repr():
    thing = Endless()
    assert thing is None


def test_expected():
    with pytest.raises(RecursionError):
        endless(0)


def test_low_limit():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit // 2)
    try:
        with pytest.raises(RecursionError):
            endless(0)
    finally:
        sys.setrecursionlimit(limit)


def test_after():
    assert sys.getrecursionlimit() >= 1000
