def test_plain():
    pass


def test_twice(request):
    assert request.node.attempt == 2


def test_left_out():
    raise AssertionError


def test_replaced():
    return "result"


def test_replaced_wrongly():
    return "other"


def test_last():
    assert False
