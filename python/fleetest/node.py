"""A worker as the controller and its plugins see it: xdist's ``node``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fleetest.plain import Rebuilder

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from fleetest.plumbing import Plumbing
    from fleetest.specs import Spec


class RemoteInfo:
    """What ``gateway._rinfo()`` gives: the worker's interpreter."""

    def __init__(self) -> None:
        self.executable = sys.executable
        self.cwd = os.getcwd()
        self.platform = sys.platform
        self.version_info = tuple(sys.version_info)
        self.pid = os.getpid()


class Gateway:
    """The part of execnet's gateway that plugins look at."""

    def __init__(self, spec: Spec) -> None:
        self.id = str(spec.id)
        self.spec = spec

    def _rinfo(self, update: bool = False) -> RemoteInfo:
        return RemoteInfo()

    def __repr__(self) -> str:
        return f"<Gateway id={self.id!r}>"


class NodeManager:
    """The part of xdist's node manager that plugins look at."""

    def __init__(self, config: pytest.Config, testrunuid: str, specs: list[Spec]) -> None:
        self.config = config
        self.testrunuid = testrunuid
        self.roots: list[Path] = []
        self.specs = specs


def describe_interpreter() -> dict[str, Any]:
    """What a worker says of itself: xdist's ``workerinfo``."""
    return {
        "version": sys.version,
        "version_info": tuple(sys.version_info),
        "sysplatform": sys.platform,
        "platform": sys.platform,
        "executable": sys.executable,
        "cwd": os.getcwd(),
    }


class Orders(Protocol):
    """Who takes orders for workers."""

    def assign(self, node: Node, indices: Sequence[int]) -> None:
        """Append tests to what a worker is to run."""

    def assign_all(self, node: Node) -> None:
        """Append all of them."""

    def withdraw(self, node: Node, indices: Sequence[int]) -> None:
        """Take back those that it was not told of."""

    def close(self, node: Node) -> None:
        """It gets nothing more."""


class Node:
    """One worker of a run, xdist's ``WorkerController``."""

    workerinput: dict[str, Any]
    """What the worker finds as ``config.workerinput``; ``pytest_configure_node`` may add to it."""

    workeroutput: dict[str, Any]
    """What it left in ``config.workeroutput``; absent until it has finished."""

    over: bool
    """Its session has ended, its process not yet."""

    def __init__(self, manager: NodeManager, spec: Spec) -> None:
        self.config = manager.config
        self.nodemanager = manager
        self.gateway = Gateway(spec)
        self.workerinput = {
            "workerid": self.id,
            "workercount": len(manager.specs),
            "testrunuid": manager.testrunuid,
            "mainargv": sys.argv,
        }
        self.workerinfo: dict[str, Any] = {**describe_interpreter(), "id": self.id}
        self.workerinfo["spec"] = spec
        self.ready = False
        self.gathered = False
        """It has collected, or has the controller's collection."""
        self.base_temp: Path | None = None
        self.plumbing: Plumbing | None = None
        self.number = -1
        self.pid = -1
        self.item: int | None = None
        self.shutting_down = False
        self.over = False
        self.fault_text = ""
        self.sections: list[tuple[str, str]] = []
        self.rebuilder = Rebuilder()
        self.greeting: dict[str, Any] | None = None
        self.seconds = 0.0
        """What the phases of its present test took so far."""
        self.orders: Orders | None = None
        """Takes orders for it; None: the native scheduler gives them."""

    @property
    def id(self) -> str:
        """``gw0`` and so on."""
        return self.gateway.id

    def _orders(self) -> Orders:
        if self.orders is None:
            raise RuntimeError(
                "fleetest's own scheduler gives out the tests of this run: return another one from "
                "pytest_xdist_make_scheduler"
            )
        return self.orders

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        """Append tests to what it is to run.

        :param indices: their numbers in the order of collection
        """
        self._orders().assign(self, indices)

    def send_runtest_all(self) -> None:
        """Append all tests."""
        self._orders().assign_all(self)

    def send_steal(self, indices: Sequence[int]) -> None:
        """Ask for tests back; the scheduler's ``remove_pending_tests_from_node`` is told which."""
        self._orders().withdraw(self, indices)

    def shutdown(self) -> None:
        """Have it end its session after what it was given."""
        if not self.shutting_down:
            self._orders().close(self)
            self.shutting_down = True

    def __repr__(self) -> str:
        return f"<WorkerController {self.id}>"
