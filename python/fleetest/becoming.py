"""Workers that are forked from the session that has collected, told what they are by their controller."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NoReturn

from fleetest import forked
from fleetest.node import Node
from fleetest.plumbing import keep_streams
from fleetest.specs import Spec
from fleetest.worker import ForkedWorker, apply_role

if TYPE_CHECKING:
    from fleetest import _core
    from fleetest.plumbing import Plumbing
    from fleetest.run import Run


def told_node(run: Run, told: dict[str, Any]) -> Node:
    """The node that a controller tells a worker of."""
    spec = Spec("popen")
    spec.id = told["id"]
    node = Node(run.nodemanager, spec)
    node.workerinput = told["workerinput"]
    node.base_temp = None if told["base_temp"] is None else Path(told["base_temp"])
    return node


def become(run: Run, node: Node, plumbing: Plumbing, channel: _core.Channel) -> NoReturn:
    """In a process just forked from the session as it was when the workers were made: be the worker of a node."""
    worker = ForkedWorker(run.session)

    def begin() -> Callable[[], None]:
        apply_role(run.config, node.workerinput)
        worker.prepare()
        # Before the session begins: what is opened later for writing is taken for the project's.
        real = keep_streams()
        return lambda: worker.run(node, plumbing, channel, real=real, random_state=run.random)

    forked.live(begin, left_open=run.left_open, leaves=worker.leaves)


def be_replacement(run: Run, plumbing: Plumbing) -> NoReturn:
    """In a process forked off the spare: be the worker that the controller tells of."""
    channel = plumbing.channel()
    answer = channel.receive()
    if answer is None:
        os._exit(1)
    become(run, told_node(run, answer[1]), plumbing, channel)
