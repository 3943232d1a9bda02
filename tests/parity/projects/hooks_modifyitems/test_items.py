def test_a():
    pass


def test_b():
    raise AssertionError


def test_c():
    pass


def test_d():
    assert False


def test_drop_me():
    raise AssertionError


def test_generated(generated):
    assert generated == 1
