"""Which worker gets which tests, and in which order."""

from __future__ import annotations

from typing import Any

import pytest
from lab import Project
from observing import last_record, ran

FILES = 6


def write_files(project: Project) -> None:
    """Files of quick tests, and a slow one in the last of them."""
    project.file("conftest.py", "import pytest\n")
    for number in range(FILES):
        slow = "time.sleep(0.3)" if number == FILES - 1 else "pass"
        project.file(
            f"test_{number}.py",
            f"""
            import time
            import pytest

            @pytest.mark.parametrize("n", range(10))
            def test_quick(n):
                pass

            def test_last():
                {slow}
            """,
        )


def place_of(tests: dict[str, list[str]], name: str) -> int:
    """How many tests its worker ran before this one."""
    return next(own.index(name) for own in tests.values() if name in own)


SLOW = f"test_{FILES - 1}.py::test_last"


def test_what_took_long_starts_early(project: Project) -> None:
    """As soon as a run has told what takes long; within a file the order is the file's."""
    write_files(project)
    project.fleetest("-n", "2").check(0)
    assert place_of(ran(project), SLOW) >= 10
    project.fleetest("-n", "2").check(0)
    again = ran(project)
    assert place_of(again, SLOW) <= 10
    for tests in again.values():
        for number in range(FILES):
            own = [name for name in tests if name.startswith(f"test_{number}.py")]
            assert own == sorted(own, key=lambda name: (name.endswith("test_last"), name))


REORDER = """
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.nodeid, reverse=True)
    items.append(items.pop(0))
"""


@pytest.mark.parametrize("args", [("--ordered",), ("--ff",), ("plugin",)])
def test_an_order_that_somebody_wants_is_kept(project: Project, args: tuple[str, ...]) -> None:
    """--ordered, an option of pytest or a plugin: what took long has to wait its turn."""
    write_files(project)
    if args == ("plugin",):
        project.file("conftest.py", REORDER)
        args = ()
    elif args == ("--ff",):
        project.file("test_3.py", "def test_failing():\n    assert 0\n")
    code = 1 if args == ("--ff",) else 0
    project.fleetest("-n", "2").check(code)
    project.fleetest("-n", "2", *args).check(code)
    plan: list[str] = last_record(project)[1]["tests"]
    for tests in ran(project).values():
        assert tests == sorted(tests, key=plan.index)


def test_durations_of_parts_are_put_together(project: Project) -> None:
    """A run of one file knows what it took in the run of all, and the other way round."""
    write_files(project)
    project.fleetest("-n", "2").check(0)
    project.fleetest("-n", "2", "test_0.py", "test_1.py").check(0)
    project.fleetest("-n", "2").check(0)
    assert place_of(ran(project), SLOW) <= 10


def seconds(project: Project) -> list[Any]:
    """What the last record says that each test took."""
    found: list[Any] = last_record(project)[-1]["seconds"]
    return found


def test_what_was_not_run_has_no_duration(project: Project) -> None:
    """Nor does a test that crashed."""
    project.file(
        "test_a.py",
        "import os\n\ndef test_0(): pass\ndef test_1(): os._exit(1)\ndef test_2(): pass\n",
    )
    project.fleetest("-n", "1").check(1)
    assert [value is None for value in seconds(project)] == [False, True, False]


SINGLE = """
    import os
    import pytest

    @pytest.fixture(scope="session")
    def port():
        fd = os.open("bound", os.O_CREAT | os.O_EXCL)
        yield 8000
        os.close(fd)
        os.unlink("bound")

    @pytest.fixture
    def client(port):
        return port

    @pytest.fixture(scope="session")
    def device():
        fd = os.open("opened", os.O_CREAT | os.O_EXCL)
        yield
        os.close(fd)
        os.unlink("opened")
"""


@pytest.mark.parametrize("options", [(), ("--ordered",), ("--start-method=spawn",)])
def test_single_fixtures(project: Project, options: tuple[str, ...]) -> None:
    """All tests that use one, directly or not, run in one worker; the others are spread."""
    project.file("pytest.ini", "[pytest]\nfleetest_single_fixtures = port device\n")
    project.file("conftest.py", SINGLE)
    for number in range(4):
        project.file(
            f"test_{number}.py",
            """
            import pytest

            def test_port(port): pass

            @pytest.mark.parametrize("n", range(10))
            def test_other(n): pass

            def test_client(client): pass

            @pytest.mark.usefixtures("device")
            def test_device(): pass
            """,
        )
    result = project.fleetest("-n", "3", *options).check(0)
    result.lines("single fixture port: used by 8 tests", "single fixture device: used by 4 tests")
    tests = ran(project)
    for name in ("test_port", "test_device"):
        assert len([own for own in tests.values() if any(name in test for test in own)]) == 1
    with_port = {
        name for own in tests.values() if any("port" in test for test in own) for name in own
    }
    assert {f"test_{number}.py::test_client" for number in range(4)} <= with_port


def test_single_fixtures_that_are_used_together(project: Project) -> None:
    """A test that uses two of them ties all users of both to one worker."""
    project.file("pytest.ini", "[pytest]\nfleetest_single_fixtures = port device\n")
    project.file("conftest.py", SINGLE)
    project.file(
        "test_it.py",
        """
        import pytest

        @pytest.mark.parametrize("n", range(5))
        def test_device(device, n): pass

        @pytest.mark.parametrize("n", range(5))
        def test_port(port, n): pass

        def test_both(port, device): pass
        """,
    )
    project.fleetest("-n", "2").check(0)
    assert [len(tests) for tests in ran(project).values()] == [11]


def test_single_fixtures_crash(project: Project) -> None:
    """What a crashed worker had not run goes to one other worker."""
    project.file("pytest.ini", "[pytest]\nfleetest_single_fixtures = thing\n")
    project.file(
        "test_it.py",
        """
        import os
        import pytest

        @pytest.fixture(scope="session")
        def thing(worker_id):
            return worker_id

        @pytest.mark.parametrize("n", range(9))
        def test_thing(thing, n):
            if n == 3:
                os._exit(1)
        """,
    )
    result = project.fleetest("-n", "2").check(1)
    result.counts(passed=8, failed=1)
    counts = sorted(len(tests) for tests in ran(project).values())
    assert counts == [4, 5]


def test_single_fixtures_under_plain_pytest(project: Project) -> None:
    """The key is known there, and does nothing."""
    project.file("pytest.ini", "[pytest]\nfleetest_single_fixtures = thing\n")
    project.file("test_it.py", "def test_it(): pass\n")
    project.python("-m", "pytest", "-W", "error").check(0)
