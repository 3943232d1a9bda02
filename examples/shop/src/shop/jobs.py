"""A background job queue on asyncio."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

logger = logging.getLogger(__name__)


@dataclass(order=True)
class Job:
    """Work to be done; a lower priority number goes first."""

    priority: int
    number: int
    name: str = field(compare=False)
    run: Callable[[], Awaitable[Any]] = field(compare=False)
    retries: int = field(default=0, compare=False)
    attempts: int = field(default=0, compare=False)
    result: Any = field(default=None, compare=False)
    error: Exception | None = field(default=None, compare=False)


class JobQueue:
    """Runs jobs with a few workers; use it as an asynchronous context manager."""

    def __init__(self, workers: int = 2) -> None:
        if workers < 1:
            raise ValueError("a queue needs at least one worker")
        self.workers = workers
        self.finished: list[Job] = []
        self._numbers = itertools.count(1)
        self._pending: asyncio.PriorityQueue[Job] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> JobQueue:
        self._pending = asyncio.PriorityQueue()
        self._tasks = [asyncio.ensure_future(self._work()) for _ in range(self.workers)]
        return self

    async def __aexit__(self, exc_type: object, *exc_info: object) -> None:
        if exc_type is None:
            await self.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def submit(
        self,
        name: str,
        run: Callable[[], Awaitable[Any]],
        *,
        priority: int = 10,
        retries: int = 0,
    ) -> Job:
        """Add a job."""
        if self._pending is None:
            raise RuntimeError("the queue is not running")
        job = Job(priority, next(self._numbers), name, run, retries)
        self._pending.put_nowait(job)
        return job

    async def join(self) -> None:
        """Wait until every job has finished."""
        if self._pending is not None:
            await self._pending.join()

    @property
    def failed(self) -> list[Job]:
        """The jobs that gave up."""
        return [job for job in self.finished if job.error is not None]

    async def _work(self) -> None:
        assert self._pending is not None
        while True:
            job = await self._pending.get()
            try:
                await self._attempt(job)
            finally:
                self._pending.task_done()

    async def _attempt(self, job: Job) -> None:
        while True:
            job.attempts += 1
            try:
                job.result = await job.run()
                job.error = None
            except Exception as error:
                job.error = error
                logger.warning("job %s failed (attempt %d): %s", job.name, job.attempts, error)
                if job.attempts <= job.retries:
                    continue
            self.finished.append(job)
            return
