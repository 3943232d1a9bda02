#!/usr/bin/env python3
"""Parity corpus: real projects' own test suites, obtained from PyPI alone.

    corpus.py list
    corpus.py setup NAME...                 venv + pinned requirements + unpacked sdist
    corpus.py pip NAME install WHEEL        pip in that project's venv, to put fleetest there
    corpus.py run NAME --runner "pytest -n 2" --out FILE.json
    corpus.py diff A.json B.json            exit 1 if any test's outcome differs
    corpus.py compare NAME... --runner "fleetest -n 2"   plain pytest and RUNNER, then the differences

`run` starts the runner in the project's source tree with the project's venv first on PATH and
appends `-p corpus_record`, the project's extra arguments and its test paths.  The plugin
(corpus_record.py, copied into each venv) writes nodeid -> outcome from the reporting side.
Everything is made under $CORPUS_WORK (default: a folder in the system's temporary directory).
Stdlib only; Python >= 3.11.
"""

import argparse
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = Path(os.environ.get("CORPUS_WORK", Path(tempfile.gettempdir()) / "fleetest-corpus"))
PYTEST = "pytest==9.2.0"
XDIST = "pytest-xdist==3.8.0"


@dataclass
class Project:
    version: str
    tests: str = "tests"  # test paths, relative to the sdist's root (or --pyargs in args)
    reqs: str = ""  # extra pip requirements
    args: str = ""  # extra pytest arguments
    extras: str = ""  # extras of the project itself: NAME[extras]
    drop: str = ""  # paths deleted from the unpacked sdist (the installed wheel is tested)
    prep: str = ""  # shell command run once in the source tree after unpacking
    sdist: bool = True  # False: the wheel ships its tests (use --pyargs)
    pytest: str = PYTEST
    env: str = ""  # extra environment, "A=1 B=2"
    fleetest: str = ""  # extra arguments where the runner is fleetest
    flaky: str = ""  # regex of tests that differ between two runs of plain pytest


PROJECTS = {
    "attrs": Project("26.1.0", reqs="hypothesis cloudpickle pympler"),
    "click": Project("8.5.1"),
    "jinja2": Project("3.1.6", reqs="trio"),
    "pluggy": Project(
        "1.7.0", "testing", reqs="pytest-benchmark coverage", args="--benchmark-disable"
    ),
    "pytest": Project(
        "9.2.0",
        "testing/python testing/code testing/io testing/logging testing/test_mark.py testing/test_skipping.py"
        " testing/test_unittest.py testing/test_doctest.py testing/test_monkeypatch.py testing/test_subtests.py",
        reqs="argcomplete attrs coverage hypothesis mock numpy pexpect pyyaml requests setuptools xmlschema",
    ),
    "sqlalchemy": Project(
        "2.1.9",
        "test/base test/engine test/ext/declarative test/sql/test_types.py",
        reqs="greenlet aiosqlite",
    ),
    "httpx": Project(
        "0.28.1",
        extras="brotli,cli,http2,socks,zstd",
        reqs="uvicorn trio trustme chardet==5.2.0 cryptography",
        fleetest="-o fleetest_single_fixtures=server",  # on a fixed port
    ),
    "httpcore": Project(
        "1.0.9",
        extras="asyncio,http2,socks,trio",
        reqs="pytest-httpbin pytest-trio anyio werkzeug<2.1",
    ),
    "anyio": Project(
        "4.16.0",
        extras="trio",
        reqs="blockbuster coverage hypothesis psutil pytest-mock pytest-timeout trustme truststore uvloop",
        args="-m 'not network' --ignore=tests/test_sockets.py",
    ),
    "more-itertools": Project("11.2.1"),
    "toolz": Project("1.2.0", "toolz", args="--doctest-modules"),
    "packaging": Project("26.3", reqs="coverage hypothesis pip pretend tomli_w"),
    "marshmallow": Project("4.4.0", reqs="simplejson", flaky="now|today|20[0-9][0-9]"),
    "python-dateutil": Project("4.0.0", reqs="attrs hypothesis freezegun pytest-cov"),
    "tqdm": Project(
        "4.70.1",
        reqs="pytest-timeout pytest-asyncio numpy pandas rich",
        flaky="test_iter_basic_overhead",
    ),
    "pygments": Project("2.21.0", reqs="lxml wcag-contrast-ratio"),
    "networkx": Project(
        "3.6.1",
        "networkx/classes networkx/generators networkx/readwrite networkx/utils networkx/linalg",
        args="--doctest-modules",
        reqs="numpy scipy",
    ),
    "djangorestframework": Project(
        "3.18.3",
        reqs="dj-database-url pytest-cov pytest-django django-filter inflection uritemplate pyyaml coreapi markdown",
    ),
    "tornado": Project(
        "6.6.1",
        "tornado/test",
        reqs="pycares",
        flaky="test_request_timeout",
        prep="echo 'import logging; logging.getLogger(\"tornado.access\").setLevel(logging.CRITICAL)' > conftest.py",
    ),
    "babel": Project("2.18.0", "babel tests", reqs="freezegun pytz tzdata"),
    "beautifulsoup4": Project("4.15.0", "bs4/tests", reqs="lxml html5lib"),
    "freezegun": Project("1.5.5", reqs="pytest-asyncio"),
    "sympy": Project("1.14.0", "sympy/sets sympy/logic sympy/parsing", reqs="hypothesis"),
    "itsdangerous": Project("2.2.0", reqs="freezegun"),
    "pyparsing": Project("3.3.3", extras="diagrams", reqs="matplotlib"),
    "numpy": Project(
        "2.4.6",
        "",
        sdist=False,
        args="--pyargs numpy.lib.tests numpy.ma.tests numpy.polynomial.tests",
        reqs="hypothesis",
    ),
}


