"""What a parked process was made of: the files it has read, and where it has looked for modules."""

from __future__ import annotations

import contextlib
import os
import site
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleetest.preparing import Preparation

HARMLESS_PATH_FILES = (
    "distutils-precedence.pth",
    "_virtualenv.pth",
    "__editable__",
    "a1_coverage.pth",
    "pytest-cov.pth",
)
"""What the names of ``.pth`` files with code begin with whose variables are known to the daemon, or that
read none: see ``src/daemon/environ.c``."""

_SITE = [*site.getsitepackages(), site.getusersitepackages()]


class Inputs:
    """Those of this process, for the daemon to watch over: see ``src/prep/inputs.h``."""

    def __init__(self) -> None:
        """Take note of what the interpreter and the modules so far were made of."""
        home = os.path.dirname(sys.executable)
        configurations = {
            os.path.join(folder, "pyvenv.cfg") for folder in (home, os.path.dirname(home))
        }
        self._folders = {*sys.path, *_SITE}
        path_files = _path_files(self._folders)
        self._files = {sys.executable, *path_files, *configurations, *_modules()}
        self._packages = _packages() - self._folders

    def all(self) -> list[list[bytes]]:
        """Files, folders of installed modules, other folders of modules."""
        return [_encoded(self._files), _encoded(self._folders), _encoded(self._packages)]

    def more(self, preparation: Preparation) -> list[list[bytes]]:
        """The same, of what was read since."""
        effects = preparation.effects
        files = (_modules() | effects.read) - self._files
        projects = (_packages() | effects.listed | set(preparation.folders)) - self._packages
        return [_encoded(files), [], _encoded(projects - self._folders)]


def source_of(path: str) -> str:
    """The source of byte code, which is as up to date as that; other paths stay as they are.

    Also of pytest's own byte code: ``mod.cpython-311-pytest-9.2.0.pyc``.
    """
    if not is_byte_code(path):
        return path
    folder, name = os.path.split(path)
    prefix = sys.pycache_prefix
    if prefix and path.startswith(prefix + os.sep):
        parent = os.sep + os.path.relpath(folder, prefix)
    else:
        parent = os.path.dirname(folder)
    return os.path.normpath(os.path.join(parent, f"{name.partition('.')[0]}.py"))


def is_byte_code(path: str) -> bool:
    """Whether a path is that of byte code in the folder of its own, or of what is about to become such."""
    folder, name = os.path.split(path)
    prefix = sys.pycache_prefix
    own = os.path.basename(folder) == "__pycache__" or (prefix and path.startswith(prefix + os.sep))
    return bool(own) and ".pyc" in name


def _encoded(paths: Iterable[str]) -> list[bytes]:
    return sorted(os.fsencode(path) for path in paths if os.path.isabs(path))


def _modules() -> set[str]:
    """The files that modules were imported from."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return {file for file in files if isinstance(file, str)}


def _packages() -> set[str]:
    """The folders in which the modules of packages were looked for."""
    found: set[str] = set()
    for module in list(sys.modules.values()):
        with contextlib.suppress(Exception):  # whatever lazy modules there are
            found.update(path for path in module.__path__ if isinstance(path, str))
    return found


def _path_files(folders: Iterable[str]) -> list[str]:
    """The ``.pth`` files in folders.

    The interpreter reads those of its own at its start, ``sitecustomize`` others by ``site.addsitedir()``, which
    puts them on the path.
    """
    found = []
    for folder in folders:
        with contextlib.suppress(OSError):
            names = os.listdir(folder)
            found += [os.path.join(folder, name) for name in names if name.endswith(".pth")]
    return found


def was_customised() -> bool:
    """Whether code of somebody's was run before we could watch, which may have read any variable."""
    if "sitecustomize" in sys.modules or "usercustomize" in sys.modules:
        return True
    for path in _path_files(_SITE):
        if os.path.basename(path).startswith(HARMLESS_PATH_FILES):
            continue
        with contextlib.suppress(OSError), open(path, "rb") as file:
            if any(line.startswith((b"import ", b"import\t")) for line in file):
                return True
    return False
