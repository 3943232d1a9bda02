#!/usr/bin/env python3
"""Show how a runner differs from plain pytest on one parity project.

python tests/parity/compare.py PROJECT [--case N] [--runner "fleetest -n 2"] [--modes free,ordered]
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from parity_cases import DescriptionError, find_project
from parity_lab import DEFAULT_MODES, DEFAULT_RUNNER, MODES, PLAIN, Job, Lab
from parity_python import probe
from parity_sandbox import sandbox


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", help="the name of a folder in projects/ or plugins/")
    parser.add_argument("--case", type=int, help="only this case (the first is 0)")
    parser.add_argument("--runner", default=DEFAULT_RUNNER, help="default: %(default)s")
    parser.add_argument(
        "--modes", default=DEFAULT_MODES, help=f"of {', '.join(MODES)}; default: %(default)s"
    )
    parser.add_argument(
        "--python", default=sys.executable, help="the interpreter with pytest and the runner"
    )
    parser.add_argument("--show", action="store_true", help="print what plain pytest prints")
    return parser.parse_args()


def _show(job: Job) -> None:
    """Print what plain pytest does, command line by command line."""
    with sandbox(job.interpreter) as box:
        for seen in box.run(PLAIN, job.project, job.case):
            print(f"exit {seen['exit']}", seen["stdout"], seen["stderr"], sep="\n")


def main() -> int:
    """Compare, print, and exit with 1 if there is a difference."""
    arguments = _arguments()
    try:
        project = find_project(Path(arguments.project).name)
    except DescriptionError as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    interpreter = probe(arguments.python)
    lab = Lab(shlex.split(arguments.runner), arguments.modes.split(","))
    found = False
    for index, case in enumerate(project.cases):
        if arguments.case not in {None, index}:
            continue
        job = Job(interpreter, project, index)
        reason = interpreter.why_not(
            python=case.python, pytest=case.pytest, requires=project.requires
        )
        if reason:
            print(f"{project.name}-{index}: skipped: {reason}")
            continue
        if arguments.show:
            _show(job)
        texts = lab.compare(job)
        found = found or bool(texts)
        print(f"{project.name}-{index}: {'different' if texts else 'the same'}", *texts, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
