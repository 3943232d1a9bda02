import pytest


@pytest.mark.parametrize("text", ["x" * 300, "y" * 5_000, "word " * 60, "é" * 2_000])
def test_long(text, request):
    assert len(request.node.nodeid) > 300


@pytest.mark.parametrize("text", ["z" * 100_000])
def test_very_long(text, tmp_path):
    assert len(tmp_path.name) < 50


@pytest.mark.parametrize("text", ["f" * 1_000])
def test_fails(text):
    assert not text


def test_with_a_function_name_that_goes_on_and_on_beyond_the_width_of_any_terminal_line_there_is_1():
    pass
