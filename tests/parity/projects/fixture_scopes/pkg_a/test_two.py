import pytest


@pytest.mark.parametrize("n", range(6))
def test_module(module_wide, n):
    assert module_wide.endswith("test_two")


def test_session(session_wide):
    assert session_wide == "session"
