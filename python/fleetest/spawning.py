"""Workers as new processes, each of which configures and collects for itself."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from fleetest.elsewhere import place_of
from fleetest.own_session import greeting
from fleetest.plumbing import Plumbing, keep_streams
from fleetest.privates import private

if TYPE_CHECKING:
    from fleetest.node import Node
    from fleetest.run import Run
    from fleetest.specs import Spec

BOOTSTRAP = "from fleetest.launch import from_controller; from_controller()"

FOREIGN = """import sys
try:
    from fleetest.launch import from_controller
except ImportError as error:
    sys.exit('fleetest: %s cannot load fleetest: install it there (%s)' % (sys.executable, error))
from_controller()
"""


class Spawner:
    """Makes a run's workers by starting Python anew: for sessions that cannot be forked."""

    is_cheap = False
    """Whether a worker is made in no time, so that it may be made for nothing."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def make(self, nodes: list[Node]) -> None:
        """Start a worker for each node.

        :raises OSError: one cannot be started; the others are ended again
        :raises pytest.UsageError: as :meth:`Copies.arguments`
        """
        for number, node in enumerate(nodes):
            try:
                self.make_one(node)
            except BaseException:
                for made in nodes[:number]:
                    os.kill(made.pid, signal.SIGKILL)
                    os.waitpid(made.pid, 0)
                raise

    def make_one(self, node: Node) -> None:
        """Start the worker of a node.

        :raises OSError: the interpreter cannot be started
        """
        spec = node.gateway.spec
        node.greeting = greeting(node, self.run.copies, self.run.start_of_command)
        plumbing = Plumbing.make(self.run.config)
        real = list(keep_streams().values())
        place = place_of(self.run.config, spec)
        try:
            if spec.chdir is not None:
                place.mkdir(exist_ok=True)
            process = subprocess.Popen(
                [*_interpreter(spec), str(plumbing.worker_sock), str(plumbing.tail)],
                stdin=self._stdin(),
                stdout=plumbing.worker_out,
                stderr=plumbing.worker_err,
                pass_fds=[*plumbing.fds_but_pipes(), *real],
                env={**os.environ, **spec.env},
                cwd=place,
                start_new_session=False,
            )
        except OSError:
            plumbing.close_controller_ends()
            plumbing.close_shared()
            raise
        finally:
            plumbing.close_worker_ends()
            for fd in real:
                os.close(fd)
        node.pid, node.plumbing = process.pid, plumbing
        process.returncode = 0  # the engine reaps it
        node.greeting["environ"].update(spec.env)
        node.greeting.update(real=real, captured=plumbing.captured)

    def _stdin(self) -> int:
        """The descriptor of the run's standard input: capturing has put the null device behind 0."""
        for number, part in private.capture_ends(self.run.config):
            if number == 0 and private.captures_descriptors(part):
                return int(part.targetfd_save)
        return 0

    def close(self) -> None:
        """Nothing is kept."""


def _interpreter(spec: Spec) -> list[str]:
    """The command of a worker, up to its arguments."""
    if spec.python is not None:
        return [*shlex.split(spec.python), "-c", FOREIGN]
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    # What this process imports, the worker must be able to import: fleetest first of all.
    return [sys.executable, *flags, "-c", f"import sys; sys.path[:] = {sys.path!r}; {BOOTSTRAP}"]
