"""The base folder for temporary files of a run whose workers are forked: made by the first who needs it.

pytest makes it for the first test that wants a temporary folder, and looks after those of earlier runs then; xdist
makes it in each run.  That takes longer than many a test: so here it is as with pytest.  The workers' own folders are
in it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

from fleetest.plumbing import raise_fd
from fleetest.privates import late_base, private

if TYPE_CHECKING:
    import pytest

_PATH_MAX = 4096


class BaseTemp:
    """A run's, in one of its processes, which share memory with its path: empty until it is made."""

    def __init__(self, config: pytest.Config, fd: int) -> None:
        """Know the memory; nothing in the session's environment has been changed by a test yet."""
        self.fd = fd
        self._config = config
        self._place = late_base.Place()

    @classmethod
    def begin(cls, config: pytest.Config) -> BaseTemp | None:
        """In the controller, before there are workers.  None: the folder is there, or is not pytest's to make."""
        if not late_base.can_be_late(config):
            return None
        base = cls(config, raise_fd(os.memfd_create("fleetest base", os.MFD_CLOEXEC)))
        late_base.answer(config, base._adopt)
        return base

    def share(self, name: str) -> None:
        """In a worker: its own folder has this name."""
        config = self._config

        def find() -> None:
            __tracebackhide__ = True
            private.set_base_temp(config, self._find() / name)

        late_base.answer(config, find, by_option=True)

    def settle(self) -> None:
        """In the controller, once there are no workers: from here on it is the session's own, and cleaned up by it."""
        late_base.answer_no_more(self._config)
        path = self._path()
        if path is not None and path.is_dir():
            self._adopt()
        os.close(self.fd)

    def _adopt(self) -> None:
        __tracebackhide__ = True
        late_base.adopt(self._config, self._find(), self._place)

    def _find(self) -> Path:
        """Its path; it is made now if it was not.

        :raises OSError: it cannot be made
        """
        __tracebackhide__ = True
        fcntl.lockf(self.fd, fcntl.LOCK_EX)
        try:
            path = self._path()
            if path is None:
                path = late_base.make(self._config, self._place)
                os.pwrite(self.fd, os.fsencode(path), 0)
            return path
        finally:
            fcntl.lockf(self.fd, fcntl.LOCK_UN)

    def _path(self) -> Path | None:
        known = os.pread(self.fd, _PATH_MAX, 0)
        return Path(os.fsdecode(known)) if known else None
