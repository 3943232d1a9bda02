#!/usr/bin/env python3
"""What the native client and the daemon cost themselves, beside the run that they hand over.

Runs one trivial test many times by way of a daemon, /bin/true as often in turn, and prints the medians of
their CPU time, the memory of client and daemon, and what is aimed at.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

TRUE = "/bin/true"
SLEEP = "/bin/sleep"  # as small, but there for long enough to be looked at
CLIENT_MS = 1.0
CLIENT_MB = 2.0
DAEMON_MB = 8.0


def _start(command: Sequence[str], env: Mapping[str, str], folder: Path) -> int:
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        os.execve(command[0], [*command], dict(env))
    return pid


def _end(command: Sequence[str], pid: int) -> resource.struct_rusage:
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"daemon.py: {' '.join(command)}: status {status}")
    return usage


def cpu_ms(command: Sequence[str], env: Mapping[str, str], folder: Path) -> float:
    """Run a command to its end; the CPU time of its process alone.

    :raises SystemExit: it fails
    """
    usage = _end(command, _start(command, env, folder))
    return (usage.ru_utime + usage.ru_stime) * 1000


def peak_mb(command: Sequence[str], env: Mapping[str, str], folder: Path) -> float:
    """The most memory that a command has had, looked at every millisecond.

    What the kernel adds up at its end includes the Python that it was forked from.

    :raises SystemExit: it fails
    """
    pid = _start(command, env, folder)
    peak = 0
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        time.sleep(0.001)
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(command[0]):
                status = Path(f"/proc/{pid}/status").read_text("ascii")
                peak = max(peak, *map(int, re.findall(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)))
    _end(command, pid)
    return peak / 1024


def daemon_mb(command: Path, env: Mapping[str, str]) -> dict[str, float]:
    """The memory of the daemon, in MB."""
    words = [str(command), "daemon", "status", "--json"]
    shown = json.loads(subprocess.check_output(words, env=dict(env)))
    return {"own": shown["own_kb"] / 1024, "resident": shown["resident_kb"] / 1024}


def main() -> int:
    """Measure, and compare with the targets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fleetest", type=Path, required=True, help="the command to measure")
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--check", action="store_true", help="fail if a target is missed")
    args = parser.parse_args()
    args.fleetest = args.fleetest.absolute()  # it is run elsewhere
    with tempfile.TemporaryDirectory(prefix="fleetest-bench-") as name:
        folder = Path(name)
        (folder / "test_one.py").write_text("def test_one():\n    pass\n", "utf-8")
        (folder / "run").mkdir(mode=0o700)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "FLEETEST"))}
        env = {**kept, "XDG_RUNTIME_DIR": str(folder / "run"), "FLEETEST_DAEMON": "1"}
        env |= {"PYTEST_DEBUG_TEMPROOT": name}
        client = [str(args.fleetest), "-q", "-p", "no:cacheprovider"]
        try:
            cpu_ms(client, env, folder)
            runs, trues = [], []
            for _ in range(args.runs):
                runs.append(cpu_ms(client, env, folder))
                trues.append(cpu_ms([TRUE], env, folder))
            peak = peak_mb(client, env, folder)
            base = peak_mb([SLEEP, "0.05"], env, folder)
            daemon = daemon_mb(args.fleetest, env)
        finally:
            subprocess.run([str(args.fleetest), "daemon", "stop"], env=env, check=False)
    cpu, true = statistics.median(runs), statistics.median(trues)
    print(f"client: {cpu:.2f} ms of CPU, {TRUE} {true:.2f} ms: {cpu - true:.2f} ms more")
    print(f"client: {peak:.1f} MB at its peak, {SLEEP} {base:.1f} MB")
    print(f"daemon: {daemon['resident']:.1f} MB, {daemon['own']:.1f} MB of its own")
    met = cpu - true <= CLIENT_MS and peak - base <= CLIENT_MB and daemon["resident"] <= DAEMON_MB
    print(
        f"targets: {CLIENT_MS:.0f} ms and {CLIENT_MB:.0f} MB more, "
        f"daemon {DAEMON_MB:.0f} MB: {'met' if met else 'missed'}"
    )
    return 1 if args.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
