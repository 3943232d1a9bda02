def test_a_function_with_quite_a_long_name_too():
    pass


@__import__("pytest").mark.xfail(reason="expected")
def test_expected():
    assert False
