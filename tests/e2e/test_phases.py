"""What is done around each phase of a test gives what pytest's own functions give."""

from __future__ import annotations

import re

from lab import Project

LOGS = """
    import logging

    import pytest

    alone = logging.getLogger("alone")
    alone.propagate = False

    def attached(plugin):
        handlers = plugin.caplog_handler, plugin.report_handler
        return [[handlers.index(handler) for handler in logger.handlers if handler in handlers]
                for logger in (logging.root, alone)]

    @pytest.fixture
    def plugin(request):
        return request.config.pluginmanager.get_plugin("logging-plugin")
"""


def test_log_handlers(project: Project) -> None:
    """They are at the root, and at loggers that do not propagate, for as long as a phase runs."""
    project.file("common.py", LOGS)
    project.file(
        "conftest.py",
        """
        from common import *

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_makereport(item, call):
            plugin = item.config.pluginmanager.get_plugin("logging-plugin")
            assert attached(plugin) == [[], []]
        """,
    )
    project.file(
        "test_it.py",
        """
        from common import *
        from _pytest.logging import catching_logs

        everywhere = "attached_loggers" in getattr(catching_logs, "__slots__", ())  # since pytest 9.1

        @pytest.mark.parametrize("fails", [False, True])
        def test_in_a_phase(plugin, caplog, fails):
            assert attached(plugin) == [[0, 1], [0, 1] if everywhere else []]
            logging.getLogger("below").warning("said")
            assert caplog.messages == ["said"]
            assert not fails
        """,
    )
    project.file("pytest.ini", "[pytest]\npythonpath = .")
    project.fleetest("-n", "0").check(1).counts(passed=1, failed=1).lines("WARNING *below:*said")


def test_levels_and_roots_of_their_own(project: Project) -> None:
    """With a level, or a root that does something else, pytest's own function is used."""
    project.file("common.py", LOGS)
    project.file(
        "test_it.py",
        """
        from common import *

        class Root(logging.RootLogger):
            def addHandler(self, handler):
                self.asked = getattr(self, "asked", 0) + 1
                super().addHandler(handler)

        def test_level(plugin):
            assert logging.root.level == logging.INFO
            assert attached(plugin)[0] == [0, 1]
            logging.root.__class__ = Root

        def test_root(plugin):
            assert logging.root.asked >= 2
            logging.root.__class__ = logging.RootLogger

        def test_again(plugin):
            assert logging.root.asked >= 2
            assert attached(plugin)[0] == [0, 1]
        """,
    )
    project.file("pytest.ini", "[pytest]\npythonpath = .\nlog_level = INFO")
    project.fleetest("-n", "0").check(0).counts(passed=3)
    project.file("pytest.ini", "[pytest]\npythonpath = .")
    project.fleetest("-n", "0", "-k", "not level").check(1)


def test_the_name_of_the_current_test(project: Project) -> None:
    """It is in the environment of the process, whatever the name and the environment are."""
    project.file(
        "test_it.py",
        """
        import os, subprocess, sys

        import pytest

        def told():
            code = "import os; print(ascii(os.environ.get('PYTEST_CURRENT_TEST')))"
            return eval(subprocess.check_output([sys.executable, "-c", code], text=True))

        @pytest.fixture
        def phases():
            seen = [told()]
            yield seen
            assert told() == os.environ["PYTEST_CURRENT_TEST"] == "test_it.py::test_phases (teardown)"

        def test_phases(phases):
            assert phases == ["test_it.py::test_phases (setup)"]
            assert told() == "test_it.py::test_phases (call)"

        @pytest.mark.parametrize("text", ["\u00fc", "a\\x00b"], ids=["\u00fc", "a\\x00b"])
        def test_names(text, request):
            name = request.node.nodeid.replace("\\x00", "(null)")
            assert os.environ["PYTEST_CURRENT_TEST"] == f"{name} (call)" == told()

        class Environ(type(os.environ)):
            def __setitem__(self, key, value):
                self._data[b"SEEN"] = b"1"
                super().__setitem__(key, value)

        def test_an_environment_of_its_own_kind():
            os.environ.__class__ = Environ

        def test_after_it():
            assert os.environ["SEEN"] == "1"
            os.environ.__class__ = Environ.__mro__[1]
        """,
    )
    project.fleetest("-n", "0").check(0).counts(passed=5)


