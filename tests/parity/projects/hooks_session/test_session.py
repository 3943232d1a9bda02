def test_flavour(flavour):
    assert flavour == "plain"


def test_counts(request):
    assert request.session.testscollected == 3
    assert len(request.session.items) == 3


def test_fails():
    assert False
