import pytest


@pytest.mark.parametrize("n", range(6))
def test_functions(function_wide, n):
    pass


class TestFirst:
    def test_a(self, function_wide, request):
        assert request.getfixturevalue("class_wide") == "class TestFirst"

    def test_b(self, class_wide):
        assert class_wide == "class TestFirst"


class TestSecond:
    def test_a(self, class_wide, function_wide):
        assert class_wide == "class TestSecond"

    @pytest.mark.parametrize("n", range(4))
    def test_b(self, function_wide, n):
        assert n >= 0
