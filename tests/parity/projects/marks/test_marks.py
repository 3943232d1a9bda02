import pytest


@pytest.mark.slow
def test_slow():
    pass


@pytest.mark.slow
@pytest.mark.db("main")
def test_slow_db():
    pass


@pytest.mark.device(serial="abc")
def test_device():
    pass


@pytest.mark.never_registered
def test_unknown():
    pass


@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_param_mark(n, request):
    assert (request.node.get_closest_marker("slow") is not None) == (n == 2)
