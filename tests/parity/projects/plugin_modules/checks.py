def check(value):
    assert value == ["rewritten", "in helper"]
