import pytest


def there(n):
    return back(n - 1)


def back(n):
    if n <= 0:
        raise ValueError("at the bottom")
    return there(n - 1)


class BadRepr:
    def __repr__(self):
        raise RuntimeError("no repr")


class BadText(Exception):
    def __str__(self):
        raise TypeError("no text")


class NeedsTwo(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


class Unpicklable(Exception):
    def __reduce__(self):
        raise TypeError("cannot pickle this exception")


class HugeRepr:
    def __repr__(self):
        return "huge " * 10_000


def test_deep():
    there(120)


def test_bad_repr():
    thing = BadRepr()
    assert thing == 1


def test_bad_text():
    raise BadText


def test_needs_two():
    raise NeedsTwo(1, 2)


def test_unpicklable():
    raise Unpicklable("args", lambda: None)


def test_huge():
    thing = HugeRepr()
    assert thing is None


def test_local_class():
    class Local(Exception):
        pass

    raise Local("nobody can import this class")


def test_exception_without_message():
    raise AssertionError


def test_empty_text():
    raise ValueError("")


def test_object_in_exception():
    raise KeyError(BadRepr)


def test_os_error():
    open("/no/such/file")


def test_import_error():
    import no_such_module_anywhere  # noqa: F401


def test_stop_iteration():
    next(iter([]))


def test_syntax_error():
    compile("def (:", "<text>", "exec")


def test_unicode_error():
    b"\xff".decode()


def test_generator():
    def generate():
        yield 1
        raise LookupError("in a generator")

    list(generate())


@pytest.mark.parametrize("value", [BadRepr(), HugeRepr()], ids=["bad", "huge"])
def test_odd_parameter(value):
    assert False


def test_many_locals():
    locals().update({})
    a, b, c = 1, [2] * 100, {"c": "d" * 300}
    assert not (a and b and c)
