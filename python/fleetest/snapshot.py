"""A session that is prepared up to its tests, and waits there: runs are forked off it, and go on.

Nothing may tell a run that has come so from one that pytest has started: what the session has read on
its way is told to the daemon, which compares it before each run, and if it has left something behind that
nobody else may share it does not wait at all.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NoReturn

import pytest

from fleetest import _core, anew, randomness, title
from fleetest.by_id import ByIds
from fleetest.company import Company, company_of
from fleetest.console_script import change_arguments, pose_for_run
from fleetest.deferred import Deferred
from fleetest.edited import Edited
from fleetest.fork_server import ACCEPTS, serve
from fleetest.forking import HOLES_MAX
from fleetest.handover import Handover, apply_signals, become, renew_streams
from fleetest.history import RECORDS, last_workers
from fleetest.listening import ListeningArguments
from fleetest.observed import (
    bars_for_others,
    bars_for_runs,
    bars_for_workers,
    draws,
    is_effect,
    may_matter,
)
from fleetest.observed_inputs import Cache, Input, Progress, expiry_of, variables_of
from fleetest.option_kinds import FREE
from fleetest.options import PLUGIN
from fleetest.plumbing import LOWEST, captured_fds, raise_fd
from fleetest.privates import private
from fleetest.process import children
from fleetest.renewal import Numbers, renew
from fleetest.request import Request
from fleetest.restraint import Restraint
from fleetest.rewinding import RewindPoints
from fleetest.safety import unsafe_to_fork
from fleetest.shared_state import SharedState
from fleetest.stages import AFTER_COLLECTION, NO_WORKERS
from fleetest.stand_ins import StandIns
from fleetest.standby import Understudy, may_follow
from fleetest.start import Start
from fleetest.startup_hooks import implementations_of_others, unknown_startup_hooks
from fleetest.trial import Trial
from fleetest.turns import ask_before_reading
from fleetest.watching import Watcher, is_installed_file
from fleetest.well_formed import well_formed
from fleetest.within import Selection, select

if TYPE_CHECKING:
    from collections.abc import Generator

    from fleetest.standby_worker import StandbyWorker
    from fleetest.trial import Look

_GIVEN_ARGUMENTS = (
    *("pytest_load_initial_conftests", "pytest_cmdline_parse", "pytest_cmdline_preparse"),
)
"""Hooks that are given the command line; installed plugins are known, or bar the snapshot."""

_CODE = (b".py", b".ini", b".toml", b".cfg")

HIGHEST = 900
"""A client's descriptors above that are too many to stand in for."""


