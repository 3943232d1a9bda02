"""The controller's side of a distributed run: the plugin ``dsession`` of its session."""

from __future__ import annotations

import signal
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from fleetest import _core, carry, randomness
from fleetest.collecting import rare_garbage_collection
from fleetest.cpus import allowed_cpus
from fleetest.crash import crash_report, lost_worker_report
from fleetest.distribution import Distribution, decide
from fleetest.elsewhere import Copies
from fleetest.gathering import Gathering
from fleetest.grouping import GROUPING, Groups
from fleetest.hook_holder import HookHolder
from fleetest.native_sched import NativeScheduling
from fleetest.node import Node, NodeManager
from fleetest.options import RESTARTS, SINGLE_FIXTURES, get_default_max_worker_restart
from fleetest.plumbing import captured_fds, flush_all
from fleetest.privates import private
from fleetest.process import files_open_for_writing, flush_files, reap
from fleetest.record import Record
from fleetest.reporting import Reporting
from fleetest.schedulers.producer import Producer
from fleetest.screen import SCHEDULERS, Screen, show_start
from fleetest.specs import Spec, free_id, parse_tx_spec_config, read_specs
from fleetest.standby import Understudy
from fleetest.standby_worker import StandbyWorker
from fleetest.startup_hooks import implementations_of_others
from fleetest.steering import steer
from fleetest.turns import stop_asking
from fleetest.vacancies import workers_of_use

if TYPE_CHECKING:
    from collections.abc import Generator

    from fleetest.checkpoints import Checkpoints, Resumer
    from fleetest.forking import Forker
    from fleetest.spawning import Spawner
    from fleetest.start import Start
    from fleetest.steering import Steering

AGAIN = 0.2
"""Seconds within which a second interrupt is the same one, come by another way."""

GRACE = 5.0
"""Seconds that workers have to end after SIGTERM, SIGHUP or the client's end."""


_READY = ("pytest_testnodeready", "pytest_xdist_node_collection_finished")
"""Hooks that tell of a worker which has no tests yet."""


