import pytest


def helper():
    raise RuntimeError("at import")


helper()


@pytest.fixture
def unused():
    pass
