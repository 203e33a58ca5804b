"""Visitors without a browser: they speak Streamlit's protobuf over its WebSocket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

_LARGEST_MESSAGE = 300_000_000


@dataclass(frozen=True)
class Load:
    """What some visitors measured who rerun the page without pause."""

    reruns: int
    wall_s: float
    round_trips_s: tuple[float, ...]
    received_bytes: int

    @property
    def reruns_per_s(self) -> float:
        """Throughput over all visitors."""
        return self.reruns / self.wall_s


class Visitor:
    """One open page."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.received_bytes = 0

    async def rerun(self) -> float:
        """Run the page's script once; seconds until the server says that it is finished.

        Raises
        ------
        RuntimeError
            The script raised, or did not compile.
        """
        request = BackMsg()
        request.rerun_script.query_string = ""
        start = time.perf_counter()
        await self.socket.send(request.SerializeToString())
        while True:
            data = await self.socket.recv()
            assert isinstance(data, bytes)
            self.received_bytes += len(data)
            message = ForwardMsg.FromString(data)
            if message.delta.new_element.HasField("exception"):
                raise RuntimeError(message.delta.new_element.exception.message)
            if message.WhichOneof("type") != "script_finished":
                continue
            if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                raise RuntimeError("The page's script does not compile.")
            if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return time.perf_counter() - start


async def _visit(url: str, n_reruns: int, start: asyncio.Barrier) -> tuple[list[float], int]:
    """Open a page, run it once, wait for the others, then rerun it ``n_reruns`` times."""
    async with websockets.connect(
        url, subprotocols=[websockets.Subprotocol("streamlit")], max_size=_LARGEST_MESSAGE
    ) as socket:
        visitor = Visitor(socket)
        await visitor.rerun()
        await start.wait()
        visitor.received_bytes = 0
        times = [await visitor.rerun() for _ in range(n_reruns)]
        return times, visitor.received_bytes


async def _load(url: str, n_visitors: int, n_reruns: int) -> Load:
    barrier = asyncio.Barrier(n_visitors + 1)
    visits = [asyncio.create_task(_visit(url, n_reruns, barrier)) for _ in range(n_visitors)]
    waiting = asyncio.create_task(barrier.wait())
    failed, _ = await asyncio.wait([waiting, *visits], return_when=asyncio.FIRST_COMPLETED)
    for task in failed:
        task.result()
    start = time.perf_counter()
    answers = await asyncio.gather(*visits)
    wall_s = time.perf_counter() - start
    round_trips = tuple(seconds for times, _ in answers for seconds in times)
    return Load(len(round_trips), wall_s, round_trips, sum(size for _, size in answers))


def rerun_without_pause(server_url: str, n_visitors: int, n_reruns: int) -> Load:
    """Let ``n_visitors`` rerun the page ``n_reruns`` times each, all at once, without pause."""
    url = server_url.replace("http", "ws", 1) + "/_stcore/stream"
    return asyncio.run(_load(url, n_visitors, n_reruns))


async def _watch(
    url: str, n_visitors: int, stretches: list[int], look: Callable[[], float]
) -> list[float]:
    async with AsyncExitStack() as stack:
        visitors = []
        for _ in range(n_visitors):
            connection = websockets.connect(
                url, subprotocols=[websockets.Subprotocol("streamlit")], max_size=_LARGEST_MESSAGE
            )
            visitors.append(Visitor(await stack.enter_async_context(connection)))

        async def rerun(visitor: Visitor, n_reruns: int) -> None:
            for _ in range(n_reruns):
                await visitor.rerun()

        seen = []
        for n_reruns in stretches:
            await asyncio.gather(*(rerun(visitor, n_reruns) for visitor in visitors))
            seen.append(look())
        return seen


def look_between_reruns(
    server_url: str, n_visitors: int, stretches: list[int], look: Callable[[], float]
) -> list[float]:
    """Let the same visitors rerun the page so often, and ``look`` after each stretch.

    Pages that were left are kept by Streamlit for two minutes, so other visitors would add theirs.
    """
    url = server_url.replace("http", "ws", 1) + "/_stcore/stream"
    return asyncio.run(_watch(url, n_visitors, stretches, look))
