import asyncio
import gc
import sys

import pytest


async def value(number):
    await asyncio.sleep(0)
    return number


@pytest.mark.parametrize("n", range(3))
def test_run(n):
    assert asyncio.run(value(n)) == n


def test_gather():
    async def main():
        return await asyncio.gather(*(value(n) for n in range(5)))

    assert asyncio.run(main()) == list(range(5))


def test_subprocess():
    async def main():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print('child')", stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        return out, process.returncode

    assert asyncio.run(main()) == (b"child\n", 0)


def test_thread():
    async def main():
        return await asyncio.get_running_loop().run_in_executor(None, lambda: 5)

    assert asyncio.run(main()) == 5


def test_server():
    async def main():
        async def answer(reader, writer):
            writer.write((await reader.readline()).upper())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello\n")
            line = await reader.readline()
            writer.close()
            return line

    assert asyncio.run(main()) == b"HELLO\n"


def test_fails_inside():
    async def inner():
        raise LookupError("inside a task")

    async def main():
        await asyncio.create_task(inner())

    asyncio.run(main())


def test_timeout():
    async def main():
        await asyncio.wait_for(asyncio.sleep(10), 0.01)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(main())


@pytest.mark.filterwarnings("ignore")
def test_loop_left_open():
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(value(1)) == 1
    del loop
    gc.collect()


def test_after():
    assert asyncio.run(value(9)) == 9
