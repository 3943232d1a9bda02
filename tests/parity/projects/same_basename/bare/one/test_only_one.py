def test_only():
    pass
