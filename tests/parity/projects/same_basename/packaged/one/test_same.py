from .helper import VALUE


def test_one():
    assert VALUE == 1
    assert __name__.endswith("one.test_same")
