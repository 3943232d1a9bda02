import warnings

import pytest


@pytest.fixture
def broken():
    raise RuntimeError("a message that is quite long and does not fit into the line of a terminal")


def test_passes():
    pass


def test_passes_with_output():
    print("output of a test that passes")


def test_fails():
    assert 1 == 2, "a message that is long enough to be cut in the short summary at the end"


def test_error(broken):
    pass


@pytest.mark.skip(reason="a reason for skipping that is long enough to be cut in the summary")
def test_skipped():
    pass


@pytest.mark.xfail(reason="a reason for failing that is long enough to be cut in the summary")
def test_xfailed():
    assert False


@pytest.mark.xfail(reason="a reason")
def test_xpassed():
    pass


def test_warns():
    warnings.warn("a warning", UserWarning, stacklevel=1)


def test_unicode_message():
    raise ValueError("日本語" * 20 + "\nsecond line")
