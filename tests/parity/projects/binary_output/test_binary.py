import os
import sys

import pytest


def test_invalid_utf8():
    os.write(1, b"before \xff\xfe\x80 after\n")
    assert False


def test_nul_bytes():
    os.write(1, b"nul \x00 byte\n")
    print("nul \x00 character")
    assert False


def test_all_bytes():
    os.write(1, bytes(range(256)))
    assert False


def test_cut_character():
    os.write(1, "é".encode()[:1])
    assert False


def test_surrogate_in_message():
    assert False, "lone \udc80 surrogate"


def test_surrogate_in_exception():
    raise ValueError("lone \ud800 surrogate")


def test_surrogate_printed():
    print("lone \udcff surrogate")


def test_surrogate_backslashed():
    sys.stdout.buffer.write("lone \udcff".encode("utf-8", "surrogateescape"))
    assert False


def test_control_characters():
    raise ValueError("".join(map(chr, range(32))) + "\x7f\x80\x9f\ufffe\uffff")


def test_skip_reason():
    pytest.skip("odd \x00 \x1b[31m reason \ufffe")


def test_xfail_reason():
    pytest.xfail("odd \x00 \x07 reason")
