"""Objects that workers inherit are kept from the garbage collector, and nobody can tell."""

from __future__ import annotations

import pytest
from lab import Project


@pytest.mark.parametrize("workers", ["0", "2"])
def test_collecting_sees_what_was_made_before_the_fork(project: Project, workers: str) -> None:
    """Whoever asks for a collection, or for the collector's objects, gets all of them."""
    project.file(
        "test_a.py",
        """
        import gc
        import weakref
        from gc import collect as kept

        import pytest

        class Node:
            pass

        def cycle():
            node = Node()
            node.itself = node
            return node

        cycles = [cycle() for _ in range(6)]
        marker = Node()

        @pytest.mark.parametrize("collect", [gc.collect, kept], ids=["looked up", "kept"])
        def test_collect(collect):
            last = weakref.ref(cycles[-1])
            cycles.clear()
            assert collect() is not None
            assert last() is None

        def test_get_objects():
            assert any(thing is marker for thing in gc.get_objects())

        def test_get_referrers():
            assert any(thing is globals() for thing in gc.get_referrers(marker))

        def test_get_freeze_count():
            assert gc.get_freeze_count() == 0

        def test_freeze():
            gc.freeze()
            assert gc.get_freeze_count() > 0
            gc.unfreeze()
            assert gc.get_freeze_count() == 0
            assert any(thing is marker for thing in gc.get_objects())
        """,
    )
    for name in (
        "looked",
        "kept",
        "get_objects",
        "get_referrers",
        "get_freeze_count",
        "test_freeze",
    ):
        project.fleetest("-n", workers, "-k", name).check(0).counts(passed=1, deselected=5)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_finalizers_at_the_end_of_the_interpreter(project: Project, workers: str) -> None:
    """What waits for the end gets it, once: a temporary file, a plugin's __del__ in a cycle."""
    project.file(
        "conftest.py",
        """
        import os
        import tempfile

        held = tempfile.NamedTemporaryFile(prefix="held-")

        class Plugin:
            def __init__(self):
                self.itself = self
                self.pid = os.getpid()

            def __del__(self):
                if os.getpid() == self.pid:
                    os.write(2, b"finalized\\n")

        def pytest_configure(config):
            config.pluginmanager.register(Plugin())
        """,
    )
    project.file("test_a.py", "def test_one():\n    pass\n\ndef test_two():\n    pass\n")
    result = project.fleetest("-n", workers).check(0)
    assert result.err.count("finalized") == 1
    assert not result.left_files


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("finalizer", ["", "def __del__(self): pass"])
def test_the_interpreter_is_not_taken_apart(project: Project, workers: str, finalizer: str) -> None:
    """Where nothing waits for its end, the process ends before that."""
    project.file(
        "conftest.py",
        f"""
        from fleetest import _core

        class Kept:
            kept = None
            {finalizer}

        Kept.kept = Kept()

        def end(code, original=_core.end):
            open("ended.log", "a").write("at once\\n")
            original(code)

        _core.end = end
        """,
    )
    project.file("test_a.py", "def test_one():\n    pass\n\ndef test_two():\n    pass\n")
    project.fleetest("-n", workers).check(0).counts(passed=2)
    assert project.logged("ended.log") == ([] if finalizer else ["at once"])
