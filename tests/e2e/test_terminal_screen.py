"""What the screen shows: the status line, colours, narrow terminals."""

from __future__ import annotations

import re

import pytest
from lab import FLEETEST, Project, numbered
from meeting import (
    meet,
    say,
)
from pty_lab import Terminal, led, left_as_it_was, opened
from terminal_lab import (
    FAILING,
    WAITING,
    both_running,
    spread,
)

BOTH_WAYS = True

STATUS = r"\d+/12(  \d+ failed)?(  [\d:.]+s? left)?(  test_it\.py::\S+ \([\d.]+s\)( \+1)?)?"


def run_waiting(project: Project, *args: str, text: str = WAITING, **options: object) -> Terminal:
    """Start tests that wait, and wait until two are running."""
    meet(project)
    project.file("test_it.py", text)
    terminal = Terminal(project, FLEETEST, "-n2", *args, **options)  # type: ignore[arg-type]
    both_running(project, terminal)
    return terminal


def finish(project: Project, terminal: Terminal) -> None:
    """Let the tests go on, to the end."""
    say(project, "go on")
    terminal.wait()


def test_status_line(project: Project) -> None:
    terminal = run_waiting(project, lines=60)
    try:
        terminal.expect(r"0/12  test_it\.py::test_it\[\d+\] \(\d+\.\ds\) \+1")
        status = terminal.rows()[-1]
        assert re.fullmatch(STATUS, status), status
    finally:
        finish(project, terminal)
        terminal.close()
    assert "12 passed" in terminal.rows()[-1]
    assert "/12" not in "\n".join(terminal.rows())


def test_status_line_counts(project: Project) -> None:
    """Done, failed, and the time left."""
    text = spread(
        12,
        "if len(seen) == 2:\n    meet.here(worker_id)\n    meet.hear('go on')\n"
        "if first and worker_id == 'gw1':\n    assert False",
    )
    terminal = run_waiting(project, text=text, lines=100)
    try:
        terminal.expect(r"2/12  1 failed  [\d:.]+s? left  test_it")
    finally:
        finish(project, terminal)
        terminal.close()
    assert re.search("1 failed, 11 passed", terminal.rows()[-1])


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (("-q",), {}),
        (("-qq",), {}),
        ((), {"TERM": "dumb"}),
        (("-p", "no:terminal"), {}),
    ],
)
def test_no_status_line(project: Project, args: tuple[str, ...], env: dict[str, str]) -> None:
    terminal = run_waiting(project, *args, env=env)
    try:
        for _ in range(3):
            terminal.read(0.15)
    finally:
        finish(project, terminal)
        terminal.close()
    assert "/12" not in terminal.text
    assert "\x1b[J" not in terminal.text
    assert "\x1b[A" not in terminal.text


def test_no_colour(project: Project) -> None:
    terminal = run_waiting(project, env={"NO_COLOR": "1"})
    try:
        terminal.expect("0/12")
    finally:
        finish(project, terminal)
        terminal.close()
    assert not re.search(rb"\x1b\[[\d;]*m", terminal.raw)


def test_no_status_line_in_a_pipe(project: Project) -> None:
    """Even where a terminal is there."""
    meet(project)
    project.file("test_it.py", WAITING)
    out = project.path / "out"
    with out.open("wb") as file, opened(project, FLEETEST, "-n2", stdout=file) as terminal:
        both_running(project, terminal)
        terminal.read(0.3)
        say(project, "go on")
        terminal.wait().check(0)
    assert b"\x1b" not in out.read_bytes()
    assert terminal.raw == b""


@pytest.mark.parametrize("columns", [10, 20, 24, 30, 40])
def test_narrow(project: Project, columns: int) -> None:
    """The status line takes one row or none; at the end the screen is what it would be without."""
    terminal = run_waiting(project, columns=columns, lines=200)
    try:
        if columns >= 24:
            terminal.expect(r"0/12[^\x1b]*\x1b\[K\x1b\[A")
        else:
            for _ in range(3):
                terminal.read(0.15)
        rows = terminal.rows()
        with_status = [row for row in rows if re.match(r"0/12", row)]
        assert len(with_status) == (0 if columns < 24 else 1), rows
    finally:
        finish(project, terminal)
        terminal.close()
    check_like_a_pipe(project, terminal)


def check_like_a_pipe(project: Project, terminal: Terminal, *args: str) -> None:
    """The final screen is what the same run prints to a pipe, wrapped at the edge."""
    pyte = pytest.importorskip("pyte")
    columns, lines = terminal.size
    piped = project.fleetest("-n2", *args, env={"COLUMNS": str(columns)}).out.encode()
    shown = []
    for raw in (terminal.raw, piped.replace(b"\n", b"\r\n")):
        screen = pyte.Screen(columns, lines)
        pyte.ByteStream(screen).feed(re.sub(rb"\d+\.\d\ds", b"N.NNs", raw))
        shown.append("\n".join(row.rstrip() for row in screen.display).rstrip())
    # Above that pytest writes over a line of its own, which goes wrong on a narrow terminal.
    begins = [max(0, text.find("2 workers")) for text in shown]
    assert shown[0][begins[0] :] == shown[1][begins[1] :]


SCREEN = """
import time, warnings
import pytest

@pytest.mark.parametrize("number", range(30))
def test_passing(number):
    time.sleep(0.01)

def test_failing():
    print("captured")
    time.sleep(0.2)
    assert [1, 2, 3] == [1, 2, 4]

def test_warning():
    warnings.warn("take care")
    time.sleep(0.2)

@pytest.mark.skip(reason="no")
def test_skipped():
    pass
"""


