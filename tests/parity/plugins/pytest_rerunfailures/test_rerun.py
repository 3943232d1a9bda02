import pytest

TRIES = {}


def tries(name):
    TRIES[name] = TRIES.get(name, 0) + 1
    return TRIES[name]


def test_passes():
    assert tries("passes") == 1


def test_passes_second_time():
    assert tries("second") == 2


def test_always_fails():
    print("try", tries("always"))
    assert False


@pytest.mark.flaky(reruns=3)
def test_marked():
    assert tries("marked") == 4


@pytest.fixture
def setup_fails_once():
    if tries("setup") == 1:
        raise RuntimeError("first set-up")


def test_setup(setup_fails_once):
    pass


def test_other_error():
    raise ValueError("not an assertion")