class SnapshotSession(Trial):
    """Such a session, in a process of its own."""

    def __init__(
        self, fds: list[int], changes: dict[bytes, bytes | None], seed: str, start: int
    ) -> None:
        """Read the request.

        :param fds: the request, and the socket to the daemon
        :param changes: what the interpreter and plugins have set in the environment, or deleted (None)
        :param seed: of hashes, in this process
        :param start: CPU time that Python has taken to start and to import pytest, in ns
        """
        super().__init__()
        self._begin_process()
        self._progress = Progress()
        self._points = RewindPoints(self._park, start)
        self._request = Request.read(fds[0])
        lowest = max([LOWEST, *(number + 1 for number in self._request.numbers)])
        self._lowest = min(lowest, HIGHEST + 1)
        self._channel = _core.Channel(raise_fd(fds[1], self._lowest))
        self._plugins_changes = changes
        self._seed = seed
        self._looks: list[Look] = []
        """Those since the last checkpoint."""
        self._is_run = False
        self._reports: list[pytest.CollectReport] = []
        self._selection: Selection | None = None
        """In a run that selects within what was collected: what that is."""
        self._added: list[str] = []
        self._lists_all = False
        self._company = Company.NONE
        """Who stands by with the next run's controller."""
        self._standby: StandbyWorker | Understudy | None = None
        """In a run: they, by the worker; or what this process is, which is one of them."""
        self._until = 0
        self._last_failed = ""
        """The path of what decides which files are collected; empty: it does not."""
        self._once = ""
        """Why only one run may go on from here; empty: all may."""
        self._has_drawn = False
        """There were random numbers drawn, which two that go on would share."""
        self._depends_on_runs = False
        """It cannot be resumed for a reason that other runs may remove."""
        self._edited = Edited("")
        self._has_left_traces = False
        """It cannot be resumed since it has done something outside."""
        self.watcher = Watcher(thorough=True, options=FREE)
        self._restraint = Restraint(self.watcher, self._would_change)

    def live(self, run: Callable[[Start], int]) -> int:
        """Prepare, and wait for the daemon's orders.

        :param run: has a session
        :returns: in a run that was forked off it, its exit code
        """
        request = self._request
        self._channel.send(_core.MSG_BEGUN, os.getpid())
        self._name = _core.set_name(b"snapshot")
        if max(request.numbers, default=0) > HIGHEST:
            self._give_up("the client has too many files open")
        self._log = raise_fd(os.dup(2), self._lowest)
        self.stand_ins = StandIns(request.numbers, request.terminals, self._lowest)
        if not self.stand_ins.faithful:
            self._give_up("what it reads cannot be recorded")
        become(request)
        request.apply_variables(self._plugins_changes)
        os.chdir(request.folder)
        renew_streams()
        pose_for_run(request.command, request.arguments, "")
        self._listen()
        _core.share_hot_pages()
        self._shared = SharedState()
        renew()  # another session would draw the same numbers
        self.record()
        apply_signals(request)
        try:
            code = run(Start(-1, "", "", trial=self))
        except BaseException:
            if self._is_run:
                raise
            self.fail(traceback.format_exc())
        if not self._is_run:
            self.end_early(code)
        return code

    def end_early(self, code: int) -> None:
        """The session would end with this exit code before its tests are collected."""
        self._give_up(f"pytest ended with exit code {code} before its tests were collected")

    def _begin_process(self) -> None:
        _core.die_with_parent(signal.SIGKILL)
        os.setpgid(0, 0)

    # ---- checkpoints ----

    def _park(self, what: str) -> bool:
        """Fork a process that goes on, and wait to be forked again.  Returns in each process that goes on.

        :param what: the session is about to do, for people
        :returns: False: it cannot be done
        """
        looks = _core.trace_hold(True)
        try:
            self.look_so_far()
            if not self._can_park():
                return False
            self._end_stretch()
            # Nothing is flushed, which captured output may be in the way of: each that goes on will, for itself.
            _settle()
            _core.freeze(True)
            state = randomness.capture()
            ours, theirs = (raise_fd(end.detach(), self._lowest) for end in socket.socketpair())
            before, parent = self._channel.fileno(), os.getpid()
            child = os.fork()
            if child:
                os.close(theirs)
                self._checkpoint(ours, child, looks)
            else:
                os.close(ours)
                self._channel = _core.Channel(before)
                self._begin_process()
                self._progress.park(looks)
                told = [parent, os.getpid(), what]
                _core.send_fds(before, _core.MSG_CHECKPOINT, told, (theirs,))
                os.close(theirs)
            randomness.begin_again(state)
            self._points.went_on()
            self.stand_ins.renew()
            if self._config is not None:
                anew.renew_capturing(self._config)
        except BaseException:  # noqa: BLE001 (it would be the project's, whose import this is)
            self.fail(traceback.format_exc())
        finally:
            _core.trace_hold(False)
        return True

    def _can_park(self) -> bool:
        """Whether the process can be forked as it is, and nothing would be shared by those that go on."""
        config = self._config
        if config is None or self._draws() or children() or unsafe_to_fork(config):
            return False
        known = captured_fds(config) | self.stand_ins.descriptors().keys()
        return not any(self._shared.added(known))

    def _draws(self) -> bool:
        """Whether numbers were drawn by now."""
        self._has_drawn = (
            self._has_drawn
            or bool(self.watcher.drawn)
            or randomness.was_drawn()
            or any(draws(self.findings, self.findings.looks))
        )
        return self._has_drawn

    def _checkpoint(self, fd: int, child: int, looks: int) -> None:
        """Be the checkpoint.  Returns in each process that is to go on from here.

        :param fd: the socket to the daemon
        :param child: the process that has gone on already, and has the socket that this process had
        """
        name = _core.set_name(b"checkpoint")
        before = self._channel.fileno()
        os.close(before)
        kind, changed, fds, _ = serve(_core.Channel(fd), child)
        if kind != _core.MSG_START_COLLECT:
            os._exit(0)
        request, sock = fds
        os.close(request)
        _core.set_name(name)
        self._begin_process()
        if sock != before:
            os.dup2(sock, before, inheritable=False)
            os.close(sock)
        self.watcher.know(before)
        self._channel = _core.Channel(before)
        self._channel.send(_core.MSG_BEGUN, os.getpid())
        renew()  # those that have gone on already have drawn the same
        if changed:
            self._edited = Edited(changed)
            self._points.changed(Path(changed))
        _core.trace_anew()  # what it looks at once more may be another by now, and be the same at the end
        self._progress.go_on(looks)

    # ---- the command line ----

    def _listen(self) -> None:
        """See who reads the command line."""
        self._arguments = [
            (name, getattr(sys, name)) for name in ("argv", "orig_argv") if hasattr(sys, name)
        ]
        for name, arguments in self._arguments:
            setattr(sys, name, ListeningArguments(arguments, self.watcher.saw_command_line))
        self._references = sys.getrefcount(sys.argv)

    def _listen_no_more(self) -> str:
        """Why nobody can go on with the arguments as they are; empty: they can."""
        for name, arguments in self._arguments:
            now = getattr(sys, name, None)
            if type(now) is not ListeningArguments or [*list.__iter__(now)] != arguments:
                return f"sys.{name} was changed"
            if sys.getrefcount(now) > self._references + 1:  # by `now`
                self.watcher.command_line_read = True
            setattr(sys, name, arguments)
        return ""

    # ---- on the way ----

    def begin(self, config: pytest.Config) -> None:
        """Watch, and look at what kind of session it is."""
        super().begin(config)
        config.pluginmanager.register(_Listener(self), "fleetest-snapshot")
        ByIds(config, self._arrive, self.watcher)
        self._points.begin()
        self._restraint.begin(config)

    def saw_arguments(self, config: pytest.Config, args: list[str]) -> None:
        """These are all arguments, with those that the environment and the ini file add."""
        given = self._request.arguments
        added = len(args) - len(given)
        if added < 0 or args[added:] != given:
            self._give_up("something changes the command line")
        self._added = args[:added]
        known = config.known_args_namespace
        for name in ("cacheclear", "cacheshow", "help", "debug"):
            if getattr(known, name, None):
                self._give_up(f"--{name.replace('_', '-')} depends on the last run")
        if getattr(known, "lf", None):
            self._last_failed = private.last_failed_file(config)
        unknown = next(unknown_startup_hooks(config), "")
        if unknown:  # before they are called
            self._give_up(unknown)
        if known.start_method not in (None, "auto", "fork"):
            self._give_up(f"--start-method {known.start_method} makes workers earlier")
        last = last_workers(private.cache_folder(config))
        if last not in ("", AFTER_COLLECTION, NO_WORKERS):
            self._depends_on_runs = True
            self._give_up(f"the last run's workers were {last}")

    def saw_report(self, report: pytest.CollectReport) -> None:
        """Something was collected."""
        self._reports.append(report)

    def saw_collector(self, collector: pytest.Collector) -> None:
        """Something is about to be collected."""
        self._points.before_file(collector)

    def stop(self) -> None:
        """Watch no more."""
        self._points.stop()
        super().stop()

    def configured(self, config: pytest.Config) -> None:
        """The reporter is there."""
        self._deferred = Deferred(config, self.stand_ins)

    def saw(self, looks: list[Look]) -> None:
        """These were made since the last ones."""
        self._looks += looks
        self.findings.looks += filter(may_matter, looks)

    # ---- at the end of it ----

    def arrived(self, config: pytest.Config, session: pytest.Session) -> None:
        """Everything is collected: wait, if others may go on from here.  Returns in each run."""
        try:
            self._look(config)
            self._pause(config, session)
            handover = self._wait()
        except BaseException:  # noqa: BLE001 (no hook of the session's end may be called)
            if isinstance(self._standby, Understudy):
                os._exit(0)
            self.fail(traceback.format_exc())
        _core.set_name(self._name)
        start = self._accept(config, handover)
        if self._folder != self._request.folder:  # the session has gone there
            os.chdir(self._folder)
        arguments = handover.request.arguments
        change_arguments(self._request.arguments, arguments, handover.state)
        self._go_on(config, start, arguments)

    def _look(self, config: pytest.Config) -> None:
        """Find out whether others may go on from here."""
        known = captured_fds(config) | self.stand_ins.descriptors().keys()
        reasons = [
            *bars_for_runs(self.findings),
            *bars_for_workers(self.findings),
            *self._shared.added(known),
        ]
        changed = self._listen_no_more()
        if changed:
            reasons.append(changed)
        given = implementations_of_others(config, _GIVEN_ARGUMENTS)
        if not all(is_installed_file(found.file) for found in given):
            self.watcher.command_line_read = True
        printed = self._deferred.end()
        self.watcher.options_read |= self._deferred.options_read
        used = self.stand_ins.used()
        if used >= 0:
            name = "standard input" if used == 0 else f"descriptor {used}"
            reasons.append(f"{name} was read or written")
        if reasons or printed:
            self._has_left_traces = any(map(is_effect, self.findings.looks))
            self._give_up(next(iter(reasons), printed))
        self._once = next(iter(bars_for_others(self.findings)), "")
        self._lists_all = anew.collects_any_file(config)
        self._folder = os.getcwdb()

    def _pause(self, config: pytest.Config, session: pytest.Session) -> None:
        """Do what each run would do alike."""
        manager = config.pluginmanager
        manager.unregister(name="fleetest-snapshot")
        plugin: Any = manager.get_plugin(PLUGIN)
        if not self._once and plugin.run is not None and plugin.explicit:
            stays = self._folder == self._request.folder
            self._company = company_of(
                plugin.run, session, collects=not self.findings.tests, stays=stays
            )
        if plugin.run is not None:
            private.prepare_base_temp()
            title.look_ahead()
        plugin.pause(config)
        self._before = anew.CommandLine(config, self._added, self._request.arguments)

    def _wait(self) -> Handover:
        """Wait for the daemon's orders.  Returns in each process that is forked for a run."""
        taken = self._take_inputs()
        variables = variables_of(self.findings)
        self._until = expiry_of(self.findings.looks, self._progress.begun)
        self.findings.looks.clear()
        self._restraint.stop()
        state = random.getstate() if self._once else randomness.capture()
        numbers = Numbers(state, drawn=bool(self._once))
        _settle()
        os.close(self._log)
        self._say(taken, variables, "")
        kind, how, fds, self._standby = serve(
            self._channel, ahead=numbers.renew, company=self._company
        )
        if kind not in (_core.MSG_START_RUN, _core.MSG_START_WIDE):
            os._exit(0)
        self._is_run = True
        numbers.renew()
        changes = {**self._plugins_changes, **self.changes}
        handover = Handover(fds[:3], how, changes, self._seed, explains=False)
        if kind == _core.MSG_START_WIDE:
            self._select(handover.request.arguments, fds[3])
        return handover

    def _select(self, arguments: list[str], fd: int) -> None:
        """Select what this command line does; ends the process if that cannot be done here.

        :param fd: where to say so
        """
        assert self._config is not None
        said = ACCEPTS
        try:
            self._selection = select(self._config, [*self._added, *arguments])
        except BaseException as error:  # noqa: BLE001 (pytest will come to the same, and tell the user)
            said = str(error).partition("\n")[0].encode("utf-8", "replace") or b"it failed"
        os.write(fd, said)
        os.close(fd)
        if self._selection is None:
            os._exit(0)

    def _accept(self, config: pytest.Config, handover: Handover) -> Start:
        if not isinstance(self._standby, Understudy):
            if self._standby is not None and not self._may_be_followed(handover.request):
                self._standby.close()
            start = handover.accept(self.stand_ins, self._standby)
            ask_before_reading(start)
            return start
        try:
            if not self._may_be_followed(handover.request):
                os._exit(0)
            self._standby.begin(config, collects=not self.findings.tests)
            return handover.follow(self._standby, self.stand_ins)
        except BaseException:  # noqa: BLE001 (the controller does without)
            os._exit(0)

    def _may_be_followed(self, request: Request) -> bool:
        """Whether who stands by can be part of the run: with the stand-ins, and without collecting anything."""
        return request.terminals == self._request.terminals and may_follow(request.arguments)

    def _go_on(self, config: pytest.Config, start: Start, arguments: list[str]) -> None:
        """Be the run of this command line."""
        anew.renew_capturing(config)
        anew.apply_options(config, self._before, arguments)
        if self._selection is not None:
            self._selection.apply(config, self._reports)
            self._reports = self._selection.reports
        plugin: Any = config.pluginmanager.get_plugin(PLUGIN)
        plugin.go_on(config, start)
        anew.renew(config, self._reports)
        self._reports.clear()
        self._deferred.show(aloud=not isinstance(self._standby, Understudy))

    def _end_stretch(self) -> None:
        """Make inputs of what was looked at since the last checkpoint."""
        cache = self._cache_folder()
        own = Cache(str(cache.parent.parent) if cache is not None else "", self._last_failed)
        looks, self._looks = self._looks, []
        self._progress.end_stretch(looks, own)

    def _cache_folder(self) -> Path | None:
        return private.cache_folder(self._config) if self._config is not None else None

    def _take_inputs(self) -> tuple[bytes, list[int], int]:
        """What was looked at since the checkpoint that this has come from; as :meth:`Progress.describe`."""
        self._end_stretch()
        found = self._progress.inputs(lists_all=self._lists_all)
        cache = self._cache_folder()
        if self._depends_on_runs and cache is not None:
            path = os.fsencode(cache / RECORDS)
            found.append(Input(_core.INPUT_ALL_NAMES, path, b"", self._taken))
        if self._has_left_traces:
            # The next run may undo them: it would be tried again and again.
            found = [each for each in found if each.path.endswith(_CODE)]
        return self._progress.describe(found, self._edited)

    def _say(self, taken: tuple[bytes, list[int], int], variables: list[bytes], unfit: str) -> None:
        """Tell the daemon what the session depends on.

        :param taken: the inputs, as :meth:`Progress.describe`
        :param unfit: why no run may come from here; empty: they may, from a checkpoint if an input has changed
        """
        inputs, counts, unchanged = taken
        options = [os.fsencode(name) for name in sorted(self.watcher.options_read)]
        exact = self.watcher.command_line_read
        shown, once = well_formed(unfit), well_formed(self._once)
        self._channel.send(
            _core.MSG_SNAPSHOT,
            [inputs, counts, variables, options, int(exact), self._until, shown, unchanged, once],
        )

    def fail(self, text: str) -> NoReturn:
        """Something went wrong that should not; the daemon's log shows it."""
        os.write(self._log, text.encode("utf-8", "replace") + b"\n")
        self._give_up("preparing failed: see the daemon's log")

    def _would_change(self, why: str) -> NoReturn:
        """The session is about to do something outside."""
        self._has_left_traces = True
        self._give_up(why)

    def _give_up(self, why: str) -> NoReturn:
        """No run may come from here; ends the process, and what it has started.

        The session ends but for its reports: :func:`pytest_sessionfinish` is not called.
        """
        self._restraint.forbid()
        self.stop()
        if self._config is not None:
            with contextlib.suppress(BaseException):
                private.unconfigure(self._config)
            atexit._run_exitfuncs()
        taken = self._take_inputs()
        with contextlib.suppress(OSError):
            self._say(taken, variables_of(self.findings), why)
        os.killpg(0, signal.SIGKILL)
        os._exit(0)


def _settle() -> None:
    """Look at all objects once, before processes are forked that would copy their pages to do so.

    What is garbage now is none of a run's: runs take what is left for granted.
    """
    _core.collect_young()
    _core.fill_holes(HOLES_MAX)
    _core.note_finalizers()


class _Listener:
    """The plugin by which the session hears of what happens in it."""

    def __init__(self, session: SnapshotSession) -> None:
        self._session = session

    def pytest_load_initial_conftests(self, early_config: pytest.Config, args: list[str]) -> None:
        """The arguments are complete."""
        self._session.saw_arguments(early_config, args)

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: object) -> None:
        """The session would end, with hooks that write reports."""
        self._session.fail(str(excrepr))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> Generator[None]:
        """Likewise, after a usage error or an interrupt."""
        self._session.end_early(int(exitstatus))
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """Something is about to be collected."""
        self._session.saw_collector(collector)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Something was collected."""
        self._session.saw_report(report)