def run(cmd, **kw):
    print("+", cmd if isinstance(cmd, str) else shlex.join(map(str, cmd)), flush=True)
    subprocess.run(cmd, check=True, **kw)


def pip(venv, *args):
    run([sys.executable, "-m", "pip", "--python", venv / "bin/python", *args])


def setup(name):
    p, root = PROJECTS[name], WORK / name
    venv, src, lock = root / "venv", root / "src", HERE / "lock" / f"{name}.txt"
    shutil.rmtree(root, ignore_errors=True)
    run([sys.executable, "-m", "venv", "--without-pip", venv])
    extras = f"[{p.extras}]" if p.extras else ""
    pins = ["-c", lock] if lock.exists() else []
    pip(
        venv,
        "install",
        "-q",
        f"{name}{extras}=={p.version}",
        p.pytest,
        XDIST,
        *p.reqs.split(),
        *pins,
    )
    if p.sdist:
        unpack(name, p.version, src)
        for path in p.drop.split():
            shutil.rmtree(src / path) if (src / path).is_dir() else (src / path).unlink()
    src.mkdir(exist_ok=True)
    (root / "home").mkdir()
    if p.prep:
        run(p.prep, shell=True, cwd=src, env=environ(name))


def unpack(name, version, src):
    stem = re.sub(r"[-_.]+", "_", name)
    found = lambda: [
        f
        for f in (WORK / "sdists").glob("*.tar.gz")
        if re.sub(r"[-_.]+", "_", f.name).lower()
        == re.sub(r"[-_.]+", "_", f"{stem}-{version}.tar.gz")
    ]
    if not found():
        run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "--no-binary",
                name,
                "-d",
                WORK / "sdists",
                f"{name}=={version}",
            ]
        )
    with tarfile.open(found()[0]) as tar:
        tar.extractall(src.parent / "unpack", filter="data")
    [top] = (src.parent / "unpack").iterdir()
    top.rename(src)


