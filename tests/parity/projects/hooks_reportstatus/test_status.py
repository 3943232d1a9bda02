def test_plain():
    pass


def test_slow():
    pass


def test_flaky():
    assert False


def test_noisy():
    pass


def test_silent():
    pass


def test_fails():
    assert False
