def test_b():
    assert False
