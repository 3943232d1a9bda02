import random

import pytest


@pytest.mark.parametrize("n", range(5))
def test_same_numbers(n, record_property):
    record_property("drawn", random.random())


class TestClass:
    def test_a(self):
        pass

    def test_b(self):
        assert False
