import asyncio

import pytest
import pytest_asyncio


@pytest_asyncio.fixture
async def connection():
    await asyncio.sleep(0)
    yield asyncio.get_running_loop()
    await asyncio.sleep(0)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared():
    yield asyncio.get_running_loop()


@pytest.mark.asyncio
async def test_passes(connection):
    assert asyncio.get_running_loop() is connection


@pytest.mark.asyncio(loop_scope="module")
async def test_shared(shared):
    assert asyncio.get_running_loop() is shared


@pytest.mark.asyncio
@pytest.mark.parametrize("n", range(4))
async def test_params(n):
    await asyncio.sleep(0.001)
    assert n != 3


@pytest.mark.asyncio
async def test_task_fails():
    async def inner():
        raise ValueError("in a task")

    await asyncio.create_task(inner())


@pytest.mark.asyncio
async def test_skips():
    pytest.skip("inside a coroutine")


async def test_without_mark():
    await asyncio.sleep(0)


def test_plain():
    assert asyncio.run(asyncio.sleep(0, "value")) == "value"
