import pytest


@pytest.fixture
def needs_display():
    pytest.skip("no display (from conftest)")


@pytest.fixture
def skips_late():
    yield
    pytest.skip("too late, in teardown")
