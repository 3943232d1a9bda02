"""Options of the parity tests, and the cases as parameters.

Environments: ``FLEETEST_TEST_PYTHONS``, interpreters with pytest and fleetest installed, separated
as in PATH; without it, the running one.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator

import pytest
from parity_cases import PLUGINS, PROJECTS, load_projects
from parity_lab import DEFAULT_MODES, DEFAULT_RUNNER, MODES, Job, Lab, jobs
from parity_python import interpreters

collect_ignore = ["projects", "plugins"]

_FOLDERS = {"test_parity": PROJECTS, "test_plugins": PLUGINS}
_LAB = pytest.StashKey[Lab]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What is compared with plain pytest, and how."""
    group = parser.getgroup("parity")
    group.addoption("--parity-runner", default=DEFAULT_RUNNER, help="default: %(default)s")
    group.addoption(
        "--parity-modes", default=DEFAULT_MODES, help=f"of {', '.join(MODES)}; %(default)s"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the lab; in a session that is not itself a worker it looks one case ahead."""
    cache = getattr(config, "cache", None)
    config.stash[_LAB] = Lab(
        shlex.split(config.getoption("--parity-runner", DEFAULT_RUNNER)),
        config.getoption("--parity-modes", DEFAULT_MODES).split(","),
        memory=cache.mkdir("parity") if cache else None,
        threads=1 if "PYTEST_XDIST_WORKER" in os.environ else 2,
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no thread behind."""
    config.stash[_LAB].close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each case, project and interpreter, called ``project-case``."""
    if "job" not in metafunc.fixturenames:
        return
    environments = interpreters()
    params = []
    for job in jobs(list(load_projects(_FOLDERS[metafunc.module.__name__])), environments):
        tag = f"-{job.interpreter.tag}" if len(environments) > 1 else ""
        reason = job.interpreter.why_not(
            python=job.case.python, pytest=job.case.pytest, requires=job.project.requires
        )
        marks = [pytest.mark.skip(reason=reason)] if reason else []
        if job.case.known:
            marks.append(pytest.mark.xfail(reason=job.case.known))
        params.append(pytest.param(job, id=f"{job.project.name}-{job.index}{tag}", marks=marks))
    metafunc.parametrize("job", params)


def _job(item: pytest.Item | None) -> Job | None:
    callspec = getattr(item, "callspec", None)
    skipped = item is None or item.get_closest_marker("skip")
    return None if skipped or callspec is None else callspec.params.get("job")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Start the case of this test and, beside it, that of the next one."""
    lab = item.config.stash[_LAB]
    for job in (_job(item), _job(nextitem) if lab.threads > 1 else None):
        if job is not None:
            lab.start(job)
    return (yield)


@pytest.fixture
def lab(pytestconfig: pytest.Config) -> Lab:
    """The lab of this session."""
    return pytestconfig.stash[_LAB]
