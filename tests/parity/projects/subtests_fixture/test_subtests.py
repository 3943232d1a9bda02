import logging
import warnings

import pytest


def test_messages_and_arguments(subtests):
    for number in range(3):
        with subtests.test(msg=f"round {number}", number=number, text="a'b\"c", none=None):
            print("output of round", number)
            logging.getLogger("sub").warning("log of round %d", number)
            assert number != 1


def test_only_arguments(subtests):
    with subtests.test(values=[1, "two", 3.0], obj={"k": (1, 2)}):
        assert False


def test_no_arguments(subtests):
    with subtests.test():
        raise ValueError("no arguments")


def test_skip_and_xfail(subtests):
    with subtests.test("skipped"):
        pytest.skip("not this one")
    with subtests.test("xfailed"):
        pytest.xfail("known")
    with subtests.test("passed"):
        pass


def test_warning_in_subtest(subtests):
    with subtests.test("warns"):
        warnings.warn("from a subtest", UserWarning, stacklevel=1)


@pytest.mark.xfail(reason="one part is broken")
def test_marked_xfail(subtests):
    with subtests.test("part"):
        assert False


@pytest.mark.parametrize("size", [0, 1, 5])
def test_many(subtests, size):
    for index in range(size):
        with subtests.test("many", index=index):
            assert index < 4
