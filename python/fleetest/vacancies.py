"""Workers for which there is no work, and that need not be made where nobody can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetest.privates import private
from fleetest.startup_hooks import implementations_of_others

if TYPE_CHECKING:
    import pytest

    from fleetest.grouping import Groups

_TELLING = (
    *("pytest_xdist_newgateway", "pytest_configure_node", "pytest_testnodeready"),
    *("pytest_xdist_node_collection_finished", "pytest_testnodedown", "pytest_handlecrashitem"),
    *("pytest_runtestloop", "pytest_sessionfinish", "pytest_unconfigure"),
)
"""Hooks that are called for each worker, whatever it runs."""

_OWN = ("_pytest.", "fleetest.", "contextlib", "warnings")


def workers_of_use(config: pytest.Config, groups: Groups, asked: int) -> int:
    """How many of the workers that are asked for make a difference.

    :param groups: tests of a tied group are run by one of them
    """
    tied = {scope for scope, is_tied in zip(groups.scopes, groups.tied) if is_tied}
    work = len(groups.tied) - sum(groups.tied) + len(tied)
    if work >= asked or _can_be_told(config):
        return asked
    return work


def _can_be_told(config: pytest.Config) -> bool:
    """Whether a worker without work would do something that is neither pytest's nor ours."""
    if any(implementations_of_others(config, _TELLING)):
        return True
    return any(not f"{name}.".startswith(_OWN) for name in private.cleanup_modules(config))
