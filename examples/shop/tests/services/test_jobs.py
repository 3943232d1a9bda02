from __future__ import annotations

import asyncio
import logging

import pytest

from shop.jobs import JobQueue
from tests.helpers import LATENCY


class Flaky:
    """Fails a few times, then works."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    async def __call__(self) -> str:
        await asyncio.sleep(0.01)
        if self.failures:
            self.failures -= 1
            raise OSError("try again")
        return "done"


async def fetch(value: object, delay: float = LATENCY) -> object:
    await asyncio.sleep(delay)
    return value


async def test_result(queue):
    job = queue.submit("fetch", lambda: fetch(42))
    await queue.join()
    assert (job.result, job.error, job.attempts) == (42, None, 1)


async def test_all_jobs_finish(queue):
    jobs = [queue.submit(f"fetch {n}", lambda n=n: fetch(n)) for n in range(6)]
    await queue.join()
    assert [job.result for job in jobs] == list(range(6))
    assert len(queue.finished) == 6


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 4])
async def test_number_of_workers(workers):
    running = most = 0

    async def job():
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.1)
        running -= 1

    async with JobQueue(workers) as queue:
        for number in range(4):
            queue.submit(f"job {number}", job)
    assert most == workers
    assert running == 0


async def test_priorities():
    done = []

    async def note(name):
        done.append(name)

    async with JobQueue(workers=1) as queue:
        queue.submit("low", lambda: note("low"), priority=20)
        queue.submit("first", lambda: note("first"))
        queue.submit("second", lambda: note("second"))
        queue.submit("urgent", lambda: note("urgent"), priority=1)
    assert done == ["urgent", "first", "second", "low"]


@pytest.mark.parametrize(
    ("failures", "retries", "attempts", "works"),
    [(1, 0, 1, False), (2, 2, 3, True), (5, 2, 3, False)],
)
async def test_retries(queue, failures, retries, attempts, works):
    job = queue.submit("flaky", Flaky(failures), retries=retries)
    await queue.join()
    assert job.attempts == attempts
    assert (job.error is None) is works
    assert queue.failed == ([] if works else [job])


async def test_failures_are_logged(queue, caplog):
    with caplog.at_level(logging.WARNING, logger="shop.jobs"):
        queue.submit("flaky", Flaky(1), retries=1)
        await queue.join()
    assert caplog.messages == ["job flaky failed (attempt 1): try again"]


async def test_a_failing_job_does_not_stop_the_others(queue):
    bad = queue.submit("bad", Flaky(9))
    good = queue.submit("good", lambda: fetch("fine"))
    await queue.join()
    assert bad.error is not None
    assert good.result == "fine"


async def test_an_error_in_the_block_stops_the_workers():
    with pytest.raises(KeyError):
        async with JobQueue() as queue:
            job = queue.submit("slow", lambda: fetch(1, delay=3600))
            await asyncio.sleep(0)
            raise KeyError("stop")
    assert job not in queue.finished


async def test_jobs_can_add_jobs(queue):
    async def parent():
        queue.submit("child", lambda: fetch("child"))
        return "parent"

    queue.submit("parent", parent)
    await queue.join()
    assert [job.result for job in queue.finished] == ["parent", "child"]
