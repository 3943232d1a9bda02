import os
import subprocess
import sys

import pytest

SOURCE = """
import os

def test_passes():
    print("inner output")

def test_environment():
    assert "PYTEST_XDIST_WORKER" not in os.environ

def test_fails():
    assert 1 == 2
"""


def test_subprocess(tmp_path):
    (tmp_path / "test_sub.py").write_text(SOURCE)
    env = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "1 failed, 2 passed" in done.stdout


def test_in_process(pytester):
    pytester.makepyfile("def test_a(): pass\ndef test_b(): assert 0\n")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    assert result.ret == 1


def test_pytester_subprocess(pytester):
    pytester.makepyfile("def test_a(): pass\ndef test_b(): assert 0\n")
    result = pytester.runpytest_subprocess("-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*test_a PASSED*", "*test_b FAILED*"])


def test_inline_run(pytester):
    pytester.makepyfile("import pytest\n@pytest.mark.xfail\ndef test_x(): assert 0\n")
    reports = pytester.inline_run().getreports("pytest_runtest_logreport")
    assert [report.when for report in reports] == ["setup", "call", "teardown"]


def test_collects(pytester):
    items = pytester.getitems("def test_one(): pass\ndef test_two(): pass\n")
    assert [item.name for item in items] == ["test_one", "test_two"]


def test_inner_exit(pytester):
    pytester.makepyfile("import pytest\ndef test_x(): pytest.exit('inner', returncode=9)\n")
    assert pytester.runpytest_inprocess().ret == 9


def test_inner_warnings(pytester):
    pytester.makepyfile("import warnings\ndef test_x(): warnings.warn('inner')\n")
    pytester.runpytest_inprocess().assert_outcomes(passed=1, warnings=1)


def test_inner_junit(pytester):
    pytester.makepyfile("def test_x(): pass\n")
    pytester.runpytest_inprocess("--junitxml=inner.xml")
    assert (pytester.path / "inner.xml").exists()


def test_main(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_called_by_main.py").write_text("def test_x(): pass\n")
    assert pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]) == 0
    assert "1 passed" in capsys.readouterr().out


def test_reports_of_inner_failure(pytester):
    pytester.makepyfile("def test_x(): assert 'inner' == 'failure'\n")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    code = int(result.ret)
    assert code == 0
