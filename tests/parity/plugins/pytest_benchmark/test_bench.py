import pytest


def work(n):
    return sum(range(n))


@pytest.mark.parametrize("n", [10, 100])
def test_sum(benchmark, n):
    assert benchmark(work, n) == work(n)


def test_pedantic(benchmark):
    benchmark.pedantic(work, args=(5,), rounds=2)


def test_fails(benchmark):
    assert benchmark(work, 3) == 4


def test_plain():
    pass
