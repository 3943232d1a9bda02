import random
import uuid

import pytest

random.seed(1)
NUMBERS = [random.randrange(1000) for _ in range(5)]


@pytest.mark.parametrize("number", NUMBERS)
def test_parameters_drawn_at_import(number):
    assert number in NUMBERS


def test_seed_of_the_test(request):
    value = random.random()
    random.seed(request.node.nodeid)
    assert value == random.random()
    print(value)


@pytest.mark.parametrize("n", range(3))
def test_state_is_set_by_fixture(n, record_property):
    record_property("drawn", random.randrange(10**9))


def test_own_generator(record_property):
    record_property("drawn", random.Random(3).random())


def test_uuids_differ():
    assert uuid.uuid4() != uuid.uuid4()


def test_sets_of_texts():
    assert sorted({"a", "b", "c"}) == ["a", "b", "c"]
