#!/usr/bin/env python3
"""Run other plugins' own tests with pytest-xdist and with fleetest in its place: plugin_suites.py [NAME ...].

Without names, all that plugins.py lists.  Each plugin has two environments that are the same but for
pytest-xdist or fleetest, and every test must have the same outcome in both.  What is known to differ, and
why, is in plugins_known.txt.  Prints a row for docs/compatibility.md for each.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from outcomes import run
from plugins import PLUGINS
from sources import unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugins import Plugin

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FOLDER = ROOT / "build" / "suites"


def known() -> dict[str, str]:
    """Node id, with the plugin's name before it -> why its outcome is another."""
    found = {}
    for text in (HERE / "plugins_known.txt").read_text("utf-8").splitlines():
        if text and not text.startswith("#"):
            nodeid, _, why = text.partition(": ")
            found[nodeid] = why
    return found


def interpreters(name: str) -> list[Path]:
    """The Pythons of a plugin's two environments, that with fleetest first."""
    command = [sys.executable, ROOT / "scripts" / "environments.py", f"suite-{name}"]
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [Path(line) for line in made.stdout.splitlines()]


def run_plugin(plugin: Plugin, python: Path, project: Path, fleetest: bool) -> dict[str, str]:
    """Run a plugin's tests.

    :param fleetest: have fleetest answer to ``-n`` wherever they start pytest
    """
    arguments = [f"--rootdir={project}"]
    if fleetest:
        arguments += ["-p", "fleetest", "-p", "in_place"]
    log = FOLDER / f"{plugin.name}-{'fleetest' if fleetest else 'xdist'}.log"
    with log.open("wb") as output:
        env = {"PYTHONPATH": str(HERE)} if fleetest else {}
        return run(python, project, [*arguments, *plugin.arguments], env, output)


def listens(port: int) -> bool:
    """Whether something on this machine does."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def in_words(found: Mapping[str, str]) -> str:
    """How many have which outcome."""
    counts = Counter(found.values())
    words = [f"{counts[word]} {word}" for word in ("passed", "failed", "skipped") if counts[word]]
    return ", ".join(words) or "nothing"


def compare(plugin: Plugin) -> tuple[int, int]:
    """Run a plugin's tests both ways and print what differs; how many are the same, and are not."""
    if plugin.port is not None and not listens(plugin.port):
        print(
            f"SKIPPED: {plugin.name}: its tests need a service on port {plugin.port}: see plugins.py"
        )
        return 0, 0
    reasons = known()
    with_fleetest, with_xdist = interpreters(plugin.name)
    release = plugin.release
    project = unpacked(Path(sys.executable), release, FOLDER)
    theirs = run_plugin(plugin, with_xdist, project, fleetest=False)
    ours = run_plugin(plugin, with_fleetest, project, fleetest=True)
    different = 0
    for nodeid in sorted({*theirs, *ours}):
        pair = theirs.get(nodeid, "absent"), ours.get(nodeid, "absent")
        name = f"{plugin.name} {nodeid}"
        if pair[0] == pair[1]:
            if name in reasons:  # no error: some reasons are a matter of time
                print(f"the same, but listed as different: {name}")
        elif name in reasons:
            print(f"known: {name}: {' -> '.join(pair)}: {reasons[name]}")
        else:
            print(f"DIFFERENT: {name}: {' -> '.join(pair)}")
            different += 1
    print(f"| {release.replace('==', ' ')} | {in_words(theirs)} | {in_words(ours)} |", flush=True)
    return len(ours) - different, different + (not ours)


def main() -> int:
    """Returns 1 if anything differs from what is known."""
    names = sys.argv[1:]
    unknown = set(names) - {plugin.name for plugin in PLUGINS}
    if unknown:
        sys.exit(f"{__doc__}\nno plugin is called {', '.join(sorted(unknown))}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    results = [compare(plugin) for plugin in PLUGINS if not names or plugin.name in names]
    same, different = (sum(column) for column in zip(*results))
    print(f"{same} passed, {different} failed")
    return 1 if different or not same else 0


if __name__ == "__main__":
    sys.exit(main())
