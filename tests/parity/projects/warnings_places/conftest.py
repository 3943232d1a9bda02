import warnings

import pytest

warnings.warn("at import of conftest", UserWarning, stacklevel=1)


class OddWarning(UserWarning):
    """Cannot be made again from its args."""

    def __init__(self, code, *, detail):
        super().__init__(f"odd {code}: {detail}")
        self.code = code


class Unserializable(Warning):
    def __reduce__(self):
        raise TypeError("cannot pickle this warning")

    def __str__(self):
        return "unserializable warning"


@pytest.fixture
def odd():
    return OddWarning


@pytest.fixture
def warns_in_setup():
    warnings.warn("in setup", RuntimeWarning, stacklevel=1)


@pytest.fixture
def warns_in_teardown():
    yield
    warnings.warn("in teardown", RuntimeWarning, stacklevel=1)


def pytest_collection_modifyitems():
    warnings.warn("while modifying items", FutureWarning, stacklevel=1)
