#!/usr/bin/env python3
"""Write a synthetic suite: gen_suite.py DIR FILES TESTS makes FILES modules of TESTS tests each.

Of each five tests one uses a session and a function fixture, one a parameter, one a class, one
monkeypatch and one nothing. The sizes of the benchmark are 10 x 10, 100 x 20 and 1000 x 10; what
is written depends on FILES and TESTS alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

PYPROJECT = """\
[project]
name="x"
version="0"
[tool.pytest.ini_options]
testpaths=["tests"]
"""

CONFTEST = """\
import pytest
@pytest.fixture(scope="session")
def db():
    yield {"n": 0}
@pytest.fixture
def row(db):
    db["n"] += 1
    yield db["n"]
"""

# One folder (a package) holds so many modules.
MODULES_A_FOLDER = 50


def test_source(i: int, j: int) -> str:
    """The source of test ``j`` of module ``i``."""
    kind = j % 5
    if kind == 0:
        return f"def test_plain_{j}():\n    assert {i}+{j}=={i + j}\n"
    if kind == 1:
        return f"def test_row_{j}(row):\n    assert row>0\n"
    if kind == 2:
        mark = '@pytest.mark.parametrize("a,b",[(1,1)])'
        return f"{mark}\ndef test_par_{j}(a,b):\n    assert a==b\n"
    if kind == 3 and j == 3 and i % 10 == 0:
        method = "def test_m(self, tmp_path):\n        assert tmp_path.exists()"
        return f"class TestC{j}:\n    {method}\n"
    if kind == 3:
        return f'class TestC{j}:\n    def test_m(self):\n        assert "a" in "abc"\n'
    return f'def test_mp_{j}(monkeypatch):\n    monkeypatch.setenv("X","{j}")\n'


def generate(root: Path, files: int, tests: int) -> None:
    """Write the suite into ``root``."""
    (root / "tests").mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    (root / "tests" / "conftest.py").write_text(CONFTEST, "utf-8")
    for i in range(files):
        folder = root / "tests" / f"p{i // MODULES_A_FOLDER:03d}"
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
        parts = ["import pytest\n", *(test_source(i, j) for j in range(tests))]
        (folder / f"test_f{i}.py").write_text("\n".join(parts), "utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    generate(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
