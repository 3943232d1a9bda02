def test_two():
    assert __file__.endswith("two/test_same.py")