@pytest.mark.parametrize("args", [(), ("-ra",), ("--tb=short",), ("-q",)])
def test_final_screen_is_like_a_pipe(project: Project, args: tuple[str, ...]) -> None:
    project.file("test_it.py", SCREEN)
    with opened(project, FLEETEST, "-n2", "--ordered", *args, lines=200) as terminal:
        terminal.wait().check(1)
    check_like_a_pipe(project, terminal, "--ordered", *args)


@pytest.mark.parametrize("lines", [3, 5, 24])
def test_scrolling(project: Project, lines: int) -> None:
    """At the bottom of a small screen too, nothing of the status line is left in what scrolls off."""
    pyte = pytest.importorskip("pyte")
    project.file("test_it.py", SCREEN)
    with opened(project, FLEETEST, "-n2", "-v", lines=lines) as terminal:
        terminal.wait().check(1)
    screen = pyte.HistoryScreen(80, lines, history=2000, ratio=1)
    pyte.ByteStream(screen).feed(terminal.raw)
    shown = [
        "".join(row[column].data for column in range(80)).rstrip() for row in screen.history.top
    ]
    shown += [row.rstrip() for row in screen.display]
    assert not [row for row in shown if re.match(r"\d+/33", row)]
    for number in range(30):
        assert sum(f"PASSED test_it.py::test_passing[{number}]" in row for row in shown) == 1


NAMES = """
import time
import pytest

NAMES = ["\\x1b[2Jclear", "\\x1b]0;title\\x07", "new\\nline", "tab\\tular", "\\r", "back\\bspace",
         "漢字" * 30, "e\\u0301" * 50, "\\u202eright", "👩\\u200d👩", "x" * 300]

@pytest.mark.parametrize("name", NAMES, ids=NAMES)
def test_it(name):
    time.sleep(0.15)
"""


@pytest.mark.parametrize("columns", [30, 80])
def test_names_do_not_garble_the_status_line(project: Project, columns: int) -> None:
    pyte = pytest.importorskip("pyte")
    project.file(
        "pytest.ini",
        "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = 1\n",
    )
    project.file("test_it.py", NAMES)
    with opened(project, FLEETEST, "-n2", columns=columns, lines=60) as terminal:
        rows: list[str] = []
        screen = pyte.Screen(columns, 60)
        stream = pyte.ByteStream(screen)
        fed = 0
        while terminal.running.process.poll() is None:
            terminal.read(0.02)
            stream.feed(terminal.raw[fed:])
            fed = len(terminal.raw)
            rows += [row for row in screen.display if re.match(r"\d+/11", row)]
            assert sum(bool(re.match(r"\d+/11", row)) for row in screen.display) <= 1, (
                screen.display
            )
        terminal.wait().check(0)
    assert rows
    assert "\x1b]0;" not in terminal.text
    assert "\x1b[2J" not in terminal.text
    assert "\u202e" not in terminal.text
    final = terminal.rows()
    assert "11 passed" in "\n".join(final[-3:])
    assert not [row for row in final if re.match(r"\d+/11", row)]


def test_unfinished_lines_stay(project: Project) -> None:
    """The status line does not make the cursor forget a line that a test has not ended."""
    text = spread(
        12,
        "if first and worker_id == 'gw0':\n    print('half a line', end='')\n"
        "elif len(seen) == 2 or first:\n    meet.here(worker_id)\n    meet.hear('go on')",
    )
    terminal = run_waiting(project, "-s", text=text, lines=60)
    try:
        for _ in range(4):
            terminal.read(0.15)
    finally:
        finish(project, terminal)
        terminal.close()
    assert any("half a line" in row for row in terminal.rows()), terminal.rows()


def test_resize(project: Project) -> None:
    """A narrower terminal wraps nothing; the status line has the new width."""
    pyte = pytest.importorskip("pyte")
    terminal = run_waiting(project, lines=60, columns=100)
    try:
        terminal.expect("0/12 .*test_it")
        terminal.resize(30, 60)
        terminal.unseen()
        terminal.raw, terminal._seen, terminal.size = b"", 0, (30, 60)
        terminal.expect("0/12")
        terminal.expect("0/12")
        screen = pyte.Screen(30, 60)
        pyte.ByteStream(screen).feed(terminal.raw)
        status = [row for row in screen.display if "0/12" in row]
        assert len(status) == 1
        assert len(status[0].rstrip()) < 30
        assert not any("test_it" in row and "0/12" not in row for row in screen.display)
    finally:
        finish(project, terminal)
        terminal.close()
    assert "12 passed" in terminal.text


def test_colours_as_pytest(project: Project) -> None:
    """On a terminal the reports of workers are coloured."""
    project.file("test_it.py", FAILING)
    with opened(project, FLEETEST, "-n2") as terminal:
        result = terminal.wait().check(1)
    assert "\x1b[31mF\x1b[0m" in result.out
    assert "\x1b[32m.\x1b[0m" in result.out
    assert re.search(r"\x1b\[1m\x1b\[31mE +assert 40 == 0", result.out)


def test_terminal_is_as_before_after_a_run(project: Project) -> None:
    """No mode is changed, the cursor is in the first column, the cursor is shown."""
    project.file("test_it.py", numbered(12, "import time; time.sleep(0.05)"))
    with led(project, FLEETEST, "-n2") as terminal:
        before = terminal.modes()
        terminal.expect("12 passed in ")
        left_as_it_was(terminal, 0)
        assert terminal.modes() == before
        terminal.wait()
        assert terminal.screen().cursor.x == 0
        assert not terminal.screen().cursor.hidden
