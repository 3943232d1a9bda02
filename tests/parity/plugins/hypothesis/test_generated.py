import pytest
from hypothesis import assume, example, given, note
from hypothesis import strategies as st


@given(st.lists(st.integers()))
def test_sorted(numbers):
    assert sorted(sorted(numbers)) == sorted(numbers)


@given(st.integers())
def test_fails(number):
    note("noted")
    assert number < 100


@given(st.text())
@example("explicit")
def test_example_fails(text):
    assert text != "explicit"


@given(st.integers(), st.integers())
def test_assume(left, right):
    assume(right != 0)
    assert (left // right) * right + left % right == left


@pytest.mark.parametrize("low", [0, 10])
@given(number=st.integers(min_value=10))
def test_with_params(low, number):
    assert number >= low


class TestClass:
    @given(st.booleans())
    def test_method(self, flag):
        assert flag in (True, False)
