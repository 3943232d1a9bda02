"""Workers in other folders: what is copied there first, and the same command line for them."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fleetest.privates import private

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetest.node import Gateway
    from fleetest.specs import Spec

IGNORED = (".*", "*.pyc", "*.pyo", "*~")
"""What is never copied."""


class Copies:
    """The folders of ``--rsyncdir``, for the workers whose ``--tx`` says ``chdir=``.

    The meaning of the options is pytest-xdist's, but that neither pytest nor anything else is copied
    that was not asked for.
    """

    def __init__(self, config: pytest.Config, specs: Sequence[Spec]) -> None:
        """Look what is to be copied.

        :raises pytest.UsageError: it is not there, or two of it have one name
        """
        self.config = config
        self.roots: list[Path] = []
        self._places: set[Path] = set()
        if all(spec.chdir is None for spec in specs):
            return  # there is nowhere to copy to
        here = config.invocation_params.dir
        asked = [here / name for name in config.option.rsyncdir or ()]
        for path in [*asked, *config.getini("rsyncdirs")]:
            root = Path(path).resolve()
            if not root.exists():
                raise pytest.UsageError(f"--rsyncdir: {path} does not exist")
            if root in self.roots:
                continue
            if any(root.name == other.name for other in self.roots):
                raise pytest.UsageError(f"--rsyncdir: two of them are named {root.name}")
            self.roots.append(root)
        globs = [*IGNORED, *(config.option.rsyncignore or ()), *config.getini("rsyncignore")]
        self._ignored = re.compile("|".join(fnmatch.translate(glob) for glob in globs))

    def bring(self, gateway: Gateway) -> None:
        """Copy what a worker wants in its folder, unless another had it copied there.

        :raises pytest.UsageError: it cannot be copied
        """
        if gateway.spec.chdir is None or not self.roots:
            return
        place = place_of(self.config, gateway.spec).resolve()
        if place in self._places:
            return
        self._places.add(place)
        hook = self.config.hook
        for root in self.roots:
            hook.pytest_xdist_rsyncstart(source=root, gateways=[gateway])
            try:
                place.mkdir(exist_ok=True)
                self._copy(root, place)
            except OSError as error:
                raise pytest.UsageError(f"--rsyncdir: cannot copy {root}: {error}") from None
            hook.pytest_xdist_rsyncfinish(source=root, gateways=[gateway])

    def _copy(self, root: Path, place: Path) -> None:
        """Put `root` into the folder `place`; what had its name there is replaced."""
        target = place / root.name
        if target == root:
            return
        if target in root.parents:
            raise OSError(f"{target} is in the way, and {root} is in it")
        if not root.is_dir():
            shutil.copy2(root, target)
            return

        def ignore(folder: str, names: list[str]) -> list[str]:
            return [name for name in names if self._is_left_out(Path(folder, name), place)]

        with tempfile.TemporaryDirectory(dir=place, prefix=".fleetest-") as kept:
            shutil.copytree(root, Path(kept, "new"), symlinks=True, ignore=ignore)
            if target.exists() or target.is_symlink():
                target.rename(Path(kept, "old"))
            Path(kept, "new").rename(target)

    def _is_left_out(self, path: Path, place: Path) -> bool:
        copies = (place / root.name for root in self.roots)
        if path == place or path in copies:
            return True  # this copy or another
        return bool(self._ignored.match(path.name) or self._ignored.match(str(path)))

    # ---- what workers are told ----

    def arguments(self, spec: Spec) -> list[str]:
        """The session's command line for a worker.

        :raises pytest.UsageError: an argument is in none of the folders that are copied
        """
        config = self.config
        args = [str(arg) for arg in config.invocation_params.args]
        if spec.chdir is None:
            return args
        place = place_of(config, spec)
        named = set(config.option.file_or_dir)
        given = [self._moved_argument(arg, place) if arg in named else arg for arg in args]
        if config.args_source is not pytest.Config.ArgsSource.ARGS:
            given += [self._moved_argument(arg, place) for arg in config.args]
        if config.inipath is not None:
            given += ["-c", str(self._moved(config.inipath, place) or config.inipath)]
        unmoved = place if self.roots else config.rootpath
        return [*given, f"--rootdir={self._moved(config.rootpath, place) or unmoved}"]

    def _moved(self, path: Path, place: Path) -> Path | None:
        """Where a path is after the copying; None: it is not copied."""
        # A link in a folder that is copied is copied; a folder may be reached by a link.
        for found in (Path(os.path.abspath(path)), path.resolve()):
            for root in self.roots:
                if found == root or root in found.parents:
                    return place / root.name / found.relative_to(root)
        return None

    def _moved_argument(self, arg: str, place: Path) -> str:
        """The same test for a worker in another folder."""
        name, colons, rest = arg.partition("::")
        path = self.config.invocation_params.dir / name
        if not name or not path.exists():
            return arg
        moved = self._moved(path, place) if self.roots else path
        if moved is None:
            raise pytest.UsageError(f"{arg} is in none of the folders that --rsyncdir copies")
        return f"{moved}{colons}{rest}"

    def prefixes(self, spec: Spec) -> dict[str, str]:
        """Name of a copied folder -> where it is below the session's root.

        Node ids of workers begin with the name, those of the session with the path.
        """
        rootpath = self.config.rootpath.resolve()
        found = {}
        for root in self.roots if spec.chdir is not None else ():
            path = os.path.relpath(root, rootpath).replace(os.sep, "/")
            if rootpath != root and root not in rootpath.parents and path != root.name:
                found[root.name] = path
        return found


def place_of(config: pytest.Config, spec: Spec) -> Path:
    """The folder that a worker runs in."""
    here = config.invocation_params.dir
    return here if spec.chdir is None else here / spec.chdir


def rename(items: Sequence[Any], prefixes: dict[str, str]) -> None:
    """Give tests of a worker the node ids that the session has for them.

    :param prefixes: :meth:`Copies.prefixes`
    """
    for item in items:
        name, slash, rest = item.nodeid.partition("/")
        if slash and name in prefixes:
            _, line, domain = item.location
            nodeid = f"{prefixes[name]}/{rest}"
            private.rename_item(item, nodeid, (nodeid.partition("::")[0], line, domain))
