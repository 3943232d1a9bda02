def test_b_with_ümlaut():
    pass
