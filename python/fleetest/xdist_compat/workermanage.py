"""What schedulers and plugins use of ``xdist.workermanage``."""

from __future__ import annotations

from fleetest.node import Node as WorkerController
from fleetest.node import NodeManager
from fleetest.specs import parse_tx_spec_config

__all__ = ["NodeManager", "WorkerController", "parse_tx_spec_config"]
