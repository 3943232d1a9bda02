"""Fixtures for the asynchronous parts and the services built on them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shop.gateway import PaymentClient, SimulatedGateway
from shop.jobs import JobQueue
from shop.notifications import Outbox
from tests.helpers import LATENCY


@pytest.fixture
def gateway(request: pytest.FixtureRequest) -> SimulatedGateway:
    """A payment provider; indirect parametrization gives its settings."""
    return SimulatedGateway(**{"latency": LATENCY, **getattr(request, "param", {})})


@pytest.fixture
def client(gateway: SimulatedGateway) -> PaymentClient:
    return PaymentClient(gateway, pause=0.01)


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
async def queue() -> AsyncIterator[JobQueue]:
    async with JobQueue(workers=3) as queue:
        yield queue
    assert all(task.done() for task in queue._tasks)
