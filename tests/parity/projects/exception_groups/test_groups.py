def boom(kind, text):
    raise kind(text)


def gather(*pairs):
    errors = []
    for kind, text in pairs:
        try:
            boom(kind, text)
        except Exception as error:
            errors.append(error)
    return errors


def test_group():
    raise ExceptionGroup("several", gather((ValueError, "one"), (TypeError, "two")))


def test_nested():
    inner = ExceptionGroup("inner", gather((KeyError, "deep")))
    raise ExceptionGroup("outer", [inner, *gather((OSError, "shallow"))])


def test_group_from_cause():
    try:
        raise ExceptionGroup("cause", gather((ValueError, "one")))
    except ExceptionGroup as group:
        raise RuntimeError("after a group") from group


def test_cause_inside():
    try:
        try:
            raise ValueError("root")
        except ValueError as error:
            raise TypeError("leaf") from error
    except TypeError as error:
        raise ExceptionGroup("holds a chain", [error])


def test_base_group():
    raise BaseExceptionGroup("base", [ValueError("v"), GeneratorExit("g")])
