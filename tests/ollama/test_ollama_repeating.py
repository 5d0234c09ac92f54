"""What failed is tried again where that can help and harms nobody: by the policy, the kind of failure, in its time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ecs_localai.components.hosts import RetryPolicy
from ecs_localai.ollama import OllamaClient
from ecs_localai.ollama.errors import (
    BadReply,
    ClientClosed,
    ErrorKind,
    HostUnreachable,
    InvalidRequest,
    ModelNotFound,
    OllamaError,
    ServerFailure,
    Unauthorized,
)
from ecs_localai.ollama.retrying import Attempts, Repeat, parse_retry_after
from tests.ollama.busy_door import BusyDoor, refusing
from tests.ollama.recorded_answers import LoopServer, read_request
from tests.rig.odd_servers import closed_port
from tests.rig.ollama_server import OllamaServer
from tests.rig.relay import Relay

QUICK = RetryPolicy(max_attempts=4, initial_delay=timedelta(milliseconds=5), multiplier=2.0, jitter=0.0)
BUSY = refusing("503 Service Unavailable", body=b'{"error":"server busy, please try again."}')


def test_delays_grow_up_to_the_longest_and_swing() -> None:
    policy = RetryPolicy(
        max_attempts=6, initial_delay=timedelta(seconds=1), multiplier=3, max_delay=timedelta(seconds=10), jitter=0.5
    )
    error = HostUnreachable("Away.", ErrorKind.REFUSED, True)
    for seed in range(50):
        attempts = Attempts(policy, Repeat.ALWAYS, random.Random(seed))
        delays = [attempts.delay_after(error, False) for _ in range(6)]
        assert delays[-1] is None
        for delay, middle in zip(delays[:-1], (1, 3, 9, 10, 10), strict=True):
            assert delay is not None
            assert middle * 0.5 <= delay <= middle * 1.5
    assert len({Attempts(policy, Repeat.ALWAYS).delay_after(error, False) for _ in range(20)}) > 1


@pytest.mark.parametrize("repeat", list(Repeat))
@pytest.mark.parametrize("sent", [False, True])
def test_what_may_be_repeated_depends_on_the_call_and_on_what_was_sent(repeat: Repeat, sent: bool) -> None:
    def repeated(error: OllamaError) -> bool:
        return Attempts(QUICK, repeat).delay_after(error, sent) is not None

    never = repeat is Repeat.NEVER
    always = repeat is Repeat.ALWAYS
    assert repeated(HostUnreachable("Away.", ErrorKind.REFUSED, True)) is (not never and (always or not sent))
    assert repeated(HostUnreachable("Gone.", ErrorKind.DISCONNECTED, True)) is (not never and (always or not sent))
    assert repeated(BadReply("Cut.")) is (not never and (always or not sent))
    busy = ServerFailure("Busy.", ErrorKind.BUSY, True)
    assert repeated(busy) is (not never and (always or not sent or repeat is Repeat.UNTIL_TAKEN))
    for final in (
        InvalidRequest("Wrong."),
        Unauthorized("Who?"),
        ModelNotFound("None."),
        HostUnreachable("Untrusted.", ErrorKind.TLS, True),
        ServerFailure("Full.", ErrorKind.DISK_FULL, False),
        BadReply("Endless.", retryable=False),
        ClientClosed("Closed."),
    ):
        assert not repeated(final), final


def test_a_dead_connection_is_tried_once_more_without_any_policy() -> None:
    attempts = Attempts(None, Repeat.ALWAYS)
    gone = HostUnreachable("Gone.", ErrorKind.DISCONNECTED, True)
    assert attempts.delay_after(gone, True) == 0.0
    assert attempts.delay_after(gone, True) is None
    assert Attempts(None, Repeat.ALWAYS).delay_after(HostUnreachable("Away.", ErrorKind.REFUSED, True), False) is None


NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("Mon, 23 Nov 2026 12:00:30 -0000", 30.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("٣", None),
        ("9" * 400, 999_999_999.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds


def test_a_server_that_asks_for_time_gets_it_or_the_caller_the_failure() -> None:
    policy = RetryPolicy(max_attempts=5, initial_delay=timedelta(0), max_delay=timedelta(seconds=8), jitter=0.0)
    busy = ServerFailure("Busy.", ErrorKind.BUSY, True)
    busy.retry_after = 7.0
    assert Attempts(policy, Repeat.ALWAYS).delay_after(busy, True) == 7.0
    busy.retry_after = 9.0
    assert Attempts(policy, Repeat.ALWAYS).delay_after(busy, True) is None


@pytest.mark.ollama
async def test_reads_come_through_a_busy_proxy(ollama_server: OllamaServer) -> None:
    async with BusyDoor(ollama_server.port, BUSY, 2) as door:
        async with OllamaClient(door.base_url, retry_policy=QUICK) as client:
            assert len(await client.tags()) >= 2
        assert len(door.asked) == 3


@pytest.mark.ollama
@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize("as_date", [False, True])
async def test_the_time_that_a_server_asks_for_is_kept(ollama_server: OllamaServer, status: str, as_date: bool) -> None:
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    asked = format_datetime(moment, usegmt=True) if as_date else "1"
    async with (
        BusyDoor(ollama_server.port, refusing(status, f"Retry-After: {asked}"), 1) as door,
        OllamaClient(door.base_url, retry_policy=QUICK) as client,
    ):
        assert await client.version()
    first, second = (when for when, _ in door.asked)
    assert second - first >= (0.0 if as_date else 1.0)
    assert not as_date or datetime.now(UTC) >= moment


@pytest.mark.ollama
async def test_a_wait_that_is_too_long_is_the_callers(ollama_server: OllamaServer) -> None:
    answer = refusing("503 Service Unavailable", "Retry-After: 3600")
    async with (
        BusyDoor(ollama_server.port, answer, 1) as door,
        OllamaClient(door.base_url, retry_policy=QUICK) as client,
    ):
        with pytest.raises(ServerFailure) as caught:
            await client.version()
    assert caught.value.kind is ErrorKind.BUSY
    assert caught.value.retry_after == 3600
    assert len(door.asked) == 1


@pytest.mark.ollama
@pytest.mark.parametrize(
    "answer",
    [
        refusing("400 Bad Request"),
        refusing("401 Unauthorized"),
        refusing("403 Forbidden"),
        refusing("404 Not Found"),
        refusing("500 Internal Server Error", body=b'{"error":"write: no space left on device"}'),
    ],
    ids=["400", "401", "403", "404", "no_space"],
)
async def test_what_needs_a_person_is_not_tried_again(ollama_server: OllamaServer, answer: bytes) -> None:
    async with (
        BusyDoor(ollama_server.port, answer, 1) as door,
        OllamaClient(door.base_url, retry_policy=QUICK) as client,
    ):
        with pytest.raises(OllamaError) as caught:
            await client.show("tiny")
    assert not caught.value.retryable
    assert len(door.asked) == 1


@pytest.mark.ollama
async def test_a_probe_sees_every_failure(ollama_server: OllamaServer) -> None:
    async with (
        BusyDoor(ollama_server.port, BUSY, 1) as door,
        OllamaClient(door.base_url, retry_policy=QUICK) as client,
    ):
        with pytest.raises(ServerFailure):
            await client.version(retry=False)
        assert len(door.asked) == 1
        assert await client.version(retry=False)


CHANGES: dict[str, Callable[[OllamaClient], Awaitable[object]]] = {
    "copy": lambda client: client.copy("tiny", "copied:9"),
    "delete": lambda client: client.delete("copied:9"),
    "create": lambda client: client.create("made:9", source="tiny"),
    "push": lambda client: client.push("tiny"),
}


@pytest.mark.ollama
@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_that_was_sent_is_not_sent_again(ollama_server: OllamaServer, name: str) -> None:
    async with (
        BusyDoor(ollama_server.port, BUSY, 1) as door,
        OllamaClient(door.base_url, retry_policy=QUICK) as client,
    ):
        with pytest.raises(ServerFailure):
            await CHANGES[name](client)
    assert len(door.asked) == 1


@pytest.mark.ollama
async def test_a_change_that_could_not_be_sent_is_tried_again(ollama_server: OllamaServer) -> None:
    with Relay("127.0.0.1", ollama_server.port) as relay:
        relay.refuse()
        policy = RetryPolicy(max_attempts=400, initial_delay=timedelta(milliseconds=20), multiplier=1.0)
        async with OllamaClient(relay.base_url, retry_policy=policy) as client:
            copying = asyncio.create_task(client.copy("tiny", "copied:9"))
            await asyncio.sleep(0)
            await asyncio.to_thread(relay.accept)
            await asyncio.wait_for(copying, 20)
            await client.delete("copied:9")


@pytest.mark.ollama
async def test_a_generation_that_was_not_begun_is_begun_again(ollama_server: OllamaServer) -> None:
    async with (
        BusyDoor(ollama_server.port, BUSY, 2) as door,
        OllamaClient(door.base_url, retry_policy=QUICK) as client,
    ):
        assert (await client.generate("tiny", "Hello", options={"num_predict": 2})).done
    assert len(door.asked) == 3
    async with OllamaClient(ollama_server.base_url) as client:
        await client.unload("tiny")


class HalfAnswer(LoopServer):
    """Says a piece of an answer, and then that it is too busy."""

    asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One answer."""
        await read_request(reader)
        self.asked += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n")
        writer.write(b'{"response":"Once"}\n{"error":"server busy, please try again."}\n')
        await writer.drain()


