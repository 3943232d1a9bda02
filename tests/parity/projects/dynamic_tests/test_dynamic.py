import functools

import pytest


def make(number):
    def test(request):
        assert request.node.name.endswith(str(number))

    return test


for number in range(5):
    globals()[f"test_generated_{number}"] = make(number)


@functools.lru_cache
def answer():
    return 42


test_lambda = lambda: None  # noqa: E731
test_partial = functools.partial(make(1))


class Mixin:
    def test_mixed_in(self):
        assert self.kind in "ab"


class TestA(Mixin):
    kind = "a"


class TestB(Mixin):
    kind = "b"

    def test_mixed_in(self):
        assert self.kind == "a"


class TestC:
    __test__ = False

    def test_never(self):
        raise AssertionError


def test_cached():
    assert answer() == 42


test_alias = test_cached


@pytest.mark.parametrize("name", sorted({"x", "y", "z"}))
def test_from_set(name):
    pass
