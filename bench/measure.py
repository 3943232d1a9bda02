"""Measure a whole run: wall time, processor time and memory of a command and all it starts."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.02
# Whatever a command leaves running must end within this time.
GRACE_SECONDS = 5.0
PR_SET_CHILD_SUBREAPER = 36
CLOCK_TICK = 1 / os.sysconf("SC_CLK_TCK")


class MeasureError(Exception):
    """The figures of a run would not have covered all of its processes."""


@dataclass(frozen=True)
class Run:
    """One run: seconds, seconds, and the peak of the sampled memory in MB, if it was sampled."""

    exit_code: int
    wall: float
    cpu: float
    memory: float | None = None


@dataclass(frozen=True)
class Process:
    """A line of the process table; ``cpu`` is the process's own time, without its children's."""

    pid: int
    parent: int
    started: int
    cpu: float


def become_reaper() -> None:
    """Have processes whose parent is gone handed to us, so that their times are counted too."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot become a reaper of processes")


def _processes() -> Iterator[Process]:
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        # It may end at any moment.
        with suppress(OSError):
            stat = Path("/proc", name, "stat").read_bytes()
            # The command's name may hold spaces and parentheses.
            fields = stat[stat.rindex(b")") + 2 :].split()
            ticks = int(fields[11]) + int(fields[12])
            yield Process(int(name), int(fields[1]), int(fields[19]), ticks * CLOCK_TICK)


def descendants(root: int) -> list[Process]:
    """All processes below ``root``."""
    children: dict[int, list[Process]] = {}
    for process in _processes():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += [process.pid for process in below]
    return found


def pss_kb(pid: object) -> int:
    """The proportional set size of a process in kB: what it shares is divided by its users; 0 if it is gone."""
    with suppress(OSError):
        for line in Path("/proc", str(pid), "smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1])
    return 0


class Sampler(threading.Thread):
    """Looks at all processes below ours every SAMPLE_SECONDS until it is stopped.

    Looking costs time, so the figures of a sampled run are not for comparing times.

    :param known: processes that are not looked at: they are no part of the run, as is a daemon that has ended
    """

    def __init__(self, known: Collection[int]) -> None:
        super().__init__(daemon=True)
        self._known = known
        self.peak_kb = 0
        self._ended = threading.Event()
        self._cpu: dict[tuple[int, int], float] = {}

    @property
    def cpu_seen(self) -> float:
        """The sum of the processor times that each process was last seen with."""
        return sum(self._cpu.values())

    def run(self) -> None:
        """Sample until ``stop`` is called."""
        while not self._ended.wait(SAMPLE_SECONDS):
            total = 0
            there = set()
            for process in self._look():
                self._cpu[process.pid, process.started] = process.cpu
                there.add(process.pid)
                total += pss_kb(process.pid)
            # What a process that is gone by now has shared would have been counted more than once.
            if there == {process.pid for process in self._look()}:
                self.peak_kb = max(self.peak_kb, total)

    def _look(self) -> list[Process]:
        return [found for found in descendants(os.getpid()) if found.pid not in self._known]

    def stop(self) -> None:
        """End the sampling."""
        self._ended.set()
        self.join()


def _raise_timeout(_number: int, _frame: object) -> None:
    raise TimeoutError


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _raise_timeout)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def end(pid: int) -> None:
    """Kill a process below ours and all below it, itself first: it might start new ones."""
    for doomed in [pid, *(process.pid for process in descendants(pid))]:
        with suppress(ProcessLookupError):
            os.kill(doomed, signal.SIGKILL)


def _reap_orphans(known: set[int]) -> float:
    """Wait for what the command left behind, and return its processor time.

    :param known: our children that were there before
    :raises MeasureError: something goes on running
    """
    cpu = 0.0
    deadline = time.monotonic() + GRACE_SECONDS
    while True:
        ours = os.getpid()
        orphans = {p.pid for p in descendants(ours) if p.parent == ours} - known
        if not orphans:
            return cpu
        for pid in orphans:
            with suppress(ChildProcessError):
                reaped, _status, usage = os.wait4(pid, os.WNOHANG)
                if reaped:
                    cpu += usage.ru_utime + usage.ru_stime
        if time.monotonic() > deadline:
            for pid in orphans:
                end(pid)
            raise MeasureError(f"left {len(orphans)} processes running")
        time.sleep(0.005)


def _wait(child: subprocess.Popen[bytes]) -> float:
    """Wait for a command; the processor time includes all that it and its children waited for."""
    _pid, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def measure(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: Path,
    limit: float,
    sample: bool = False,
) -> Run:
    """Run a command to its end, its output going to a file.

    :param limit: seconds after which the command is killed
    :param sample: look at the memory; the times are then not for comparing
    :raises MeasureError: it took too long, or its figures would not have been complete
    """
    ours = os.getpid()
    known = {process.pid for process in descendants(ours)}
    sampler = Sampler(known) if sample else None
    with output.open("wb") as file:
        if sampler:
            sampler.start()
        start = time.perf_counter()
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            with _time_limit(limit):
                cpu = _wait(child)
            wall = time.perf_counter() - start
            cpu += _reap_orphans(known)
        except BaseException as error:
            if child.returncode is None:
                end(child.pid)
                child.wait()
            if isinstance(error, TimeoutError):
                raise MeasureError(f"did not end within {limit:.0f} s") from None
            raise
        finally:
            if sampler:
                sampler.stop()
    if sampler is None:
        return Run(child.returncode, wall, cpu)
    # A process that nobody waited for has its time nowhere but in the samples.
    if cpu < sampler.cpu_seen * 0.95 - 0.1:
        seen = f"{sampler.cpu_seen:.2f} s in the process table, {cpu:.2f} s accounted for"
        raise MeasureError(f"some processes were not waited for: {seen}")
    return Run(child.returncode, wall, cpu, sampler.peak_kb / 1024)
