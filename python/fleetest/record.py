"""The append-only record of each run: what ran where, in which order, with which outcome.

One file a run below pytest's cache folder, of JSON lines.  Nothing that goes wrong here makes a run
fail: a record that cannot be written is not written.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from array import array
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fleetest.history import RECORDS, UNKNOWN, last_workers, record_names
from fleetest.stages import NO_WORKERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

VERSION = 2

KEPT = 50
"""How many records are kept."""


class Record:
    """Writes one run's record."""

    def __init__(self, folder: Path | None, ids: Sequence[str]) -> None:
        self.folder = folder
        self.ids = ids
        self.workers = ""
        """How the run's workers are made."""
        self._file: IO[str] | None = None
        self._times: dict[int, dict[str, float]] = {}
        self._seconds = array("d", [UNKNOWN]) * len(ids)
        self._outcomes: dict[int, str] = {}

    @classmethod
    def begin(cls, config: pytest.Config, items: Sequence[pytest.Item]) -> Record:
        """Begin the record of a run that has collected."""
        return cls(_folder(config), [item.nodeid for item in items])

    # ---- writing ----

    def _open(self) -> None:
        if self.folder is None or self._file is not None:
            return
        seconds, rest = divmod(time.time_ns(), 10**9)  # of one look: names are in order
        name = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds)) + f"-{rest:09}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fd = os.open(
                self.folder / f"{name}-{os.getpid()}.jsonl",
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o644,
            )
            self._file = os.fdopen(fd, "w", encoding="utf-8", errors="surrogatepass")
        except OSError:
            self.folder = None
            return
        self._write({"record": VERSION, "time": time.time(), "workers": self.workers})
        self._write({"tests": list(self.ids)})

    def _write(self, entry: dict[str, Any]) -> None:
        self._write_line(json.dumps(entry, separators=(",", ":")))

    def _write_line(self, line: str) -> None:
        if self._file is None:
            return
        try:
            self._file.write(line + "\n")
        except (OSError, ValueError):
            self._drop()

    def _drop(self) -> None:
        self.folder = None
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError):
                self._file.close()
            self._file = None

    def without_workers(self) -> None:
        """The run needs none; if there is no record yet, say so, that the next one parks nothing."""
        if self.folder is not None and not last_workers(self.folder.parent):
            self.workers = NO_WORKERS
            self._open()
            self._drop()

    def crashed(self, index: int, worker: str) -> None:
        """A worker died in a test."""
        self._open()
        self._write({"end": index, "worker": worker, "outcome": "crashed", "seconds": {}})

    def reported(self, index: int | None, worker: str, report: Any) -> None:
        """A report of a test came."""
        if index is None or index < 0 or report.when not in ("setup", "call", "teardown"):
            return
        if report.outcome != "passed" or report.when == "call":
            self._outcomes[index] = _outcome(report, self._outcomes.get(index))
        self.phase(index, worker, report.when, report.duration)

    def phase(self, index: int, worker: str, when: str, seconds: float) -> None:
        """A phase of a test is over."""
        times = self._times.setdefault(index, {})
        times[when] = seconds
        if when == "teardown":
            del self._times[index]
            self._ended(index, worker, self._outcomes.pop(index, "passed"), times)

    def passed(self, index: int, worker: str, setup: float, call: float, teardown: float) -> None:
        """All phases of a test have passed."""
        self._ended(index, worker, "passed", {"setup": setup, "call": call, "teardown": teardown})

    def _ended(self, index: int, worker: str, outcome: str, times: dict[str, float]) -> None:
        self._open()
        self._seconds[index] = sum(times.values())
        # Not json.dumps: this is done for each test of a run.
        seconds = ",".join([f'"{phase}":{time:.6f}' for phase, time in times.items()])
        self._write_line(
            f'{{"end":{index},"worker":"{worker}","outcome":"{outcome}","seconds":{{{seconds}}}}}'
        )

    def end(self, exitstatus: int) -> None:
        """The run is over: write once more what each test took, where it is found at once."""
        if self._file is None:
            return
        seconds = ",".join(["null" if took < 0 else f"{took:.6f}" for took in self._seconds])
        self._write_line(f'{{"exit":{exitstatus},"time":{time.time()},"seconds":[{seconds}]}}')
        if self._file is not None and self.folder is not None:
            with contextlib.suppress(OSError):
                self._file.close()
                for name in record_names(self.folder)[:-KEPT]:
                    (self.folder / name).unlink()
        self._file = None


def _outcome(report: Any, earlier: str | None) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed and report.when != "call":
        return "error"
    return earlier if earlier == "failed" else str(report.outcome)


def _folder(config: pytest.Config) -> Path | None:
    cache = getattr(config, "cache", None)
    if cache is None:
        return None
    try:
        return Path(cache.mkdir("fleetest")) / RECORDS
    except (OSError, ValueError):
        return None
