import pytest


@pytest.mark.parametrize("n", range(6))
def test_package(package_wide, n):
    assert package_wide == "package"


@pytest.mark.parametrize("n", range(3))
def test_function(function_wide, n):
    assert function_wide == "function"


def test_nothing():
    pass
