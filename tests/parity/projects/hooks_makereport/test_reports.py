import pytest


def test_passes():
    pass


def test_turned():
    pass


@pytest.mark.forgive
def test_forgiven():
    assert False


def test_fails():
    assert 1 == 2


def test_late(outcome_in_teardown):
    assert False


def test_late_passes(outcome_in_teardown):
    pass
