import datetime
import decimal
import pathlib

import pytest


class Odd:
    """An object that cannot be pickled nor dumped."""

    def __reduce__(self):
        raise TypeError("not me")

    def __str__(self):
        return "odd object"

    __repr__ = __str__


def test_simple(record_property):
    record_property("number", 1)
    record_property("text", "é <&> \"quoted\" ]]>")
    record_property("none", None)
    record_property("float", 0.1)
    record_property("bool", True)


def test_odd(record_property):
    record_property("object", Odd())
    record_property("path", pathlib.PurePosixPath("/a/b"))
    record_property("decimal", decimal.Decimal("1.10"))
    record_property("date", datetime.date(2020, 2, 29))
    record_property("bytes", b"\x00\xff")
    record_property("tuple", (1, "two", (3,)))
    record_property("dict", {1: "int key", "s": [Odd()]})
    record_property("complex", 1 + 2j)
    record_property("big", 2**80)
    record_property("nan", float("nan"))


def test_repeated_name(record_property):
    for value in "abc":
        record_property("same", value)


def test_name_is_no_text(record_property):
    record_property(("tuple", "name"), "value")


def test_control_characters(record_property):
    record_property("control", "a\x00b\x1b[31mc\ud800d")


def test_fails_with_property(record_property):
    record_property("before", "failure")
    print("some output")
    assert False


def test_attribute(record_xml_attribute):
    record_xml_attribute("assertions", "REQ-1234")


def test_user_properties_of_node(request):
    request.node.user_properties.append(("appended", [1, 2]))


def test_suite(record_testsuite_property):
    record_testsuite_property("ARCH", "odd")
    record_testsuite_property("number", 12)
    record_testsuite_property("object", Odd())


@pytest.fixture
def records_late(record_property):
    yield
    record_property("late", "in teardown")


def test_in_teardown(records_late):
    pass
