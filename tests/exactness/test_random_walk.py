"""A few steps of the random walk; it can go further by itself."""

from __future__ import annotations

import pytest
from exact import Scene
from random_walk import walk


@pytest.mark.parametrize("seed", [1, 2])
def test_walk(scene: Scene, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    found = walk(scene, seed=seed, steps=13)
    assert not found, capsys.readouterr().out
