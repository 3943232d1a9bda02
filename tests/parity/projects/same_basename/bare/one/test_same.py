def test_one():
    assert __file__.endswith("one/test_same.py")
