import pytest


def test_passes():
    pass


def test_fails():
    assert False


@pytest.mark.parametrize("n", [1, 2, 3])
def test_some_fail(n):
    assert n != 2


@pytest.mark.skip(reason="never")
def test_skipped():
    pass


def test_uses_cache(cache, request):
    assert cache.get("own/value", "unset") in ("unset", {"a": [1]})
    cache.set("own/value", {"a": [1]})
