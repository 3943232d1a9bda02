import warnings

import pytest


@pytest.mark.parametrize("n", range(4))
def test_warns(n):
    warnings.warn(f"number {n}", UserWarning, stacklevel=1)


def test_passes():
    pass
