"""What a session can see of its process: written by a conftest, as JSON.

Copied into a project; ``DUMP`` names the file.
"""

import atexit
import gc
import inspect
import json
import locale
import logging
import os
import re
import resource
import signal
import sys
import threading
import time
import warnings

OF_THE_TEST = ("DUMP", "FLEETEST_DAEMON", "FLEETEST_E2E_RUN")
"""Variables that differ between the runs that are compared."""


def stream(text):
    """All that there is to see of a standard stream."""
    if text is None:
        return None
    buffer = getattr(text, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    return {
        "types": [type(text).__name__, type(buffer).__name__, type(raw).__name__],
        "names": [text.name, raw.name],
        "modes": [getattr(text, "mode", None), raw.mode, getattr(raw, "closefd", None)],
        "encoding": [text.encoding, text.errors, text.newlines],
        "buffering": [text.line_buffering, text.write_through],
        "isatty": text.isatty(),
    }


def targets():
    """Descriptor -> what is behind it, and whether it is inherited; those below ours only."""
    found = {}
    for number in range(10):
        try:
            target = re.sub("[0-9]+", "N", os.readlink(f"/proc/self/fd/{number}"))
            found[number] = [target, os.get_inheritable(number)]
        except OSError:
            found[number] = None
    return found


def status():
    """Lines of /proc/self/status."""
    with open("/proc/self/status") as file:
        lines = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    names = ("SigBlk", "SigIgn", "SigCgt", "Threads", "Groups", "NoNewPrivs", "Seccomp")
    return {name: lines[name] for name in names}


def state():
    """The state of this process, as plain data."""
    mask = os.umask(0o22)
    os.umask(mask)
    return {
        "modules": sorted(name for name in sys.modules if name.partition(".")[0] != "fleetest"),
        "environ": [pair for pair in os.environ.items() if pair[0] not in OF_THE_TEST],
        "argv": sys.argv,
        "path": sys.path,
        "importers": sorted(sys.path_importer_cache),
        "meta_path": [str(type(finder)) for finder in sys.meta_path],
        "flags": str(sys.flags),
        "options": [sys.warnoptions, sys._xoptions, sys.dont_write_bytecode],
        "places": [sys.executable, sys.prefix, sys.pycache_prefix],
        "main": [sorted(vars(sys.modules["__main__"])), sys.modules["__main__"].__file__],
        "hooks": [sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__],
        "limits": [resource.getrlimit(number) for number in range(16)],
        "process": [os.getcwd(), mask, os.getpriority(os.PRIO_PROCESS, 0)],
        "affinity": sorted(os.sched_getaffinity(0)),
        "signals": {int(each): str(signal.getsignal(each)) for each in signal.valid_signals()},
        "mask": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
        "status": status(),
        "descriptors": targets(),
        "streams": [stream(each) for each in (sys.__stdin__, sys.__stdout__, sys.__stderr__)],
        "gc": [gc.get_threshold(), gc.isenabled()],
        "locale": [locale.setlocale(locale.LC_ALL), time.tzname],
        "filters": [str(each) for each in warnings.filters],
        "threads": [thread.name for thread in threading.enumerate()],
        "loggers": sorted(logging.root.manager.loggerDict),
        "log started now": abs(
            logging._startTime / (1e9 if logging._startTime > 1e15 else 1) - time.time()
        )
        < 60,
        "atexit": atexit._ncallbacks(),
        "limits of Python": [sys.getrecursionlimit(), sys.getswitchinterval()],
        "depth": len(inspect.stack()),
    }


def pytest_configure():
    """Before pytest's own sessionstart."""
    with open(os.environ["DUMP"], "w") as file:
        json.dump({"import": IMPORTED, "configure": state()}, file, default=str)


IMPORTED = state()
