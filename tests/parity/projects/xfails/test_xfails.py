import os

import pytest


class Reason:
    """A reason that is no text."""

    def __str__(self):
        return "an object as reason"


@pytest.fixture
def broken():
    raise RuntimeError("broken fixture")


@pytest.fixture
def breaks_late():
    yield
    raise RuntimeError("broken teardown")


@pytest.mark.xfail
def test_bare():
    assert False


@pytest.mark.xfail(reason="a reason with é, a \ttab and [brackets]")
def test_reason():
    print("output of an expected failure")
    assert False


@pytest.mark.xfail(reason="passes although expected not to")
def test_unexpected_pass():
    pass


@pytest.mark.xfail(reason="must fail", strict=True)
def test_strict_pass():
    pass


@pytest.mark.xfail(raises=ValueError, reason="right exception")
def test_raises_right():
    raise ValueError


@pytest.mark.xfail(raises=(ValueError, KeyError), reason="wrong exception")
def test_raises_wrong():
    raise TypeError("not the expected one")


@pytest.mark.xfail(run=False, reason="would kill the process")
def test_not_run():
    os._exit(1)


@pytest.mark.xfail("1 > 2", reason="condition is false")
def test_condition_false():
    pass


@pytest.mark.xfail("1 < 2", "3 < 4", reason="several conditions")
def test_conditions():
    assert False


def test_imperative():
    pytest.xfail("decided inside")


def test_imperative_no_reason():
    pytest.xfail()


@pytest.mark.xfail(reason="fixture is broken")
def test_in_setup(broken):
    pass


@pytest.mark.xfail(reason="only the call may fail")
def test_in_teardown(breaks_late):
    pass


@pytest.mark.parametrize(
    "n", [1, pytest.param(2, marks=pytest.mark.xfail(reason="two is odd", strict=True)), 3]
)
def test_params(n):
    assert n != 2


def test_added_while_running(request):
    request.applymarker(pytest.mark.xfail(reason="marked while running"))
    assert False


def test_object_as_reason():
    pytest.xfail(Reason())
