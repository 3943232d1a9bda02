import collections
import dataclasses

from conftest import Money


@dataclasses.dataclass
class Point:
    x: int
    y: list


def test_long_lists():
    assert list(range(200)) == [*range(100), -1, *range(101, 200)]


def test_long_texts():
    assert "line\n" * 50 == "line\n" * 25 + "other\n" + "line\n" * 24


def test_long_line():
    assert "a" * 500 + "b" == "a" * 500 + "c"


def test_dictionaries():
    left = {f"key{n}": n for n in range(30)}
    assert left == {**left, "key7": "seven", "extra": None}


def test_sets():
    assert {1, 2, 3} == {3, 4, 5}


def test_nested():
    assert {"a": [1, {"b": (1, 2)}]} == {"a": [1, {"b": (1, 3)}]}


def test_dataclasses():
    assert Point(1, [2, 3]) == Point(1, [2, 4])


def test_named_tuples():
    pair = collections.namedtuple("pair", "left right")
    assert pair(1, 2) == pair(1, 3)


def test_bytes():
    assert b"\x00\xff" * 20 == b"\x00\xfe" * 20


def test_not_in():
    assert "needle" not in "hay " * 30 + "needle" + " hay" * 30


def test_by_conftest():
    assert Money(1) == Money(2)


def test_message():
    assert 1 == 2, "a message\nof two lines"


def test_calls_and_attributes():
    point = Point(1, [2])
    assert len(point.y) > point.x + sum(point.y) and all(n > 2 for n in point.y)


def test_walrus():
    assert (value := len("abc")) == 4, value


def test_floats():
    assert 0.1 + 0.2 == 0.3


def test_chained():
    assert 1 < 3 < 2


def test_percent_and_braces():
    assert "100%s {0} {x}" == "100%d {1} {y}"
