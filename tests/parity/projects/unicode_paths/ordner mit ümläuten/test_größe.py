import pytest


@pytest.mark.parametrize("wort", ["ä", "öö"])
def test_länge(wort):
    assert len(wort) == 1


def test_quelle():
    straße = "ß"
    assert straße == "ss"