OUTPUT = """
    import os, subprocess, sys

    import pytest

    @pytest.fixture
    def noisy():
        print("set up")
        os.write(2, b"straight\n")
        yield
        subprocess.run(["sh", "-c", "echo from a child"])

    def test_output(noisy):
        print("no newline", end="")
        sys.stderr.write("error")
        assert 0

    def test_quiet():
        pass

    def test_fixtures(capsys, noisy):
        print("taken")
        assert capsys.readouterr().out.endswith("taken\n")
        with capsys.disabled():
            pass
        assert 0

    def test_another_stream(monkeypatch):
        monkeypatch.setattr(sys, "stdout", sys.stderr)
        print("elsewhere")
        assert 0

    def test_left_elsewhere():
        sys.stdout = sys.__stderr__

    def test_after_it():
        print("captured again")
        assert 0

    def test_suspended(request):
        capture = request.config.pluginmanager.get_plugin("capturemanager")
        with capture.global_and_fixture_disabled():
            pass
        print("after it")
        capture.suspend_global_capture(in_=True)
        capture.resume_global_capture()
        assert 0
"""


def test_captured_output(project: Project) -> None:
    """What a test has written is in the same sections as with pytest, however it was written."""
    project.file("test_it.py", OUTPUT)
    for options in ((), ("--capture=sys",), ("--capture=tee-sys",)):
        arguments = ("-q", "--no-header", "-rA", "--show-capture=all", *options)
        expected = project.pytest(*arguments).out
        assert (
            project.fleetest("-n", "0", *arguments).out.split(" in ")[0]
            == expected.split(" in ")[0]
        )


def test_exceptions_that_nobody_could_catch(project: Project) -> None:
    """They become warnings of the phase in which they came, or errors, as with pytest."""
    project.file(
        "test_it.py",
        """
        import threading

        import pytest

        class Bad:
            def __del__(self):
                raise ValueError("in a finalizer")

        def fail():
            raise ValueError("in a thread")

        @pytest.fixture
        def late():
            yield
            Bad()

        def test_finalizer(): Bad()
        def test_nothing(): pass
        def test_teardown(late): pass

        def test_thread():
            thread = threading.Thread(target=fail)
            thread.start()
            thread.join()
        """,
    )
    for options in ((), ("-Werror",)):
        expected = project.pytest(*options)
        result = project.fleetest("-n", "0", *options).check(expected.code)
        assert result.summary() == expected.summary()
        assert result.out.count("in a finalizer") == expected.out.count("in a finalizer") > 0


def test_roots_that_a_test_puts_in_place(project: Project) -> None:
    """Whatever a test takes for the root logger, or has for it, handlers are where pytest has them."""
    project.file(
        "test_it.py",
        """
        import logging
        from unittest import mock

        import pytest

        @pytest.fixture
        def own_root(monkeypatch):
            root = logging.RootLogger(logging.WARNING)
            monkeypatch.setattr(logging, "root", root)
            return root

        def handlers(logger):
            return [type(handler).__name__ for handler in logger.handlers]

        def test_another(monkeypatch):
            monkeypatch.setattr(logging, "root", logging.getLogger("app"))

        def test_once(caplog):
            logging.getLogger("app").warning("once")
            assert len(caplog.records) == 1

        def test_mock(monkeypatch):
            monkeypatch.setattr(logging, "root", mock.MagicMock())

        def test_after_the_mock(caplog):
            logging.getLogger("app").warning("once")
            assert len(caplog.records) == 1

        def test_own_root(own_root, caplog):
            logging.getLogger().warning("own")
            print(handlers(own_root), caplog.messages)

        def test_get_logger(monkeypatch):
            real = logging.getLogger
            monkeypatch.setattr(logging, "getLogger", lambda name="app": real(name))

        def test_last(caplog):
            print(handlers(logging.root), handlers(logging.getLogger("app")))
        """,
    )
    arguments = ("-q", "--no-header", "-rA")
    expected, out = project.pytest(*arguments).out, project.fleetest("-n", "0", *arguments).out
    # Before pytest 9.1 some of these fail, and show objects at their addresses.
    anywhere = [re.sub("0x[0-9a-f]+", "0x0", each.split(" in ")[0]) for each in (expected, out)]
    assert anywhere[0] == anywhere[1]


def test_a_fake_os(project: Project) -> None:
    """As pyfakefs has it: ``os`` is another one in all modules but pytest's capturing, and seeks nothing."""
    project.file(
        "test_it.py",
        """
        import os, sys
        import pytest

        class Fake:
            def __getattr__(self, name):
                if name in ("dup2", "lseek"):
                    raise OSError(9, "no real descriptor")
                return getattr(os, name)

        @pytest.fixture
        def fake(monkeypatch):
            for name, module in [*sys.modules.items()]:
                if name.startswith(("fleetest", "_pytest")) and name != "_pytest.capture":
                    for key, value in [*vars(module).items()]:
                        if value is os:
                            monkeypatch.setattr(module, key, Fake())

        def test_it(fake):
            print("said")
            assert 1

        def test_lseek(monkeypatch):
            monkeypatch.setattr(os, "lseek", None)
        """,
    )
    for workers in ("-n0", "-n2"):
        project.fleetest(workers).check(0).counts(passed=2)
