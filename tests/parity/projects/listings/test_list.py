"""A module with a docstring."""

import unittest

import pytest


@pytest.fixture
def _private():
    pass


@pytest.mark.parametrize("a, b", [(1, 2), (3, 4)])
def test_pairs(a, b, documented):
    """Pairs."""


class TestClass:
    class TestInner:
        def test_inner(self, undocumented):
            pass

    @staticmethod
    def test_static():
        pass

    @classmethod
    def test_class(cls):
        pass

    def test_method(self, _private):
        pass


class Unit(unittest.TestCase):
    def test_unit(self):
        pass
