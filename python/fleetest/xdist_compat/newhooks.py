"""The hooks of pytest-xdist, with its names and arguments."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.hookspec()
def pytest_xdist_setupnodes(config: Any, specs: Any) -> None:
    """Called before any worker is set up."""


@pytest.hookspec()
def pytest_xdist_newgateway(gateway: Any) -> None:
    """Called when a worker is about to be made."""


@pytest.hookspec()
def pytest_configure_node(node: Any) -> None:
    """Called with each worker before it is made; ``node.workerinput`` reaches it."""


@pytest.hookspec()
def pytest_testnodeready(node: Any) -> None:
    """Called when a worker is ready."""


@pytest.hookspec()
def pytest_testnodedown(node: Any, error: Any) -> None:
    """Called when a worker is down: finished (error is None) or crashed."""


@pytest.hookspec()
def pytest_xdist_node_collection_finished(node: Any, ids: Any) -> None:
    """Called with the node ids that a worker has collected."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """Return a scheduler, which then gives out the tests."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_getremotemodule() -> Any:
    """Never called: workers run fleetest's own code."""


@pytest.hookspec()
def pytest_xdist_rsyncstart(source: Any, gateways: Any) -> None:
    """Called before a folder is copied to where a worker runs."""


@pytest.hookspec()
def pytest_xdist_rsyncfinish(source: Any, gateways: Any) -> None:
    """Called when it is copied."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_auto_num_workers(config: Any) -> Any:
    """Return the number of workers for ``-n auto``."""


@pytest.hookspec()
def pytest_handlecrashitem(crashitem: Any, report: Any, sched: Any) -> None:
    """Called with the node id of a test that crashed its worker, before it is reported."""
