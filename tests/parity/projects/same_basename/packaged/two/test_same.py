from packaged.one.helper import VALUE


def test_two():
    assert VALUE == 2
