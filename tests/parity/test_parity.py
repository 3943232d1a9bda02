"""The runner does what plain pytest does, on a folder of small awkward projects."""

from __future__ import annotations

import pytest
from parity_lab import Job, Lab


def test_same_as_pytest(job: Job, lab: Lab) -> None:
    """Exit codes, reports, warnings, JUnit, what is left behind and, in order, what is printed."""
    found = lab.start(job).result()
    if found:
        pytest.fail("\n\n".join(found), pytrace=False)
