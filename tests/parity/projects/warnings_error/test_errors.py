import warnings

import pytest


def test_becomes_an_error():
    warnings.warn("not allowed", UserWarning, stacklevel=1)


def test_ignored():
    warnings.warn("harmless one", UserWarning, stacklevel=1)


def test_shown():
    warnings.warn("shown one", UserWarning, stacklevel=1)


@pytest.mark.filterwarnings("default::UserWarning")
def test_mark_wins():
    warnings.warn("allowed by mark", UserWarning, stacklevel=1)


def test_deprecated():
    warnings.warn("old", DeprecationWarning, stacklevel=1)


@pytest.fixture
def warns():
    warnings.warn("in a fixture", UserWarning, stacklevel=1)


def test_fixture(warns):
    pass
