import os
import stat
import tempfile

import pytest


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session", numbered=False)
    (folder / "file.txt").write_text("text")
    return folder


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("module")


def test_name(tmp_path):
    assert tmp_path.name == "test_name0"
    assert tmp_path.is_dir() and not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["a b", "c/d", "é", "x" * 50])
def test_odd_name(tmp_path, text):
    (tmp_path / "file").write_text(text)


def test_private(tmp_path):
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_in_base(tmp_path, tmp_path_factory):
    assert tmp_path.parent == tmp_path_factory.getbasetemp()


def test_tmpdir(tmpdir):
    assert tmpdir.join("file").ensure().check()


def test_session(session_folder):
    assert (session_folder / "file.txt").read_text() == "text"


@pytest.mark.parametrize("n", range(4))
def test_session_in_all(session_folder, module_folder, n):
    assert session_folder.name == "session"
    (module_folder / str(n)).mkdir()


def test_fails_with_path(tmp_path):
    assert tmp_path.name == "other", tmp_path


def test_read_only(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").write_text("x")
    os.chmod(tmp_path / "sub", 0o500)


def test_tempfile_module():
    with tempfile.TemporaryDirectory() as folder:
        assert os.path.isdir(folder)
