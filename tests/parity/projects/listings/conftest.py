import pytest


@pytest.fixture
def documented():
    """A fixture of conftest.

    With more than one line.
    """


@pytest.fixture(scope="session")
def undocumented():
    pass
