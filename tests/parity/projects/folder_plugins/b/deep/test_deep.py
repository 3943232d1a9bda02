def test_deep(value):
    assert value == "bb"


def test_deep_fails(value):
    assert value == "b"
