import anyio
import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def group():
    async with anyio.create_task_group() as group:
        yield group


@pytest.fixture(scope="module")
async def shared(anyio_backend):
    await anyio.sleep(0)
    yield anyio_backend


async def test_sleeps():
    await anyio.sleep(0.001)


async def test_group(group):
    seen = []

    async def note(n):
        seen.append(n)

    for n in range(3):
        group.start_soon(note, n)
    await anyio.sleep(0.01)
    assert sorted(seen) == [0, 1, 2]


async def test_shared(shared):
    assert shared == "asyncio"


async def test_fails():
    await anyio.sleep(0)
    assert await anyio.to_thread.run_sync(lambda: 1) == 2


def test_plain():
    pass
