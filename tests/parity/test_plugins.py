"""Plugins work under the runner as under plain pytest, with the reports that they write."""

from __future__ import annotations

import pytest
from parity_lab import Job, Lab


def test_plugin_same_as_pytest(job: Job, lab: Lab) -> None:
    """As for the projects, with the reports of the plugin compared as well."""
    found = lab.start(job).result()
    if found:
        pytest.fail("\n\n".join(found), pytrace=False)