def environ(name):
    root = WORK / name
    keep = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("PYTEST_", "PYTHON", "PIP_")) and k not in ("CI", "BUILD_NUMBER")
    }
    extra = dict(item.split("=", 1) for item in shlex.split(PROJECTS[name].env))
    return (
        keep
        | {
            "PATH": f"{root / 'venv/bin'}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(root / "venv"),
            "HOME": str(root / "home"),
            "LC_ALL": "C.UTF-8",
        }
        | extra
    )


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def printed_outcomes(text):
    """What the short summary and the last line say: {line: how often}; reasons are left out."""
    _, _, end = text.rpartition("short test summary info")
    lines = [
        re.sub(r" - .*|\[\d+\] |(?<=\d): .*", "", line)
        for line in end.splitlines()
        if re.match(r"(SUB)?(PASSED|FAILED|SKIPPED|XFAIL|XPASS|ERROR)", line)
    ]
    lines += re.findall(r"\d+ (?:passed|failed|errors?|skipped|xfailed|xpassed)\b", end[-500:])
    return {line: f"{count} times" for line, count in Counter(lines).items()}


def run_suite(name, runner, out, limit=900, heard=True, fresh=True):
    """Run the suite; the JSON gets exit, wall, plugins, counts, outcomes.  Returns that dict.

    fresh: pytest's cache is removed before it.  heard: outcomes are written down by a plugin; else they are what is printed, and no plugin listens."""
    p, root = PROJECTS[name], WORK / name
    [site] = (root / "venv/lib").glob("python3*/site-packages")
    recorder = (HERE / "corpus_record.py").read_bytes()
    if (
        not (site / "corpus_record.py").exists()
        or (site / "corpus_record.py").read_bytes() != recorder
    ):
        (site / "corpus_record.py").write_bytes(
            recorder
        )  # else it stays, and so does what has imported it
    raw, out = root / "raw.json", Path(out).resolve()
    raw.unlink(missing_ok=True)
    if fresh:
        shutil.rmtree(root / "src/.pytest_cache", ignore_errors=True)
    listening = ["-p", "corpus_record"] if heard else ["-q", "-rA", "--tb=no"]
    cmd = [*shlex.split(runner), *listening, *shlex.split(p.args), *p.tests.split()]
    if "fleetest" in cmd:
        # What listens keeps nothing on the way to the tests.
        cmd += ["-o", "fleetest_resumable=corpus_record", *shlex.split(p.fleetest)]
    start, cpu = time.monotonic(), cpu_seconds()
    with open(out.with_suffix(".log"), "wb") as log:
        child = subprocess.Popen(
            cmd,
            cwd=root / "src",
            env=environ(name) | {"CORPUS_OUT": str(raw)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            child.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    result = {
        "project": name,
        "runner": runner,
        "exit": child.returncode,
        "wall": round(time.monotonic() - start, 2),
        "cpu": round(cpu_seconds() - cpu, 2),
        "load": os.getloadavg()[0],
    }
    recorded = json.loads(raw.read_text()) if raw.exists() else {"plugins": [], "outcomes": {}}
    if not heard:
        recorded["outcomes"] = printed_outcomes(
            out.with_suffix(".log").read_text("utf-8", "replace")
        )
    result |= {
        "plugins": recorded["plugins"],
        "counts": Counter(recorded["outcomes"].values()),
        "outcomes": recorded["outcomes"],
    }
    out.write_text(json.dumps(result, indent=0))
    return result


def settle(name, runner):
    """Wait until a daemon has prepared for the next run, if there is one."""
    status = [shlex.split(runner)[0], "daemon", "status", "--json"]
    while True:
        shown = subprocess.run(
            status, cwd=WORK / name / "src", env=environ(name), capture_output=True, check=False
        )
        if shown.returncode != 0 or not json.loads(shown.stdout).get("preparing"):
            return
        time.sleep(0.1)


def start_of(path):
    """How a run says that it was started."""
    found = re.search(
        r"^fleetest: (.*?)(; workers|; no workers|$)", path.read_text("utf-8", "replace"), re.M
    )
    return found[1] if found else ""


def diff(a, b, flaky=""):
    """[(nodeid, outcome in a, outcome in b)], memory addresses in ids and known flaky tests ignored."""
    a, b = (
        {re.sub(r"0x[0-9a-fA-F]{6,}", "0x…", k): v for k, v in r["outcomes"].items()}
        for r in (a, b)
    )
    return [
        (k, a.get(k, "absent"), b.get(k, "absent"))
        for k in sorted(a.keys() | b.keys())
        if a.get(k) != b.get(k) and not (flaky and re.search(flaky, k))
    ]


def compare(name, runner, limit, mode="cold"):
    """Run NAME under plain pytest and under RUNNER; print the differences; True if there are none.

    Modes: cold, one run; warm, the second of two; touch, a run after a test file's mtime changed; edit, a run
    after a test file got a comment (it is put back afterwards); unheard, one run in which no plugin listens."""
    root, heard = WORK / name, mode != "unheard"
    plain = run_suite(name, "pytest", root / "plain.json", limit, heard)
    [file, *_] = sorted((root / "src").rglob("test_*.py")) or [None]
    before = file and file.read_bytes()
    fresh = mode in ("cold", "unheard")
    if not fresh:
        run_suite(name, runner, root / "first.json", limit)
        settle(name, runner)
    if mode == "touch" and file:
        file.touch()
    try:
        if mode == "edit" and file:
            file.write_bytes(before + b"\n# edited\n")
        other = run_suite(name, runner, root / "other.json", limit, heard, fresh)
    finally:
        if mode == "edit" and file:
            file.write_bytes(before)
    rows = diff(plain, other, PROJECTS[name].flaky)
    for nodeid, x, y in rows[:40]:
        print(f"    {x:>10} -> {y:<10} {nodeid}")
    same = not rows and plain["exit"] == other["exit"]
    print(
        f"{name:22}{len(plain['outcomes']):7} tests {len(rows):5} differ  exit {plain['exit']} / {other['exit']}"
        f"  cpu {plain['cpu']:.1f} / {other['cpu']:.1f} s  wall {plain['wall']:.1f} / {other['wall']:.1f} s"
        f"  {'same' if same else 'DIFFERENT'}  {start_of(root / 'other.log')}",
        flush=True,
    )
    return same


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sub = parser.add_subparsers(dest="command", required=True)
    sub.add_parser("list")
    sub.add_parser("setup").add_argument("names", nargs="+", metavar="NAME")
    r = sub.add_parser("run")
    r.add_argument("name", choices=PROJECTS, metavar="NAME")
    r.add_argument("--runner", default="pytest")
    r.add_argument("--out", required=True)
    r.add_argument("--limit", type=float, default=900, help="seconds")
    c = sub.add_parser("compare")
    c.add_argument("names", nargs="+", metavar="NAME", help="or all")
    c.add_argument("--runner", required=True)
    c.add_argument("--mode", choices=["cold", "unheard", "warm", "touch", "edit"], default="cold")
    c.add_argument("--limit", type=float, default=900, help="seconds for one run")
    i = sub.add_parser("pip")
    i.add_argument("name", choices=PROJECTS, metavar="NAME")
    i.add_argument("args", nargs=argparse.REMAINDER)
    d = sub.add_parser("diff")
    d.add_argument("a")
    d.add_argument("b")
    args = parser.parse_args()
    if args.command == "list":
        for name, p in PROJECTS.items():
            print(f"{name:24}{p.version:12}{p.tests or p.args}")
    elif args.command == "setup":
        for name in args.names:
            setup(name)
    elif args.command == "run":
        result = run_suite(args.name, args.runner, args.out, args.limit)
        print(args.name, f"exit={result['exit']} wall={result['wall']}s", dict(result["counts"]))
    elif args.command == "compare":
        names = PROJECTS if args.names == ["all"] else args.names
        results = [compare(name, args.runner, args.limit, args.mode) for name in names]
        print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
        sys.exit(not all(results))
    elif args.command == "pip":
        pip(WORK / args.name / "venv", *args.args)
    else:
        rows = diff(*(json.loads(Path(f).read_text()) for f in (args.a, args.b)))
        for nodeid, x, y in rows:
            print(f"{x:>10} -> {y:<10} {nodeid}")
        print(f"{len(rows)} differences")
        sys.exit(bool(rows))


if __name__ == "__main__":
    main()
