"""The native part of fleetest: src/ext."""

from array import array
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, final

__version__: str

PROTOCOL_VERSION: int
TAIL_SIZE: int
MSG_HELLO: int
MSG_START: int
MSG_DONE: int
MSG_FINISHED: int
MSG_SYNC: int
MSG_TTY_WANT: int
MSG_TTY_BACK: int
MSG_LOGSTART: int
MSG_REPORT: int
MSG_LOGFINISH: int
MSG_WARNING: int
MSG_TEXT: int
MSG_XML: int
MSG_LOGFILE: int
MSG_COLLECTED: int
MSG_INTERNAL: int
MSG_INTERRUPT: int
MSG_PASSED: int
MSG_ENDS: int
MSG_RUN: int
MSG_BREAK: int
MSG_FINISH: int
MSG_STOP: int
MSG_SYNCED: int
MSG_TTY_LENT: int
MSG_SEND_IDS: int
MSG_FORK: int
MSG_EXIT: int
MSG_RUNNING: int
MSG_GO: int
MSG_TTY_NEED: int
MSG_TTY_STATE: int
MSG_READY: int
MSG_START_EXPLAIN: int
MSG_START_COLLECT: int
MSG_BEGUN: int
MSG_SNAPSHOT: int
MSG_START_RUN: int
MSG_STARTED: int
MSG_CHILD_ENDED: int
MSG_CONFIGURED: int
MSG_IMPORT: int
TRACE_READ: int
TRACE_STATUS: int
TRACE_LINK: int
TRACE_LIST: int
TRACE_CHANGE: int
TRACE_PROGRAM: int
TRACE_SOCKET: int
TRACE_VARIABLE: int
TRACE_OPAQUE: int
INPUT_PRESENCE: int
INPUT_CONTENT: int
INPUT_STATUS: int
INPUT_LINK: int
INPUT_LSTATUS: int
INPUT_MODULES: int
INPUT_TESTS: int
INPUT_ALL_NAMES: int
TRACE_TERMINAL: int
TRACE_MOMENT: int
ASPECT_NONE: int
ASPECT_PRESENCE: int
ASPECT_FULL: int
ASPECT_MODULES: int
ASPECT_COLLECT: int
ASPECT_ALL: int

def packb(value: Any, /) -> bytes: ...
def unpackb(packed: bytes, /) -> Any: ...
def die_with_parent(signal: int, /) -> None: ...
def adopt_orphans(adopt: bool, /) -> None: ...
def flush_c() -> None: ...
def leave(code: int, /) -> NoReturn: ...
def watch(
    callback: Callable[[str, Any], None] | None,
    everything: bool = False,
    for_runs: bool = False,
    /,
) -> None: ...
def trace_start(library: str, tools: tuple[str, ...], own: str, /) -> bool: ...
def trace_stop() -> tuple[bool, list[tuple[int, int, int, bytes, str, bytes]]]: ...
def take_inputs(
    looks: list[tuple[int, bytes, bytes]], since: int, /
) -> tuple[bytes, bytes | None]: ...
def trace_pretend(fd: int, terminal: int, /) -> bool: ...
def trace_pretend_nothing() -> None: ...
def freeze() -> bool: ...
def fill_holes(limit: int, /) -> int: ...
def file_objects() -> list[Any]: ...
def has_finalizers() -> bool: ...
def unread_bytes(fd: int, /) -> int: ...
def before_read(callback: Callable[[], object] | None, terminal: int, /) -> None: ...
def receive_fds(sock: int, /) -> tuple[int, Any, list[int]] | None: ...
def lifeline(fd: int, signal: int, /) -> None: ...
def last_word(fd: int, death: int, /) -> None: ...
def run_is_over() -> None: ...

@final
class Channel:
    def __init__(self, fd: int, tail: int = -1) -> None: ...
    def send(self, kind: int, payload: object, /) -> None: ...
    def post(self, kind: int, payload: object, /) -> None: ...
    def next(self) -> tuple[int, int | None] | None: ...
    def receive(self) -> tuple[int, Any] | None: ...
    def stopped(self) -> bool: ...
    def fileno(self) -> int: ...

@final
class HookCalls:
    def __init__(self, result_type: type, has_kwargnames: bool) -> None: ...
    def run(self, name: str, impls: list[Any], kwargs: dict[str, Any], first: Any, /) -> Any: ...

@final
class Unfinished(list[Any]): ...

@final
class Engine:
    def __init__(
        self,
        handler: object,
        items: int,
        workers: int,
        *,
        batch_max: int = 0,
        in_order: bool = False,
        scopes: array[int] | None = None,
        seconds: array[float] | None = None,
        tied: bytes | None = None,
        keep_idle: bool = False,
        assigned: bool = False,
        client_fd: int = -1,
        client_pid: int = 0,
        tty_fd: int = -1,
        tick_ms: int = 0,
    ) -> None: ...
    def add(
        self, pid: int, sock: int, out: int, err: int, tail: int = -1, own_group: bool = True
    ) -> int: ...
    def run(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self, signal: int, group: bool, /) -> None: ...
    def send(self, worker: int, kind: int, payload: object, /) -> None: ...
    def refuse_terminal(self) -> None: ...
    def keep_idle(self, keep: bool, /) -> None: ...
    def again(self, item: int, /) -> None: ...
    def assign(self, worker: int, items: Sequence[int], /) -> None: ...
    def withdraw(self, worker: int, items: Sequence[int], /) -> list[int]: ...
    def close_worker(self, worker: int, /) -> None: ...
    def stalled(self) -> bool: ...
    def running(self) -> list[int]: ...
    def pending(self) -> int: ...
    def close(self) -> None: ...
