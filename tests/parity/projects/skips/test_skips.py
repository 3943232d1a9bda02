import unittest

import pytest


@pytest.mark.skip
def test_bare_mark():
    raise AssertionError


@pytest.mark.skip(reason="with a reason, é and [brackets]")
def test_mark_with_reason():
    raise AssertionError


@pytest.mark.skipif("1 + 1 == 2", reason="condition as text")
def test_condition_text():
    raise AssertionError


@pytest.mark.skipif(True, reason="condition as value")
@pytest.mark.parametrize("n", [1, 2])
def test_condition_value(n):
    raise AssertionError


@pytest.mark.skipif(False, reason="not skipped")
def test_condition_false():
    pass


@pytest.mark.skipif("undefined_name", reason="broken condition")
def test_condition_broken():
    pass


def helper_that_skips():
    pytest.skip("from a helper")


def test_inside():
    pytest.skip("inside the test")


def test_in_helper():
    helper_that_skips()


def test_in_fixture(needs_display):
    raise AssertionError


def test_in_teardown(skips_late):
    pass


def test_inner_importorskip():
    pytest.importorskip("no_such_module_anywhere", reason="reason given")


def test_raises_skip_exception():
    raise unittest.SkipTest("unittest's exception in a function")


@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.skip(reason="param")), 3])
def test_params(n):
    pass


class TestClass:
    pytestmark = pytest.mark.skip(reason="class mark")

    def test_method(self):
        raise AssertionError


class Unit(unittest.TestCase):
    @unittest.skip("unittest skip")
    def test_decorated(self):
        raise AssertionError

    def test_skip_test(self):
        self.skipTest("self.skipTest")

    def test_in_set_up(self):
        pass

    def setUp(self):
        if self._testMethodName == "test_in_set_up":
            self.skipTest("in setUp")


@unittest.skip("whole class")
class SkippedUnit(unittest.TestCase):
    def test_one(self):
        raise AssertionError


class SetUpClassSkips(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("in setUpClass")

    def test_one(self):
        raise AssertionError
