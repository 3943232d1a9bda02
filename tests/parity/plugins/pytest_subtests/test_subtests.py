import unittest

import pytest


def test_fixture(subtests):
    for n in range(4):
        with subtests.test(msg="round", n=n, text="a'b"):
            print("round", n)
            assert n % 2 == 0


def test_skips(subtests):
    with subtests.test("skipped"):
        pytest.skip("reason")


def test_all_pass(subtests):
    with subtests.test(n=1):
        pass


class Unit(unittest.TestCase):
    def test_unit(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertNotEqual(n, 1)
