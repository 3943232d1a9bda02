"""Which processors there are, and how many workers ``-n auto`` makes."""

from __future__ import annotations

import os
from pathlib import Path


def usable_cores(*, logical: bool) -> int:
    """Cores that this process may use: by hardware, affinity and cgroup quota; at least 1.

    :param logical: count hardware threads, not physical cores
    """
    allowed = allowed_cpus()
    count = len(allowed) if logical else len(_physical(allowed))
    quota = _cgroup_quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    if quota is not None:
        count = min(count, max(1, int(quota)))
    return max(1, count)


def allowed_cpus() -> set[int]:
    """The hardware threads that this process may run on."""
    ask = getattr(os, "sched_getaffinity", None)  # tests of others take it away
    return set(range(os.cpu_count() or 1)) if ask is None else ask(0)


def _physical(cpus: set[int]) -> set[tuple[str, ...]]:
    """The physical cores behind these logical ones; a logical one each where nothing is known."""
    cores: set[tuple[str, ...]] = set()
    for cpu in cpus:
        topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
        try:
            package = (topology / "physical_package_id").read_text().strip()
            core = (topology / "core_id").read_text().strip()
        except OSError:
            cores.add(("cpu", str(cpu)))
        else:
            cores.add((package, core))
    return cores


def _read_numbers(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _v2_quota(folder: Path) -> float | None:
    words = _read_numbers(folder / "cpu.max")
    if len(words) != 2 or words[0] == "max":
        return None
    return int(words[0]) / int(words[1])


def _v1_quota(folder: Path) -> float | None:
    quota = _read_numbers(folder / "cpu.cfs_quota_us")
    period = _read_numbers(folder / "cpu.cfs_period_us")
    if not quota or not period or int(quota[0]) <= 0:
        return None
    return int(quota[0]) / int(period[0])


def _cgroup_quota(membership: Path, root: Path) -> float | None:
    """The smallest CPU quota, in cores, of this process's cgroup and the ones above it."""
    quotas: list[float] = []
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, read = root, _v2_quota
        elif "cpu" in controllers.split(","):
            base, read = root / controllers, _v1_quota
            if not base.is_dir():
                base = root / "cpu"
        else:
            continue
        parts = [part for part in path.split("/") if part and part != ".."]
        for depth in range(len(parts), -1, -1):
            quota = read(base.joinpath(*parts[:depth]))
            if quota is not None:
                quotas.append(quota)
    return min(quotas, default=None)
