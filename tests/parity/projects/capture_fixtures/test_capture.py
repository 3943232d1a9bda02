import logging
import os
import subprocess
import sys

import pytest


@pytest.fixture
def prints_first(capsys):
    print("in fixture")
    return capsys


def test_capsys(capsys):
    print("out")
    print("err", file=sys.stderr)
    assert capsys.readouterr() == ("out\n", "err\n")
    print("more")
    assert capsys.readouterr().out == "more\n"


def test_capsys_in_fixture(prints_first):
    assert prints_first.readouterr().out == "in fixture\n"


def test_capsysbinary(capsysbinary):
    sys.stdout.buffer.write(b"\x00\xff")
    assert capsysbinary.readouterr().out == b"\x00\xff"


def test_capfd(capfd):
    os.write(1, b"descriptor\n")
    subprocess.run(["/bin/echo", "child"], check=True)
    print("print")
    out = capfd.readouterr().out
    assert sorted(out.split()) == ["child", "descriptor", "print"]


def test_capfdbinary(capfdbinary):
    os.write(2, b"\xff\x00")
    assert capfdbinary.readouterr().err == b"\xff\x00"


def test_rest_is_reported(capsys):
    print("not read by the test")
    assert False


def test_capfd_rest_is_reported(capfd):
    os.write(1, b"not read by the test either\n")
    assert False


def test_both(capsys, capfd):
    pass


def test_caplog_and_capsys(caplog, capsys):
    logging.getLogger("x").warning("to the log")
    print("to stdout")
    assert caplog.messages == ["to the log"]
    assert capsys.readouterr().out == "to stdout\n"
