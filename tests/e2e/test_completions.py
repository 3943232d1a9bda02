"""The shells' completion files know every option, and none that does not exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fleetest.options import DIST_MODES, OPTIONS, START_METHODS

COMPLETIONS = Path(__file__).resolve().parents[2] / "completions"
FILES = ("fleetest.bash", "_fleetest", "fleetest.fish")
# Older spellings, which pytest takes and does not show.
UNSHOWN = {"--junitxml", "--junitprefix", "--disable-pytest-warnings", "-V"}
OWN = {flag for option in OPTIONS for flag in option.flags} | {
    "--python",
    "--cold",
    "--no-daemon",
    "--daemon-idle-timeout",
    "--daemon-memory",
    "--version",
    "--help",
}


def options_in(name: str) -> set[str]:
    """The options that a completion file offers, with their dashes."""
    text = (COMPLETIONS / name).read_text("utf-8")
    if name.endswith(".fish"):
        words = re.findall(r"(?<= )-(s|l) ([\w-]+)", text)
        return {("-" if kind == "s" else "--") + word for kind, word in words}
    if name.endswith(".bash"):
        text = text.partition("local options='")[2].partition("'")[0]
    else:
        # '(-x --exitfirst)'{-x,--exitfirst}'[description]' ...
        text = " ".join(
            line.split("[")[0] for line in text.splitlines() if line.startswith("    '")
        )
    return set(re.findall(r"(?<![\w-])-(?:-[a-z]+[a-z-]*[a-z]|[a-zA-Z](?!\w))", text))


@pytest.fixture(scope="module")
def known() -> set[str]:
    """The options that fleetest and pytest have."""
    command = Path(sys.executable).with_name("fleetest")
    shown = subprocess.run(
        [command, "--cold", "--help"], capture_output=True, text=True, check=True
    ).stdout
    return set(re.findall(r"(?<![\w-])--?\w[\w-]*", shown)) | UNSHOWN


@pytest.mark.parametrize("name", FILES)
def test_own_options_are_offered(name: str) -> None:
    assert options_in(name) >= OWN


@pytest.mark.parametrize("name", FILES)
def test_offered_options_exist(name: str, known: set[str]) -> None:
    assert options_in(name) - known == set()


def test_the_shells_offer_the_same() -> None:
    bash, zsh, fish = (options_in(name) for name in FILES)
    assert zsh == fish
    assert bash - UNSHOWN == zsh - UNSHOWN


@pytest.mark.parametrize(
    ("shell", "name"), [("bash", FILES[0]), ("zsh", FILES[1]), ("fish", FILES[2])]
)
def test_syntax(shell: str, name: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    subprocess.run([shell, "-n", COMPLETIONS / name], check=True)


def complete(*words: str, cwd: Path) -> list[str]:
    """What bash offers after these words, the last of which is being typed."""
    script = """
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _fleetest
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", COMPLETIONS / FILES[0], *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
    )
    return sorted(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["--maxs"], ["--maxschedchunk"]),
        (["--dist", ""], DIST_MODES),
        (["--dist", "="], DIST_MODES),
        (["--start-method", "=", "s"], ["spawn"]),
        (["--start-method", ""], START_METHODS),
        (["-n", "a"], ["auto"]),
        (["-x", "te"], ["test_one.py", "tests"]),
        (["--rootdir", "te"], ["tests"]),
        (["-k", "te"], []),
    ],
)
def test_bash(words: list[str], offered: list[str], tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "test_one.py").touch()
    assert complete("fleetest", *words, cwd=tmp_path) == sorted(offered)
