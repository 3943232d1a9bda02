import pytest


@pytest.mark.fast
def test_p(pytestconfig):
    assert pytestconfig.inipath.name == "pyproject.toml"
