"""Workers as new processes, each of which configures and collects for itself."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from fleetest.plumbing import Plumbing

if TYPE_CHECKING:
    from fleetest.node import Node
    from fleetest.run import Run

BOOTSTRAP = "from fleetest.launch import from_controller; from_controller()"


class Spawner:
    """Makes a run's workers by starting Python anew: for sessions that cannot be forked."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def make(self, nodes: list[Node]) -> None:
        """Start a worker for each node."""
        for node in nodes:
            self.make_one(node)

    def make_one(self, node: Node) -> None:
        """Start the worker of a node.

        :raises OSError: the interpreter cannot be started
        """
        plumbing = Plumbing.make(self.run.config)
        plumbing.close_captured()  # the worker has a capturing of its own
        environ = dict(os.environ)
        # What this process imports, the worker must be able to import: fleetest first of all.
        process = subprocess.Popen(
            [
                sys.executable,
                *subprocess._args_from_interpreter_flags(),  # type: ignore[attr-defined]
                "-c",
                f"import sys; sys.path[:] = {sys.path!r}; {BOOTSTRAP}",
                str(plumbing.worker_sock),
            ],
            stdin=None if self._uncaptured() else subprocess.DEVNULL,
            stdout=plumbing.worker_out,
            stderr=plumbing.worker_err,
            pass_fds=[plumbing.worker_sock],
            env=environ,
            cwd=self.run.config.invocation_params.dir,
            start_new_session=False,
        )
        plumbing.close_worker_ends()
        node.pid, node.plumbing = process.pid, plumbing
        process.returncode = 0  # the engine reaps it
        config = self.run.config
        init = {
            "args": [str(arg) for arg in config.invocation_params.args],
            "workerinput": node.workerinput,
            "base_temp": None if node.base_temp is None else str(node.base_temp),
            "controller": os.getpid(),
            "reporter": bool(config.pluginmanager.hasplugin("terminalreporter")),
        }
        node.greeting = init

    def _uncaptured(self) -> bool:
        return bool(self.run.config.getoption("capture", "no") == "no")

    def close(self) -> None:
        """Nothing is kept."""