class Run(HookHolder):
    """One distributed run: its workers, and what they report."""

    def __init__(
        self,
        config: pytest.Config,
        *,
        start: Start,
        explicit: bool,
        checkpoints: Checkpoints,
    ) -> None:
        self.config = config
        self.checkpoints = checkpoints
        self.start_of_command = start
        self.explicit = explicit
        self.nodemanager = NodeManager(
            config,
            getattr(config.option, "testrunuid", None) or uuid.uuid4().hex,
            read_specs(parse_tx_spec_config(config)),
        )
        self.count = len(self.nodemanager.specs)
        limit = get_default_max_worker_restart(config)
        # Without an end, an interpreter of --tx that crashes each time would be started for ever.
        self.restart_limit = RESTARTS * self.count if limit is None else limit
        self.restarts_left = self.restart_limit
        self.nodes: list[Node] = []
        self.vacant: list[Node] = []
        """Those that were asked for, and not made since there is no work for them."""
        self.leaving: list[int] = []
        """The processes of those that have done all, and are to be reaped."""
        self.killed: list[int] = []
        """Likewise, of those that were of no use."""
        self.gathering = Gathering(self)
        self.distribution: Distribution | None = None
        self.summary: list[str] = []
        self.interrupts = 0
        self.interrupted_at = 0.0
        self.impatient = False
        self.stopping = False
        self.collected: list[pytest.Item] = []
        """The tests before options and plugins have left out some or changed their order."""
        self.reordered = False
        """An option or a plugin wants the tests in another order than they were collected in: it is kept."""
        self.rearranged = False
        """The tests are not those that were collected, in their order."""
        self.internal_error: str | None = None
        self.steering: Steering | None = None
        self.stalled = False

    # ---- making the workers; nothing here is called in a worker ----

    def start(self, session: pytest.Session) -> None:
        """Decide how to run, and make the workers if there are to be any.

        Does not return in the workers.
        """
        self.session = session
        self._compare(session.items)
        self.checkpoints.watcher.stop()
        self.left_open = files_open_for_writing() - captured_fds(self.config)
        standby = self.start_of_command.standby
        if isinstance(standby, Understudy):
            standby.become(self)
        self.record = Record.begin(self.config, session.items)
        decided = decide(session, self.explicit, self.record, self.checkpoints, self.left_open)
        forks = isinstance(decided, Distribution) and decided.forks
        if standby is not None and (self.rearranged or not forks):
            standby.close()
        if isinstance(decided, str):
            self.checkpoints.close()
            if decided:
                self.record.without_workers()
                show_start(self.config, self.start_of_command, f"no workers ({decided})")
            return
        self.distribution = decided
        self.record.workers = decided.best
        try:
            self._make_workers(decided)
        except BaseException:
            self.checkpoints.close()
            raise

    def _compare(self, items: list[pytest.Item]) -> None:
        """See what options and plugins have made of the tests that were collected, all of them by now."""
        places = {id(item): place for place, item in enumerate(self.collected)}
        self.collected = []
        order = [places.get(id(item), -1) for item in items]
        self.reordered = any(left > right for left, right in zip(order, order[1:]))
        self.rearranged = order != [*range(len(places))]

    def _make_workers(self, distribution: Distribution) -> None:
        self.screen = Screen(self.config, self.session, self.start_of_command)
        self.reporting = Reporting(self)
        self.screen.created(distribution, self.count)
        hook = self.config.hook
        specs = self.nodemanager.specs
        carry.before_fork(self.config)
        hook.pytest_xdist_setupnodes(config=self.config, specs=specs)
        self.copies = Copies(self.config, specs)
        self.nodemanager.roots = self.copies.roots
        self.nodes = [self._new_node(spec) for spec in specs]
        for node in self.nodes:
            hook.pytest_xdist_newgateway(gateway=node.gateway)
            self.copies.bring(node.gateway)
            hook.pytest_configure_node(node=node)
        self._make_engine(distribution)
        self.random = randomness.capture()
        flush_all()
        if self.left_open:
            _core.note_finalizers()  # for the workers, which flush these files too
            flush_files(self.left_open)
        self.maker: Forker | Spawner | Resumer = distribution.maker(self)
        self.checkpoints.close()
        try:
            self.maker.make(self.nodes)
        except OSError as error:
            self.maker.close()
            if any(node.number >= 0 for node in self.nodes):
                self.stop()
                self.engine.run()  # until who has begun is done with its test
            self.engine.close()
            raise pytest.UsageError(f"a worker cannot be started: {error}") from error
        for node in self.nodes:
            if node.number < 0:
                self._engage(node)

    def begin_with(self, node: Node) -> None:
        """Have the first worker, which is there before the others are made, begin with its tests.

        Not where somebody may want to do something before: a moment later then, when the engine runs.
        """
        self._engage(node)
        if self.steering is None and not any(implementations_of_others(self.config, _READY)):
            self.engine.begin(node.number)

    def _make_engine(self, distribution: Distribution) -> None:
        """Decide who gives out the tests."""
        option, items = self.config.option, self.session.items
        scheduler = self.config.hook.pytest_xdist_make_scheduler(
            config=self.config, log=Producer("dsession", enabled=bool(option.debug))
        )
        self.steering = steer(self, scheduler)
        self.sched = NativeScheduling(self) if scheduler is None else scheduler
        dist = option.dist if self.steering is None else "load"
        groups = Groups(items, self.config.getini(SINGLE_FIXTURES), dist)
        if self.steering is not None and any(groups.tied):
            raise pytest.UsageError(
                f"{SINGLE_FIXTURES}: {self.steering.name} does not keep their tests in one worker"
            )
        name = SCHEDULERS[dist] if self.steering is None else self.steering.name
        self.screen.scheduling(name, distribution, groups.sizes)
        if self.steering is None and distribution.forks:
            count = workers_of_use(self.config, groups, self.count)
            self.nodes, self.vacant = self.nodes[:count], self.nodes[count:]
        keep_order = dist in GROUPING and not option.loadscopereorder
        stop_asking()  # the engine talks to the client, and who reads is a worker
        self.engine = _core.Engine(
            self,
            items=len(items),
            workers=len(self.nodes),
            batch_max=distribution.batch_max,
            in_order=distribution.ordered or self.reordered or keep_order,
            scopes=groups.scopes,
            tied=bytes(groups.tied),
            seconds=distribution.seconds,
            keep_idle=not self.restarts_left,
            assigned=self.steering is not None,
            client_fd=self.start_of_command.client_fd,
            client_pid=self.start_of_command.client_pid,
            tty_fd=self.screen.tty_fd,
            tick_ms=100,
            copies_ahead=len(self.nodes) < len(allowed_cpus()),
        )

    def _new_node(self, spec: Spec) -> Node:
        node = Node(self.nodemanager, spec)
        base = private.base_temp(self.config)
        if base is not None:
            node.base_temp = base / f"popen-{node.id}"
        return node

    def _engage(self, node: Node) -> None:
        """Hand a worker process over to the engine."""
        plumbing = node.plumbing
        assert plumbing is not None
        node.number = self.engine.add(
            node.pid, plumbing.sock, plumbing.out, plumbing.err, plumbing.tail
        )
        plumbing.close_tail()
        assert node is self.nodes[node.number]
        if node.greeting is not None:
            self.engine.send(node.number, _core.MSG_FORK, node.greeting)
        else:
            node.gathered = True

    def _replace(self, node: Node) -> None:
        """Have another worker in the place of a crashed one, if that is allowed."""
        if self.stopping or self.interrupts:
            return
        if not node.ready:
            self._give_up(f"worker {node.id} crashed before it was ready")
            return
        if self.restarts_left == 0:
            if self.restart_limit == 0:
                self._give_up(f"worker {node.id} crashed and worker restarting disabled")
            else:
                self._give_up(f"maximum crashed workers reached: {self.restart_limit}")
            return
        if not (self.left() or self.maker.is_cheap):
            return  # it would only find that there is nothing to do
        self.restarts_left -= 1
        if self.restarts_left == 0:
            self.engine.keep_idle(True)
        self.screen.line(f"\nreplacing crashed worker {node.id}")
        spec = Spec(str(node.gateway.spec))
        spec.id = free_id(other.id for other in (*self.nodes, *self.vacant))
        fresh = self._new_node(spec)
        self.nodes.append(fresh)
        self.config.hook.pytest_xdist_newgateway(gateway=fresh.gateway)
        self.config.hook.pytest_configure_node(node=fresh)
        flush_all()
        try:
            self.maker.make_one(fresh)
        except OSError as error:
            self.nodes.pop()
            self._give_up(f"worker {node.id} could not be replaced: {error}")
            return
        self._engage(fresh)

    def _give_up(self, message: str) -> None:
        self.summary.append(f"xdist: {message}")
        self.screen.line("\n" + message)

    # ---- the run ----

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run the engine until every worker is gone."""
        if self.distribution is None:
            return None
        try:
            with rare_garbage_collection(), self.screen.showing(self):
                self.engine.run()
                self.reporting.end()
                self._count_left()
        except BaseException:
            self.engine.kill(signal.SIGKILL, True)
            raise
        finally:
            self.maker.close()
            self.engine.close()
        self._raise_outcome(session)
        return True

    def left(self) -> int:
        """How many tests no worker was told of, or none has run."""
        return self.engine.pending() if self.steering is None else self.steering.left()

    def _count_left(self) -> None:
        left = 0 if self.stopping else self.left()
        if not left:
            return
        text = f"{left} test{' was' if left == 1 else 's were'} not run"
        if any(not node.over for node in self.nodes) or self.steering is None:
            self.summary.append(f"fleetest: {text}: no worker is left")
        elif not self.session.shouldfail:
            self.session.shouldfail = f"{text}: {self.steering.name} did not give them to a worker"

    def _raise_outcome(self, session: pytest.Session) -> None:
        """End the loop as pytest's own would have."""
        if self.internal_error is not None:
            raise RuntimeError("a worker's session had an internal error")
        self.reporting.raise_interrupt()
        if self.interrupts:
            raise KeyboardInterrupt
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)

    def stop(self, cause: Node | None = None) -> None:
        """Hand out nothing more.

        :param cause: the worker whose report is the reason
        """
        if self.stopping:
            return
        self.stopping = True
        running = sum(cause is not self.nodes[number] for number in self.engine.running())
        if running and not self.reporting.ordered and not self.interrupts:
            noun = "test was" if running == 1 else "tests were"
            if self.config.option.verbose >= 0:
                self.summary.append(f"fleetest: {running} {noun} still running at the stop")
        self.engine.stop()

    # ---- the engine's handler ----

    def message(self, number: int, kind: int, payload: Any) -> None:
        """A worker sent a message."""
        self.reporting.unheard = False
        node = self.nodes[number]
        if kind == _core.MSG_START:
            node.item = payload
            node.sections = []
        elif kind == _core.MSG_DONE:
            self.reporting.done(node, payload)
            node.item = None
            self._steer_on(node, payload)
        elif kind == _core.MSG_HELLO:
            self._hello(node, payload)
        elif kind == _core.MSG_FINISHED:
            node.workeroutput = payload
            node.over = True
        elif kind == _core.MSG_COLLECTED:
            self.gathering.collected(node, *payload)
        elif kind == _core.MSG_INTERNAL:
            self.internal_error = payload
            self.stop()
        else:
            if kind == _core.MSG_REPORT:
                node.sections = payload[1].get("sections") or []
                node.seconds += payload[1].get("duration") or 0.0
            elif kind == _core.MSG_PASSED:
                node.seconds += payload[2]
            self.reporting.event(node, kind, payload)

    def passed(self, number: int, index: int, begun: Any, phases: tuple[Any, Any, Any]) -> None:
        """All messages of a test have come, and it has passed.

        :param begun: the payload of LOGSTART, which LOGFINISH has too
        :param phases: those of the three PASSED
        """
        node = self.nodes[number]
        if self.reporting.passed(node, index, begun, phases):
            if self.steering is not None:
                self.reporting.unheard = False
                node.seconds = sum(phase[2] for phase in phases)
                self._steer_on(node, index)
            return
        self.message(number, _core.MSG_START, index)
        self.message(number, _core.MSG_LOGSTART, begun)
        for phase in phases:
            self.message(number, _core.MSG_PASSED, phase)
        self.message(number, _core.MSG_LOGFINISH, begun)
        self.message(number, _core.MSG_DONE, index)

    def _steer_on(self, node: Node, index: int) -> None:
        seconds, node.seconds = node.seconds, 0.0
        if self.steering is not None and not self.stopping:
            self.steering.done(node, index, seconds)

    def _hello(self, node: Node, info: dict[str, Any]) -> None:
        node.ready = True
        node.workerinfo.update(info)
        self.config.hook.pytest_testnodeready(node=node)
        self.config.hook.pytest_xdist_node_collection_finished(node=node, ids=self.ids)
        if self.steering is not None:
            node.orders = self.steering
            if not self.stopping:
                self.steering.ready(node)

    @property
    def ids(self) -> list[str]:
        """The node ids in collection order; the caller's own list."""
        return list(self.record.ids)

    def adopt_stop(self, why: dict[str, Any]) -> None:
        """A worker's session was told to stop by a test or a plugin: the run's is told the same."""
        if self.stopping or self.interrupts:
            return
        for name in ("shouldfail", "shouldstop"):
            if why[name] and not getattr(self.session, name):
                setattr(self.session, name, why[name])

    def output(self, number: int, stream: int, data: bytes) -> None:
        """A worker wrote to its standard output (0) or error (1)."""
        self.reporting.unheard = False
        self.reporting.output(self.nodes[number], stream, data)

    def gone(self, number: int, finished: bool, item: int | None, status: int | None) -> None:
        """A worker process has ended and was reaped, or is about to end.

        :param status: as of waitpid; None: it exits with 0 in a moment, and is to be reaped
        """
        self.reporting.unheard = False
        node = self.nodes[number]
        if status is None:
            self.leaving.append(node.pid)
            status = 0
        node.item = item
        node.shutting_down = True
        if finished and (status == 0 or self.interrupts > 1):
            self.config.hook.pytest_testnodedown(node=node, error=None)
            if self.steering is not None:
                self.steering.finished(node)
        elif self.interrupts > 1:
            pass
        else:
            self._crashed(node, item, status)
        if node.plumbing is not None:
            node.plumbing.close_captured()
        node.item = None
        self.gathering.look()

    def _crashed(self, node: Node, item: int | None, status: int) -> None:
        self.reporting.flush_output(node)
        error = "Not properly terminated"
        self.screen.line(f"[{node.id}] node down: {error}")
        self.config.hook.pytest_testnodedown(node=node, error=error)
        if self.steering is not None:
            self.steering.lost(node, item)
        if item is not None:
            report = crash_report(self.session.items[item], node, status)
            name = self.session.items[item].nodeid
            self.config.hook.pytest_handlecrashitem(
                crashitem=name if self.steering is None else self.steering.crash_item(item),
                report=report,
                sched=self.sched,
            )
            self.record.crashed(item, node.id)
            self.reporting.crashed(node, item, report)
        else:
            self.reporting.worker_lost(lost_worker_report(node, status))
        if not node.over:
            self._replace(node)

    def signal(self, number: int, sender: int) -> None:
        """SIGINT, SIGTERM or SIGHUP came, or the client is gone."""
        self.reporting.unheard = False
        now = time.monotonic()
        if self.interrupts and now - self.interrupted_at < AGAIN:
            return
        self.interrupts += 1
        self.interrupted_at = now
        # Whoever sends these, or is gone, will not press Ctrl-C again.
        self.impatient = number != signal.SIGINT
        self.engine.refuse_terminal()
        self.stop()
        if self.interrupts == 1:
            # What the terminal sends goes to its whole foreground group: so does this.
            self.engine.kill(signal.SIGINT, sender == 0 and number == signal.SIGINT)
        else:
            self.engine.kill(signal.SIGKILL, True)

    def terminal(self, number: int, lent: bool) -> None:
        """A worker is about to get the terminal, or has given it back."""
        self.reporting.unheard = False
        if lent:
            self.reporting.flush_output(self.nodes[number])
        self.screen.lend(lent)

    def tick(self) -> None:
        """Called about ten times a second."""
        self.reporting.unheard = False
        if self.impatient and time.monotonic() - self.interrupted_at > GRACE:
            self.impatient = False
            self.interrupts += 1
            self.engine.kill(signal.SIGKILL, True)
        self._notice_stall()
        self.screen.tick()

    def _notice_stall(self) -> None:
        """End the run if nothing will ever happen: a plugin's scheduler gives out no more tests."""
        waiting = (
            self.steering is not None
            and not self.stopping
            and all(node.ready or node.shutting_down for node in self.nodes)
            and self.engine.stalled()
        )
        if waiting and self.stalled and self.steering is not None:
            self.session.shouldfail = (
                f"{self.steering.name} gives out no more tests: {self.steering.left()} were not run"
            )
            self.stop()
        self.stalled = waiting

    # ---- the rest of the session ----

    @pytest.hookimpl(trylast=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Show where the worker was interrupted, not where the controller was waiting."""
        if self.distribution is not None:
            self.reporting.show_interrupt()

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        """Show the worker's own traceback."""
        if self.internal_error is not None:
            private.raise_internal_error(excrepr, self.internal_error)

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what went wrong with workers."""
        for line in self.summary:
            terminalreporter.write_sep("=", line)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> Generator[None]:
        """Wait for workers that are about to be gone, and close the record of the run."""
        if isinstance(self.start_of_command.standby, StandbyWorker):
            self.start_of_command.standby.close()  # of a session that did not come to its tests
        if any(implementations_of_others(self.config, ("pytest_sessionfinish",))):
            reap(self.killed)  # they might look for children
        yield
        reap(self.leaving)
        reap(self.killed)
        record = getattr(self, "record", None)
        if record is not None:
            record.end(int(exitstatus))
