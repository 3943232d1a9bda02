import locale
import os
import sys

import pytest


def test_chdir(tmp_path):
    os.chdir(tmp_path)


@pytest.mark.parametrize("n", range(4))
def test_relative_to_whatever(n, tmp_path):
    os.chdir(tmp_path)
    assert os.getcwd() == os.path.realpath(tmp_path)


def test_chdir_and_fail(tmp_path):
    os.chdir(tmp_path)
    assert False


def test_chdir_to_removed_folder(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()
    os.chdir(tmp_path)


def test_environ_kept():
    os.environ["LEFT_BY_A_TEST"] = "1"
    os.environ.pop("HOME", None)


def test_environ_cleared_and_restored(monkeypatch):
    for name in list(os.environ):
        if not name.startswith(("PYTEST", "PARITY", "FLEETEST")):
            monkeypatch.delenv(name)


def test_umask():
    os.umask(0o077)


def test_path_kept():
    sys.path.insert(0, "/no/such/folder")
    sys.argv = ["changed"]


def test_recursion_limit():
    sys.setrecursionlimit(sys.getrecursionlimit() + 100)


def test_locale():
    locale.setlocale(locale.LC_ALL, "C")


def test_current_test(request):
    assert os.environ["PYTEST_CURRENT_TEST"] == f"{request.node.nodeid} (call)"


def test_monkeypatch(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONLY_HERE", "1")
    monkeypatch.syspath_prepend(tmp_path)