async def test_what_was_told_is_not_told_again() -> None:
    told: list[str] = []
    async with HalfAnswer() as server, OllamaClient(server.base_url, retry_policy=QUICK) as client:
        with pytest.raises(ServerFailure) as caught:
            await client.generate("tiny", "Hello", on_token=told.append)
        assert server.asked == 1
    assert caught.value.kind is ErrorKind.BUSY
    assert told == ["Once"]


async def test_attempts_end() -> None:
    async with OllamaClient(f"127.0.0.1:{closed_port()}", retry_policy=QUICK) as client:
        with pytest.raises(HostUnreachable) as caught:
            await client.version()
    assert caught.value.kind is ErrorKind.REFUSED


@pytest.mark.parametrize("turns", [0, 1, 3, 30, 300])
async def test_closing_ends_a_wait_between_attempts(turns: int) -> None:
    policy = RetryPolicy(max_attempts=9, initial_delay=timedelta(seconds=25))
    client = OllamaClient(f"127.0.0.1:{closed_port()}", retry_policy=policy)
    asking = asyncio.create_task(client.version())
    for _ in range(turns):  # of the loop: after a few of them the first attempt is over
        await asyncio.sleep(0)
    await client.aclose()
    with pytest.raises(ClientClosed):
        await asyncio.wait_for(asking, 10)
