"""fleetest's own lines on the terminal: header, worker lines, and the status line at the bottom."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

from fleetest.grouping import named_groups
from fleetest.hook_holder import HookHolder
from fleetest.plumbing import raise_fd
from fleetest.privates import private
from fleetest.progress import Progress
from fleetest.worker_status import WorkerStatus, counted, get_workers_status_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from fleetest.distribution import Distribution
    from fleetest.run import Run
    from fleetest.start import Start

NARROWEST = 24
"""Columns below which there is no status line."""

REDRAW_SECONDS = 0.05


class _StatusFile:
    """The file behind the terminal writer: takes the status line away before anything is written."""

    def __init__(self, file: Any, screen: Screen) -> None:
        self._file = file
        self._screen = screen

    def write(self, text: str) -> Any:
        self._screen.erase()
        return self._file.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


SCHEDULERS = {
    "load": "LoadScheduling",
    "loadscope": "LoadScopeScheduling",
    "loadfile": "LoadFileScheduling",
    "loadgroup": "LoadGroupScheduling",
    "worksteal": "WorkStealingScheduling",
}
"""What xdist calls them."""


class TerminalDistReporter(HookHolder):
    """What xdist registers under this name: plugins look whether it is there, and where it writes."""

    NAME = "terminaldistreporter"

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.tr = private.terminal(config)


def show_start(config: pytest.Config, start: Start, workers: str) -> None:
    """The header line; with -q only if the user should do something about it.

    :param workers: where they come from, or that there are none
    """
    reporter = private.terminal(config)
    if reporter is None:
        return
    advice = f"; run '{start.advice}'" if start.advice else ""
    seed = f"; hash seed {start.hash_seed}" if start.hash_seed and config.option.verbose > 0 else ""
    if config.option.verbose >= 0:
        reporter.write_line(f"fleetest: {start.state}{advice}; {workers}{seed}")
    elif advice:
        reporter.write_line(f"fleetest: {start.state}{advice}")


class Screen:
    """Knows the terminal reporter and where it writes."""

    def __init__(self, config: pytest.Config, session: pytest.Session, start: Start) -> None:
        self.config = config
        self.session = session
        self.start = start
        self.reporter = private.terminal(config)
        self.progress = Progress(len(session.items))
        self.lent = False
        self.tty_fd = self._open_tty()
        self._file: Any = None
        self._drawn = False
        self._drawn_at = 0.0

    def _open_tty(self) -> int:
        if self.start.client_pid:
            return -1 if self.start.tty_fd < 0 else raise_fd(os.dup(self.start.tty_fd))
        try:
            low = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return -1
        return raise_fd(low)

    # ---- lines ----

    def line(self, text: str) -> None:
        """Write a line of our own, unless -q."""
        if self.reporter is not None and self.config.option.verbose >= 0:
            self.before_output()
            self.reporter.write_line(text)

    def created(self, distribution: Distribution, count: int) -> None:
        """The header line, and xdist's line about workers."""
        why = f" ({distribution.reason})" if distribution.reason else ""
        show_start(self.config, self.start, f"workers {distribution.where}{why}")
        if (
            self.reporter is not None
            and self.config.option.verbose < 0
            and not distribution.ordered
        ):
            self.reporter.write_line("bringing up nodes...")
        self.line(get_workers_status_line([(WorkerStatus.Created, 0)] * count))
        done = (WorkerStatus.CollectionDone, self.progress.total)
        self.line(get_workers_status_line([done] * count))

    def scheduling(
        self, name: str, distribution: Distribution, single_fixtures: dict[str, int]
    ) -> None:
        """How tests are given to the workers.

        :param name: what xdist calls it
        :param single_fixtures: how many tests use each of the fixtures that can exist only once
        """
        for fixture, users in single_fixtures.items():
            self.line(f"single fixture {fixture}: used by {counted(users, 'test')}")
        if self.reporter is None or distribution.ordered:
            return
        private.hide_file_paths(self.reporter)
        if self.reporter.showlongtestinfo:  # else tests have no lines
            private.name_groups(
                self.reporter, named_groups(self.session.items, self.config.option.dist)
            )
        if self.config.option.verbose >= 0:
            self.reporter.write_line("")
        if self.config.option.verbose > 0:
            self.reporter.write_line(f"scheduling tests via {name}")
            self.reporter.write_line("")

    # ---- the status line ----

    @property
    def has_status(self) -> bool:
        """Whether there is a status line now."""
        return self._file is not None

    def _wants_status(self) -> bool:
        if self.reporter is None or self.config.option.verbose < 0:
            return False
        file = private.writer_file(private.writer(self.reporter))
        if file is not sys.stdout or not file.isatty() or os.environ.get("TERM") == "dumb":
            return False
        return shutil.get_terminal_size().columns >= NARROWEST

    @contextlib.contextmanager
    def showing(self, run: Run) -> Iterator[None]:
        """While the engine runs: have a status line, if there is a terminal for it."""
        try:
            if not self._wants_status():
                yield
                return
            writer = private.writer(self.reporter)
            self._file = private.writer_file(writer)
            proxy = _StatusFile(self._file, self)
            private.set_writer_file(writer, proxy)
            sys.stdout = proxy
            try:
                yield
            finally:
                self.erase()
                self._file.flush()
                private.set_writer_file(writer, self._file)
                sys.stdout = self._file
                self._file = None
        finally:
            if self.tty_fd >= 0:
                os.close(self.tty_fd)
                self.tty_fd = -1

    def erase(self) -> None:
        """Take the status line away; the cursor stays where it is."""
        if self._drawn:
            self._drawn = False
            self._file.write("\x1b[J")

    before_output = erase

    def wrote(self, data: bytes) -> None:
        """A worker's output has moved the cursor; matters only to where the status line is drawn."""
        if self._file is None or self.reporter is None:
            return
        writer = private.writer(self.reporter)
        _, newline, line = data.rpartition(b"\n")
        text = line.decode("utf-8", "replace")
        if not newline:
            text = private.current_line(writer) + text
        private.set_current_line(writer, text)

    def after_output(self) -> None:
        """Something was written: show the status line again, but not too often."""
        if self._file is not None and time.monotonic() - self._drawn_at >= REDRAW_SECONDS:
            self._draw()

    def tick(self) -> None:
        """Draw the status line anew: times have changed."""
        if self._file is not None:
            self._draw()

    def lend(self, lent: bool) -> None:
        """A worker is about to write to the terminal itself, or has done so."""
        self.erase()
        if self._file is not None:
            self._file.flush()
        self.lent = lent
        if not lent and self.reporter is not None:
            # Whatever the worker wrote, pytest's line is no longer the cursor's.
            private.set_current_line(private.writer(self.reporter), "")

    def _draw(self) -> None:
        if self.lent or self.reporter is None:
            return
        columns = shutil.get_terminal_size().columns
        if columns < NARROWEST:
            return
        text = self.progress.line(columns - 1)
        column = private.writer(self.reporter).width_of_current_line
        self.erase()
        if column >= columns:
            return
        back = f"\x1b[{column}C" if column else ""
        # Down, which scrolls at the bottom; the text; up again, to where pytest's line ends.
        self._file.write(f"\n\r{text}\x1b[K\x1b[A\r{back}")
        self._file.flush()
        self._drawn = True
        self._drawn_at = time.monotonic()
