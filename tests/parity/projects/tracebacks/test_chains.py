import helpers
import pytest


def test_raise_from():
    helpers.parse("twelve")


def test_during_handling():
    try:
        {}["missing"]
    except KeyError:
        raise RuntimeError("while handling")


def test_from_none():
    try:
        {}["missing"]
    except KeyError:
        raise RuntimeError("context suppressed") from None


def test_three_levels():
    try:
        try:
            helpers.parse("x")
        except helpers.Wrapped as error:
            raise LookupError("second") from error
    except LookupError:
        raise OSError(2, "third", "file.txt")


def test_hidden_frame():
    helpers.hidden_check(0)


def test_same_exception_again():
    error = ValueError("circular")
    try:
        raise error
    except ValueError as caught:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            caught.__cause__ = inner
            inner.__context__ = caught
            raise caught


def test_many_lines():
    value = {"first": [1, 2], "second": "x" * 300}
    raise AssertionError("line one\nline two\n\n  indented\n" + repr(value))


def test_pytest_fail():
    pytest.fail("with a reason\nof two lines")


def test_pytest_fail_without_trace():
    pytest.fail("only this text", pytrace=False)


def test_raised_by_lambda():
    (lambda: [1][5])()


def test_from_compiled_source():
    exec(compile("def f():\n    raise ZeroDivisionError('no source')\nf()", "<made>", "exec"))


def test_notes():
    error = ValueError("with notes")
    if hasattr(error, "add_note"):
        error.add_note("first note")
        error.add_note("second\nnote")
    raise error
