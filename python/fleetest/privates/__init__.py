"""All touching of pytest's privates, by pytest version.

``private`` is the object for the pytest that is installed.  Its class is the one of the newest
known minor version that is not newer than the installed one; each module here holds what one minor
version does in another way than those before it.
"""

from __future__ import annotations

from fleetest.privates.v7_4 import Pytest74
from fleetest.pytest_version import pytest_version

_VERSIONS: dict[tuple[int, int], type[Pytest74]] = {(7, 4): Pytest74}


def _choose() -> Pytest74:
    installed = pytest_version()
    return _VERSIONS[max(version for version in _VERSIONS if version <= installed)]()


private = _choose()
