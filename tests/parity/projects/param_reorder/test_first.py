def test_size(size):
    assert size in (1, 2, 3)


def test_plain():
    pass


def test_size_again(size):
    assert size > 0


class TestLetters:
    def test_one(self, letter, size):
        assert letter in "xy"

    def test_two(self, letter):
        assert letter in "xy"
