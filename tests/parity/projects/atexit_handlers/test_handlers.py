import atexit
import time

import pytest
import shared


@pytest.mark.parametrize("n", range(12))
def test_uses_folder(n):
    time.sleep(0.01 if n % 4 else 0.03)
    assert (shared.FOLDER / "data.txt").read_text() == "shared data"


def test_registers():
    atexit.register(lambda: None)


def test_slow_last():
    time.sleep(0.2)
    assert (shared.FOLDER / "data.txt").exists()
