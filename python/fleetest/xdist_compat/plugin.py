"""What projects and plugins use of ``xdist.plugin``: registered under the name ``xdist``."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from fleetest.options import PLUGIN
from fleetest.plugin import SessionPlugin, default_auto_number, load


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """In a session that took this module for the real xdist, fleetest does xdist's work."""
    load(parser, pluginmanager)


@pytest.hookimpl(trylast=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The number behind ``-n auto``."""
    return default_auto_number(config)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Settle the options; projects and plugins call it to have them so."""
    session = _session(config)
    if session is not None:
        session.pytest_cmdline_main(config)


def _session(config: pytest.Config) -> SessionPlugin | None:
    """fleetest's own plugin, which does the same under its own name; None in a worker."""
    plugin = config.pluginmanager.get_plugin(PLUGIN)
    return plugin if isinstance(plugin, SessionPlugin) else None


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and register ``dsession`` in a distributed session."""
    session = _session(config)
    if session is not None:
        session.pytest_configure(config)
    config.addinivalue_line(
        "markers",
        "xdist_group: specify group for tests should run in same session."
        "in relation to one another. Provided by pytest-xdist.",
    )


def is_xdist_worker(request_or_session: Any) -> bool:
    """Whether this is a worker.

    :param request_or_session: the ``request`` or ``session`` object
    """
    return hasattr(request_or_session.config, "workerinput")


def is_xdist_controller(request_or_session: Any) -> bool:
    """Whether this is the controller of a distributed run.

    :param request_or_session: the ``request`` or ``session`` object
    """
    config = request_or_session.config
    return not is_xdist_worker(request_or_session) and config.option.dist != "no"


is_xdist_master = is_xdist_controller


def get_xdist_worker_id(request_or_session: Any) -> str:
    """The id of the worker, or ``master`` outside of one.

    :param request_or_session: the ``request`` or ``session`` object
    """
    config = request_or_session.config
    return str(config.workerinput["workerid"]) if hasattr(config, "workerinput") else "master"


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """Return the id of the current worker ('gw0', 'gw1', etc) or 'master'
    if running on the master node.
    """
    return get_xdist_worker_id(request)


@pytest.fixture(scope="session")
def testrun_uid(request: pytest.FixtureRequest) -> str:
    """Return the unique id of the current test."""
    workerinput = getattr(request.config, "workerinput", None)
    return str(workerinput["testrunuid"]) if workerinput is not None else uuid.uuid4().hex
