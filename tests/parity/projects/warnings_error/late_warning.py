import warnings

warnings.warn("at import, an error", UserWarning, stacklevel=1)


def test_never():
    pass
