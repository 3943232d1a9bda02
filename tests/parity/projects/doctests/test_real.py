def test_beside_doctests():
    pass
