from shelf import SIZE


def test_other():
    assert SIZE
