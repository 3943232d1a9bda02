def test_deep(place):
    assert place == "inner"


def check_deep():
    pass


class CheckClass:
    def test_method(self):
        assert False
