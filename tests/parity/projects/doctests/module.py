"""Examples.

>>> 1 + 1
2
"""


def passes():
    """
    >>> answer
    42
    >>> print("a\\n\\nb")
    a
    <BLANKLINE>
    b
    """


def fails():
    """
    >>> passes() is None
    True
    >>> 2 + 2
    5
    >>> 3 + 3
    7
    """


def raises():
    """
    >>> {}["key"]
    Traceback (most recent call last):
        ...
    KeyError: 'key'
    >>> [][1]
    """


def skipped():
    """
    >>> 1 / 0  # doctest: +SKIP
    """


class Thing:
    """
    >>> Thing().name
    'thing'
    """

    name = "thing"

    def method(self):
        """
        >>> import pytest
        >>> pytest.skip("inside a doctest")
        """
