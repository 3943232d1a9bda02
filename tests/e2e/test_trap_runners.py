"""Traps of the fork: tests that are runners themselves."""

from __future__ import annotations

import sys

from lab import FLEETEST, Project, Result

# ---- runners inside tests ----


def inner(project: Project, body: str) -> Result:
    """Run tests that use pytester, in two workers."""
    project.file("conftest.py", 'pytest_plugins = "pytester"\n')
    text = body.strip("\n")
    project.file("test_outer.py", text)
    return project.fleetest("-n", "2").check(0)


def test_pytester_in_a_worker(project: Project) -> None:
    """In process and in a subprocess, plain runs are plain."""
    inner(
        project,
        """
        import os

        import pytest

        TEXT = '''
            import os

            def test_role(pytestconfig):
                assert not hasattr(pytestconfig, "workerinput")
            def test_fails(): assert 0
        '''

        def environment():
            # An inner run in process takes this one away, under plain pytest too.
            return {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}

        @pytest.mark.parametrize("way", ["inprocess", "subprocess"])
        def test_run(pytester, way):
            before = environment()
            pytester.makepyfile(TEXT)
            for _ in range(2):
                result = getattr(pytester, f"runpytest_{way}")()
                result.assert_outcomes(passed=1, failed=1)
                result.stdout.no_fnmatch_line("fleetest: *")
                assert result.ret == 1
            assert environment() == before

        def test_inline(pytester):
            pytester.makepyfile(TEXT)
            record = pytester.inline_run()
            record.assertoutcome(passed=1, failed=1)
        """,
    ).counts(passed=3)


def test_fleetest_in_a_worker(project: Project) -> None:
    """An inner run in process starts as a controller, twice, and leaves nothing."""
    inner(
        project,
        """
        import os
        import signal
        import sys

        import pytest

        TEXT = '''
            import os

            import pytest

            @pytest.mark.parametrize("number", range(4))
            def test_role(pytestconfig, number, worker_id):
                assert pytestconfig.workerinput["workercount"] == 2
                assert os.environ["PYTEST_XDIST_WORKER"] == worker_id
                assert os.getppid() == PARENT
            def test_fails(): assert 0
        '''

        def state():
            return (
                sorted(os.listdir("/proc/self/fd")),
                [signal.getsignal(number) for number in signal.valid_signals()],
                signal.set_wakeup_fd(-1),
                dict(os.environ),
                sys.argv,
                sys.path,
                os.getcwd(),
                list(sys.meta_path),
                sys.modules.get("xdist"),
            )

        def run(pytester, *args):
            pytester.makepyfile(TEXT.replace("PARENT", str(os.getpid())))
            before = state()
            for _ in range(2):
                result = pytester.runpytest_inprocess("-p", "fleetest", *args)
                result.assert_outcomes(passed=4, failed=1)
                result.stdout.fnmatch_lines(["created: 2/2 workers", "2 workers [[]5 items]"])
                assert result.ret == 1
            assert state() == before
            with pytest.raises(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)

        def test_inner(pytester):
            run(pytester, "-n", "2")

        def test_inner_ordered(pytester):
            run(pytester, "-n", "2", "--ordered")

        def test_outer_worker_is_what_it_was(pytestconfig, worker_id):
            assert pytestconfig.workerinput["workerid"] == worker_id
            assert os.environ["PYTEST_XDIST_WORKER"] == worker_id
        """,
    ).counts(passed=3)


def test_fleetest_in_a_subprocess_of_a_worker(project: Project) -> None:
    """Nothing of the outer run leaks into it."""
    inner(
        project,
        f"""
        import pytest

        COMMANDS = [
            [{FLEETEST!r}, "-n", "2"],
            [{sys.executable!r}, "-m", "fleetest", "-n", "2"],
            [{sys.executable!r}, "-m", "pytest", "-p", "fleetest", "-n", "2"],
        ]

        @pytest.mark.parametrize("command", COMMANDS)
        def test_inner(pytester, command):
            pytester.makepyfile('''
                import os

                def test_role(pytestconfig):
                    assert pytestconfig.workerinput["workercount"] == 2
                def test_two(): pass
                def test_fails(): assert 0
            ''')
            result = pytester.run(*command)
            result.assert_outcomes(passed=2, failed=1)
            result.stdout.fnmatch_lines(["created: 2/2 workers"])
            assert result.ret == 1
            result = pytester.run(*command[:-2], "-n", "0")
            result.assert_outcomes(passed=1, failed=2)
        """,
    ).counts(passed=3)


def test_plain_inner_run_knows_no_outer_worker(project: Project) -> None:
    """With fleetest's plugin in the inner session, but no workers."""
    inner(
        project,
        """
        TEXT = '''
            from xdist import is_xdist_worker

            def test_role(request, worker_id):
                assert worker_id == "master"
                assert not is_xdist_worker(request)
        '''

        def test_inner(pytester):
            pytester.makepyfile(TEXT)
            pytester.runpytest_inprocess("-p", "fleetest", "-n", "0").assert_outcomes(passed=1)
            pytester.runpytest_inprocess("-p", "fleetest").assert_outcomes(passed=1)

        def test_other(): pass
        """,
    ).counts(passed=2)
