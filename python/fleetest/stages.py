"""The stages of a session on its way to its tests, and the points from which workers are made."""

from __future__ import annotations

from enum import IntEnum


class Stage(IntEnum):
    """What a session is doing."""

    PLUGINS = 0
    """Importing pytest's plugins."""
    CONFTESTS = 1
    """Importing the initial conftests."""
    CONFIGURATION = 2
    """Configuring, starting and collecting."""


AFTER_COLLECTION = "forked after collection"
SPAWNED = "spawned"
NO_WORKERS = "none"
BEFORE = {
    Stage.CONFTESTS: "forked before the conftests",
    Stage.CONFIGURATION: "forked before configuration",
}
"""How workers are made that may share only what was done before a stage, and in other cases."""

FORCED = {"conftests": Stage.CONFTESTS, "configure": Stage.CONFIGURATION}
"""Start methods that name a checkpoint."""
