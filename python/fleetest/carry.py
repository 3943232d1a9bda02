"""The table of well-known plugins that may be carried over a fork, and what each needs for it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from fleetest.stages import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class Carried:
    """One plugin of the table."""

    plugin: str
    """The name it is registered under."""

    thread_module: str | None = None
    """The module whose threads a worker does without."""

    starts_early = False
    """It begins its work before the conftests: what then goes on is not a worker's own."""

    def before_fork(self, config: pytest.Config, plugin: Any) -> None:
        """In the controller, before the nodes are configured."""

    def in_worker(self, config: pytest.Config, session: pytest.Session, plugin: Any) -> None:
        """In a forked worker, before its first test."""

    def in_own_session(self, plugin: Any) -> None:
        """In a worker that has a session of its own, before its first test."""


class _PytestCov(Carried):
    """Each worker measures for itself; the controller combines, as under xdist."""

    plugin = "_cov"
    starts_early = True

    def before_fork(self, config: pytest.Config, plugin: Any) -> None:
        from pytest_cov.engine import Central, DistMaster

        controller: Any = getattr(plugin, "cov_controller", None)
        if type(controller) is not Central:
            return
        # pytest-cov looked at -n before it was known that there would be workers.
        controller.__class__ = DistMaster
        cov = controller.cov
        cov._warn_no_data = cov._warn_unimported_source = cov._warn_preimported_source = False
        cov.config.paths["source"] = [controller.topdir]

    def in_worker(self, config: pytest.Config, session: pytest.Session, plugin: Any) -> None:
        from pytest_cov.engine import DistWorker

        inherited = getattr(plugin, "cov_controller", None)
        if inherited is None or inherited.cov is None:
            return
        # What was measured so far is the controller's to save.
        inherited.cov.stop()
        plugin.start(DistWorker, config, config.workerinput["workerid"])  # type: ignore[attr-defined]
        self.in_own_session(plugin)
        # The modules it has inherited were measured already.
        plugin.cov_controller.cov._warn_preimported_source = False
        contexts: Any = config.pluginmanager.getplugin("_cov_contexts")
        if hasattr(contexts, "cov_controller"):  # since pytest-cov 7.1
            contexts.cov_controller = plugin.cov_controller
        elif contexts is not None:
            contexts.cov = plugin.cov_controller.cov

    def in_own_session(self, plugin: Any) -> None:
        controller = getattr(plugin, "cov_controller", None)
        if controller is not None and controller.cov is not None:
            controller.cov._warn_no_data = False  # a worker may be given no test


class _RerunFailures(Carried):
    """Its threads answer workers over a socket: a forked worker becomes a client, as under xdist."""

    plugin = "rerunfailures"
    thread_module = "pytest_rerunfailures"

    def in_worker(self, config: pytest.Config, session: pytest.Session, plugin: Any) -> None:
        workerinput = config.workerinput  # type: ignore[attr-defined]
        if "sock_port" not in workerinput:
            return
        args = [
            workerinput[name] for name in ("sock_port", "statusdb_token") if name in workerinput
        ]
        config.failures_db = plugin.ClientStatusDB(*args)  # type: ignore[attr-defined]


class _Metadata(Carried):
    """It leaves in the worker's output, when it is configured, what the controller then expects."""

    plugin = "metadata"

    def in_worker(self, config: pytest.Config, session: pytest.Session, plugin: Any) -> None:
        output: dict[str, Any] = config.workeroutput  # type: ignore[attr-defined]
        output["metadata"] = dict(config.stash[plugin.metadata_key])


class _Benchmark(Carried):
    """It warns at the end that there are workers, in the first process that has seen a benchmark."""

    plugin = "pytest-benchmark"

    def in_worker(self, config: pytest.Config, session: pytest.Session, plugin: Any) -> None:
        plugin.xdist_benchmark_found = False  # the controller says it


_TABLE = (_PytestCov(), _RerunFailures(), _Metadata(), _Benchmark())


KNOWN = frozenset(
    (
        *("anyio", "coverage", "hypothesis", "_hypothesis_pytestplugin", "pytest_asyncio"),
        *("pytest_benchmark", "pytest_cov", "pytest_django", "pytest_html", "pytest_metadata"),
        *("pytest_mock", "pytest_randomly", "pytest_rerunfailures", "pytest_subtests"),
        *("pytest_sugar", "pytest_timeout"),
    )
)
"""Packages that may ask for the role and are right in a forked worker all the same: the smoke projects
of tests/parity/plugins are the proof."""


def is_known(module: str) -> bool:
    """Whether a module belongs to a plugin that may ask for the role."""
    return module.partition(".")[0] in KNOWN


def _present(config: pytest.Config) -> list[tuple[Carried, Any]]:
    found: list[tuple[Carried, Any]] = []
    for entry in _TABLE:
        plugin = config.pluginmanager.getplugin(entry.plugin)
        if plugin is not None:
            found.append((entry, plugin))
    return found


def concerns(config: pytest.Config) -> bool:
    """Whether one of them is in the session."""
    return bool(_present(config))


def before_fork(config: pytest.Config) -> None:
    """Prepare the plugins of the table for workers."""
    for entry, plugin in _present(config):
        with contextlib.suppress(ImportError):
            entry.before_fork(config, plugin)


def in_worker(config: pytest.Config, session: pytest.Session) -> None:
    """Make the plugins of the table a worker's."""
    for entry, plugin in _present(config):
        with contextlib.suppress(ImportError):
            entry.in_worker(config, session, plugin)


def in_own_session(config: pytest.Config) -> None:
    """Tell the plugins of the table that the session is a worker's."""
    for entry, plugin in _present(config):
        entry.in_own_session(plugin)


@contextlib.contextmanager
def beginning_own_session(early_config: pytest.Config) -> Iterator[None]:
    """While a worker's own session lets plugins begin, as if it were a controller's.

    pytest-cov then removes what was measured before: here that is what the other workers measure.
    """
    if not getattr(early_config.known_args_namespace, "cov_source", None):
        yield
        return
    from coverage import Coverage

    erase = Coverage.erase
    Coverage.erase = lambda _: None
    try:
        yield
    finally:
        Coverage.erase = erase


def may_park(config: pytest.Config, stage: Stage) -> bool:
    """Whether workers can be made from a checkpoint at the beginning of a stage."""
    return stage < Stage.CONFIGURATION or not any(
        entry.starts_early for entry, _ in _present(config)
    )


def harmless_thread(config: pytest.Config, thread: Any) -> bool:
    """Whether a thread belongs to a plugin of the table, which does without it in a worker."""
    modules = [entry.thread_module for entry, _ in _present(config)]
    target = getattr(thread, "_target", None)
    return target is not None and getattr(target, "__module__", None) in modules
