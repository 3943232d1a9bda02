"""Which command lines that name tests by their ids share a snapshot."""

from __future__ import annotations

import pytest
from fleetest.by_id import files_of, files_of_values


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ("a.py::x", "a.py"),
        ("a.py::x a.py::y a.py::T::z", "a.py"),
        ("./a.py::x sub/../a.py::y[1::2]", "a.py"),
        ("/f/a.py::T::U::x", "a.py"),
        ("/g/a.py::x", "/g/a.py"),
        ("a.py::x b.py::T::y b.py::U", "a.py b.py"),
        ("b.py::x a.py::y", "b.py a.py"),
        ("a.py::x[T::y] b.py::z", "a.py b.py"),
        ("a.py::", "a.py"),
        # files and folders
        ("", ""),
        ("a.py", ""),
        ("a.py::x a.py", ""),
        ("a.py::x sub", ""),
        ("a.py[x] b.py::x", ""),
        # what would be collected in between
        ("a.py::T::x b.py::y", ""),
        ("a.py::x a.py::T::y b.py::z", ""),
        ("a.py::x b.py::y a.py::z", ""),
        # until pytest 8 that is the package, too
        ("pack/__init__.py::x", ""),
    ],
)
def test_files(arguments: str, files: str) -> None:
    wanted = tuple(name if name.startswith("/") else f"/f/{name}" for name in files.split())
    assert files_of(arguments.split(), "/f") == wanted


@pytest.mark.parametrize(
    ("unknown", "pyargs", "are_known"),
    [
        ([], False, True),
        (["--mine=a", "--other=b.py::x"], False, True),
        (["--mine"], False, False),
        (["-Mx=y"], False, False),
        (["b.py::x=1"], False, False),
        ([], True, False),
    ],
)
def test_options(unknown: list[str], pyargs: bool, are_known: bool) -> None:
    """What may be the value of an option is no test."""
    values = {"file_or_dir": ["a.py::x"], "pyargs": pyargs}
    assert files_of_values(values, unknown, "/f") == (("/f/a.py",) if are_known else ())
