"""A worker as the controller and its plugins see it: xdist's ``node``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetest.plain import Rebuilder

if TYPE_CHECKING:
    import pytest

    from fleetest.plumbing import Plumbing


class Spec:
    """What xdist calls the execution spec of a gateway."""

    def __init__(self, worker_id: str) -> None:
        self.id = worker_id
        self.popen = True
        self.chdir: str | None = None
        self.python: str | None = None
        self.execmodel = "main_thread_only"
        self._spec = "popen"

    def __str__(self) -> str:
        return self._spec

    def __repr__(self) -> str:
        return f"<XSpec '{self._spec}'>"


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

    def __init__(self, worker_id: str) -> None:
        self.id = worker_id
        self.spec = Spec(worker_id)

    def _rinfo(self, update: bool = False) -> RemoteInfo:
        return RemoteInfo()

    def __repr__(self) -> str:
        return f"<Gateway id={self.id!r}>"


class NodeManager:
    """The part of xdist's node manager that plugins look at."""

    def __init__(self, config: pytest.Config, testrunuid: str) -> None:
        self.config = config
        self.testrunuid = testrunuid
        self.roots: list[Path] = []
        self.specs: list[Spec] = []


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


class Node:
    """One worker of a run, xdist's ``WorkerController``."""

    workerinput: dict[str, Any]
    """What the worker finds as ``config.workerinput``; ``pytest_configure_node`` may add to it."""

    workeroutput: dict[str, Any]
    """What it left in ``config.workeroutput``; absent until it has finished."""

    over: bool
    """Its session has ended, its process not yet."""

    def __init__(
        self, config: pytest.Config, manager: NodeManager, worker_id: str, count: int
    ) -> None:
        self.config = config
        self.nodemanager = manager
        self.gateway = Gateway(worker_id)
        self.workerinput = {
            "workerid": worker_id,
            "workercount": count,
            "testrunuid": manager.testrunuid,
            "mainargv": sys.argv,
        }
        self.workerinfo: dict[str, Any] = {**describe_interpreter(), "id": worker_id}
        self.workerinfo["spec"] = self.gateway.spec
        self.ready = False
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

    @property
    def id(self) -> str:
        """``gw0`` and so on."""
        return self.gateway.id

    def __repr__(self) -> str:
        return f"<WorkerController {self.id}>"
