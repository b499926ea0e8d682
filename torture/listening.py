"""A server on a loopback port for proofs and tests. When it ends, so does every connection that it has let in.

`asyncio.start_server` alone leaves those open that came last: their sockets are lost with the loop.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from engines.processes import LOOPBACK

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """Serve each connection with `serve` until the block ends; yields the port."""
    serving: list[tuple[asyncio.Task[None], asyncio.StreamWriter]] = []

    def let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        task.add_done_callback(lambda _task: writer.close())
        serving.append((task, writer))

    server = await asyncio.start_server(let_in, LOOPBACK, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for _turn in range(3):
            await asyncio.sleep(0)  # connections that were just accepted are let in
        for task, writer in serving:
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*(task for task, _writer in serving), return_exceptions=True)
        await asyncio.sleep(0)  # the loop lets go of what was aborted
