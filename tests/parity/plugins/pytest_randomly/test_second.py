import random


def test_one(record_property):
    record_property("drawn", random.randrange(100))


def test_two():
    pass


def test_three():
    pass
