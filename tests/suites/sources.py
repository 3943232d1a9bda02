"""The source distributions of other projects, whose tests are run with fleetest in xdist's place."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path


def unpacked(pip: Path, requirement: str, folder: Path) -> Path:
    """The sources of a release, downloaded once.

    :param pip: an interpreter that has pip
    :param requirement: ``name==version``
    :param folder: where it is kept
    """
    kept = folder / requirement.replace("==", "-")
    if not kept.exists():
        fresh = folder / f"{kept.name}.new"
        fresh.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                *(pip, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"),
                *("--dest", fresh, requirement),
            ],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
        )
        archive = next(fresh.glob("*.tar.gz"))
        with tarfile.open(archive) as tar:
            tar.extractall(fresh)  # noqa: S202 - a release of a known project
        archive.unlink()
        fresh.rename(kept)
    return next(path for path in kept.iterdir() if path.is_dir())
