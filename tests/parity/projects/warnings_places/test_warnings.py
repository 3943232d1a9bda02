import warnings

import conftest
import pytest

warnings.warn("at import of a test module", DeprecationWarning, stacklevel=1)


class TestNotCollected:
    """Gives a collection warning."""

    def __init__(self):
        pass


def deprecated():
    warnings.warn("use something else", DeprecationWarning, stacklevel=2)


def test_deprecated():
    deprecated()


def test_pending():
    warnings.warn("some day", PendingDeprecationWarning, stacklevel=1)


def test_same_message_twice():
    for _ in range(2):
        warnings.warn("same", UserWarning, stacklevel=1)


@pytest.mark.parametrize("n", range(3))
def test_from_params(n):
    warnings.warn("same in all", UserWarning, stacklevel=1)


def test_odd_class(odd):
    warnings.warn(odd(7, detail="é"), stacklevel=1)


def test_unserializable():
    warnings.warn(conftest.Unserializable(object(), lambda: 0), stacklevel=1)


def test_local_class():
    class LocalWarning(UserWarning):
        pass

    warnings.warn("of a class that nobody can import", LocalWarning, stacklevel=1)


def test_odd_arguments():
    warnings.warn(UserWarning({"a": 1}, b"\xff", object), stacklevel=1)


def test_in_setup(warns_in_setup):
    pass


def test_in_teardown(warns_in_teardown):
    pass


def test_explicit_place():
    warnings.warn_explicit("elsewhere", UserWarning, "made_up.py", 77, module="made_up")


def test_expected_warning():
    with pytest.warns(UserWarning, match="expected"):
        warnings.warn("expected", UserWarning, stacklevel=1)


def test_expected_but_none():
    with pytest.warns(UserWarning):
        pass


def test_recwarn(recwarn):
    warnings.warn("kept by recwarn", UserWarning, stacklevel=1)
    assert len(recwarn) == 1


@pytest.mark.filterwarnings("ignore:quiet")
def test_filter_mark():
    warnings.warn("quiet please", UserWarning, stacklevel=1)


def test_multiline():
    warnings.warn("line one\nline two\n  line three", UserWarning, stacklevel=1)


def test_returns_something():
    return 1
