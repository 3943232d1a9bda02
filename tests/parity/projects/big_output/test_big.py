import sys


def test_one_long_line():
    sys.stdout.write("x" * 3_000_000)
    assert False, "long line"


def test_many_lines():
    for number in range(40_000):
        print("line", number, "é" * 20)
    assert False, "many lines"


def test_passes_with_output():
    sys.stdout.write("y" * 1_000_000)


def test_long_message():
    raise ValueError("z" * 1_000_000)


def test_after():
    pass
